"""What an engine counts, and when it tells of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from afterword.engine import counters
from afterword.engine.api import Forget, Measured, Request, RunEvent
from afterword.engine.counters import STEP_MS, STEP_ROWS, Stats, StatsReporter
from afterword.worker.core import EngineCore

from .conftest import Desk, Model

HANG_S = 30
TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of meters, to be moved by hand."""
    clock = [100.0]
    monkeypatch.setattr(counters.time, "monotonic", lambda: clock[0])
    return clock


def test_steps_are_sorted_by_time_and_rows() -> None:
    stats = Stats()
    stats.stepped(rows=1, wasted=0, took_s=0.0005)
    stats.stepped(rows=9, wasted=4, took_s=0.021)
    stats.stepped(rows=5000, wasted=0, took_s=7.0)
    assert stats.times[0] == stats.times[STEP_MS.index(25)] == stats.times[-1] == 1
    assert stats.sizes[0] == stats.sizes[STEP_ROWS.index(16)] == stats.sizes[-1] == 1
    assert stats.wasted == 4
    assert stats.took_s == pytest.approx(7.0215)


def test_each_time_only_what_is_new_is_told(now: list[float]) -> None:
    stats = Stats()
    meter = StatsReporter(stats, slots=4)
    stats.steps, stats.rows = 2, 10
    stats.stepped(10, 0, 0.01)
    first = meter.take(1, 0)
    assert (first.slots, first.used, first.steps, first.rows, sum(first.times)) == (4, 1, 2, 10, 1)
    stats.steps += 1
    stats.stepped(3, 3, 0.02)
    second = meter.take(2, 1)
    assert (second.used, second.waiting, second.steps, second.rows, second.wasted) == (2, 1, 1, 0, 3)
    assert (sum(second.times), sum(second.sizes)) == (1, 1)
    assert second.took_s == pytest.approx(0.02)


def test_what_is_new_waits_until_a_while_after_what_was_told_before(now: list[float]) -> None:
    stats = Stats()
    meter = StatsReporter(stats, slots=4)
    assert meter.due
    assert meter.wait_s(0, 0) == 0, "how many slots there are is news"
    meter.take(0, 0)
    assert not meter.due
    assert meter.wait_s(0, 0) is None
    assert meter.wait_s(1, 0) == counters.TOLD_EACH_S
    stats.steps += 1
    now[0] += counters.TOLD_EACH_S / 4
    assert meter.wait_s(0, 0) == pytest.approx(counters.TOLD_EACH_S * 3 / 4)
    now[0] += counters.TOLD_EACH_S
    assert meter.due
    assert meter.wait_s(0, 0) == 0


def test_rows_of_a_step_that_nobody_wanted_are_wasted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(1, TEXT, limit_tokens=1)
    assert desk.core.stats.wasted == 0
    desk.ask(1, [*TEXT, 3, 4], limit_tokens=1)
    between = desk.core._between_layers

    def stop_between_layers() -> None:
        between()
        desk.stop(2)

    monkeypatch.setattr(desk.core, "_between_layers", stop_between_layers)
    desk.settle()
    assert desk.core.stats.dropped == 1
    assert desk.core.stats.wasted == 2


def test_a_running_engine_tells_at_first_and_after_its_steps_and_then_rests(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "TOLD_EACH_S", 0.05)
    core = model.core(eos=False)
    told: list[Measured] = []
    news = threading.Condition()

    def emit(events: Sequence[RunEvent | Measured]) -> None:
        with news:
            told.extend(event for event in events if isinstance(event, Measured))
            news.notify()

    def heard(condition: Callable[[], bool]) -> bool:
        with news:
            return news.wait_for(condition, HANG_S)

    thread = threading.Thread(target=core.run_forever, args=(emit,))
    thread.start()
    try:
        assert heard(lambda: len(told) == 1)
        assert (told[0].slots, told[0].used, told[0].steps) == (4, 0, 0)
        core.submit(Request("somebody", 1, 1, TEXT, limit_tokens=5))
        assert heard(lambda: sum(each.steps for each in told) == 5)
        assert sum(each.rows for each in told) == len(TEXT) + 4
        assert told[-1].used == 1
        core.submit(Forget("somebody", 1))
        assert heard(lambda: told[-1].used == 0)
        count = len(told)
        assert not news_within(news, 0.2), "nothing happened, so nothing is told"
        assert len(told) == count
    finally:
        core.close()
        thread.join(HANG_S)
    assert not thread.is_alive()


def news_within(news: threading.Condition, seconds: float) -> bool:
    with news:
        return news.wait(seconds)


def test_counting_leaves_the_counters_of_a_core_alone(model: Model, make_desk: Callable[[EngineCore], Desk]) -> None:
    desk = make_desk(model.core(eos=False))
    desk.write(1, TEXT, limit_tokens=3)
    stats = desk.core.stats
    assert sum(stats.times) == sum(stats.sizes) == stats.steps == 3
    assert stats.took_s > 0
