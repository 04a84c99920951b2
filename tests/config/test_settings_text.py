"""The documentation's table of settings is the one the program reads by."""

from __future__ import annotations

from pathlib import Path

import pytest

from afterword.config.settings import GROUP_OF, all_fields
from afterword.config.settings_text import allowed, main, table


def test_the_table_has_a_row_for_each_setting_and_a_meaning_in_each_row() -> None:
    rows = [row.split(" | ") for row in table().splitlines()[2:]]
    assert [row[0].strip("|` ") for row in rows] == list(GROUP_OF)
    assert all(row[-1].rstrip("| ").endswith(".") for row in rows)


def test_a_time_or_size_says_its_unit_in_name_or_row() -> None:
    for each in all_fields():
        if each.name.endswith(("_ms", "_bytes")):
            assert each.metadata["unit"] == each.name.rsplit("_", 1)[1]


def test_what_is_allowed_is_told_in_words() -> None:
    assert allowed("port") == "a whole number from 0 to 65535"
    assert allowed("threads") == "a whole number from 1 to 1024"
    assert allowed("cache_dir") == "a path"
    assert allowed("origins") == "a list, separated by commas"
    assert allowed("page") == "true or false"
    assert allowed("log_level") == "one of debug, info, warning, error"


def test_an_old_table_is_noticed_and_renewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "configuration.md"
    page.write_text("before\n\n<!-- settings -->\nold\n<!-- /settings -->\n\nafter\n")
    assert main(["--check"], page) == 1
    assert "out of date" in capsys.readouterr().out
    assert main(["--write"], page) == 0
    assert main(["--check"], page) == 0
    assert page.read_text() == f"before\n\n<!-- settings -->\n{table()}\n<!-- /settings -->\n\nafter\n"


def test_a_page_without_the_place_for_it_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "configuration.md").write_text("nothing")
    assert main(["--check"], tmp_path / "configuration.md") == 1
    assert main(["--write"], tmp_path / "configuration.md") == 1


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0
