"""What an engine counts: each figure declared once, how figures add up, and when they are reported."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.engine import counters
from afterword.engine.counters import (
    FIGURES,
    REPORT_INTERVAL_S,
    STEP_ROWS,
    STEP_SECONDS,
    CounterReporter,
    Counters,
    Kind,
    add,
    since,
)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of reporters, to be moved by hand."""
    clock = [100.0]
    monkeypatch.setattr(counters.time, "monotonic", lambda: clock[0])
    return clock


def test_every_figure_says_what_it_is_and_in_which_unit() -> None:
    assert [figure.name for figure in FIGURES] == list(Counters.__dataclass_fields__)
    for figure in FIGURES:
        assert figure.help.endswith("."), figure.name
        assert figure.unit, figure.name
        assert bool(figure.bounds) == (figure.kind is Kind.HISTOGRAM), figure.name
    shown = [name for figure in FIGURES for name in (figure.metric, figure.former_metric) if name]
    assert len(set(shown)) == len(shown)


def test_steps_are_sorted_by_time_and_rows() -> None:
    counted = Counters()
    counted.count_step(rows=1, wasted_rows=0, seconds=0.0005)
    counted.count_step(rows=9, wasted_rows=4, seconds=0.021)
    counted.count_step(rows=5000, wasted_rows=0, seconds=7.0)
    seconds, *times = counted.step_seconds
    assert times[0] == times[STEP_SECONDS.index(0.025)] == times[-1] == 1
    assert seconds == pytest.approx(7.0215)
    rows, *sizes = counted.step_rows
    assert sizes[0] == sizes[STEP_ROWS.index(16)] == sizes[-1] == 1
    assert (rows, counted.wasted_rows) == (5010, 4)


steps = st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 9), st.sampled_from([0.25, 0.5, 2.0])), max_size=5)


@given(st.lists(steps, min_size=1, max_size=5))
def test_reports_add_up_to_what_was_counted(parts: list[list[tuple[int, int, float]]]) -> None:
    counted, then, total = Counters(slots=4), Counters(), Counters()
    for used, part in enumerate(parts):
        counted.used = used
        for step in part:
            counted.steps += 1
            counted.count_step(*step)
        news = since(counted, then)
        add(then, news)
        add(total, news)
        assert total == then == counted


def test_each_report_has_only_what_is_new(now: list[float]) -> None:
    counted = Counters(slots=4, used=1, steps=2, rows=10)
    reporter = CounterReporter(counted)
    counted.count_step(10, 0, 0.01)
    first = reporter.report().values
    assert (first["slots"], first["used"], first["steps"], first["rows"]) == (4, 1, 2, 10)
    counted.steps, counted.used, counted.waiting = 3, 2, 1
    counted.count_step(3, 3, 0.02)
    second = reporter.report().values
    assert (second["slots"], second["used"], second["waiting"]) == (4, 2, 1)
    assert (second["steps"], second["rows"], second["wasted_rows"]) == (1, 0, 3)
    seconds, *times = second["step_seconds"]
    assert (seconds, sum(times)) == (pytest.approx(0.02), 1)


def test_what_is_new_waits_until_a_while_after_the_last_report(now: list[float]) -> None:
    counted = Counters(slots=4)
    reporter = CounterReporter(counted)
    assert reporter.due
    assert reporter.wait_s() == 0, "how many slots there are is news"
    reporter.report()
    assert not reporter.due
    assert reporter.wait_s() is None
    counted.used = 1
    assert reporter.wait_s() == REPORT_INTERVAL_S
    counted.used, counted.steps = 0, 1
    now[0] += REPORT_INTERVAL_S / 4
    assert reporter.wait_s() == pytest.approx(REPORT_INTERVAL_S * 3 / 4)
    now[0] += REPORT_INTERVAL_S
    assert reporter.due
    assert reporter.wait_s() == 0
