"""The table of metrics in the docs is made of the declarations."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from afterword.engine.counters import FIGURES
from afterword.gateway.metrics.table import main, table
from afterword.session.counters import SuggestionCounters


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_every_metric_has_a_row_with_its_labels_and_a_sentence() -> None:
    rows = table().splitlines()[2:]
    names = [row.split("`")[1] for row in rows]
    assert {"afterword_info", "afterword_connections", "afterword_queue_seconds"} <= set(names)
    assert "afterword_suggestions_total{reason}" in names
    assert "afterword_engine_step_seconds{engine}" in names
    assert len(names) == len(set(names))
    assert all(row.endswith(". |") for row in rows)


def test_a_former_name_stands_beside_the_new_one_only() -> None:
    rows = [row for row in table().splitlines() if "afterword_engine_evictions_total" in row]
    assert [row.split("`")[1] for row in rows] == ["afterword_engine_preemptions_total{engine}"]


def test_every_counter_is_declared_with_a_unit_and_a_sentence() -> None:
    for figure in FIGURES:
        assert figure.unit, figure.name
        assert figure.help.endswith("."), figure.name
    for each in fields(SuggestionCounters):
        assert each.metadata["unit"], each.name
        assert each.metadata["help"].endswith("."), each.name
        assert f"afterword_{each.metadata['family']}_total" in table()


def test_counters_add_up() -> None:
    names = [each.name for each in fields(SuggestionCounters)]
    total = SuggestionCounters(**{name: number for number, name in enumerate(names)})
    total.add(SuggestionCounters(**dict.fromkeys(names, 10)))
    assert [getattr(total, name) for name in names] == [10 + number for number in range(len(names))]


def test_an_old_table_is_noticed_and_renewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "metrics.md"
    page.write_text("before\n<!-- metrics -->\nold\n<!-- /metrics -->\nafter\n")
    assert main(["--check"], page) == 1
    assert "python -m afterword.gateway.metrics --write" in capsys.readouterr().out
    assert main(["--write"], page) == 0
    assert main(["--check"], page) == 0
    assert page.read_text() == f"before\n<!-- metrics -->\n{table()}\n<!-- /metrics -->\nafter\n"
