"""What a core counts of its work, and what it reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from afterword.engine import counters
from afterword.engine.api import Forget, Measured, Request, RunEvent
from afterword.worker.engine_core import EngineCore

from .conftest import Interrupting, Model, Rig

HANG_S = 30
TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


def test_rows_of_a_step_that_nobody_wanted_are_wasted(rig: Rig) -> None:
    rig.write(1, TEXT, limit_tokens=1)
    assert rig.core.counters.wasted_rows == 0
    rig.ask(1, [*TEXT, 3, 4], limit_tokens=1)
    rig.core.runner = interrupting = Interrupting(rig.core.runner)
    interrupting.before(1, lambda: rig.stop(2))
    rig.settle()
    assert rig.core.counters.dropped_steps == 1
    assert rig.core.counters.wasted_rows == 2


def test_a_running_engine_tells_at_first_and_after_its_steps_and_then_rests(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "REPORT_INTERVAL_S", 0.05)
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
        first = told[0].values
        assert (first["slots"], first["used"], first["steps"]) == (4, 0, 0)
        core.submit(Request("somebody", 1, 1, TEXT, limit_tokens=5))
        assert heard(lambda: sum(each.values["steps"] for each in told) == 5)
        assert sum(each.values["rows"] for each in told) == len(TEXT) + 4
        assert told[-1].values["used"] == 1
        core.submit(Forget("somebody", 1))
        assert heard(lambda: told[-1].values["used"] == 0)
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


def test_counting_leaves_the_counters_of_a_core_alone(model: Model, make_rig: Callable[[EngineCore], Rig]) -> None:
    rig = make_rig(model.core(eos=False))
    rig.write(1, TEXT, limit_tokens=3)
    counters = rig.core.counters
    assert sum(counters.step_seconds[1:]) == sum(counters.step_rows[1:]) == counters.steps == 3
    assert counters.step_seconds[0] > 0
    assert counters.step_rows[0] == counters.rows
