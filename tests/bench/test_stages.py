"""A keystroke's way through the server, put together from what its processes noted."""

from __future__ import annotations

import pytest
from bench import stages
from bench.stages import STAGES, Key, way_of

SENT, RECEIVED = 1000, 2000
# Every mark ten nanoseconds after the one before.
WAY = [SENT, *(SENT + 10 * (number + 1) for number in range(len(STAGES) - 1)), RECEIVED]
WAY[stages.STEP_AT - 1] = WAY[stages.STEP_AT - 2]  # no step is in flight when the wish is read
MARKS = [(mark, at) for (mark, *_), at in zip(STAGES[:-1], WAY[1:], strict=False) if mark != "free"]
KEY = Key(SENT, RECEIVED)


def at(mark: str) -> int:
    return dict(MARKS)[mark]


def in_order(marks: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(marks, key=lambda mark: mark[1])


def test_a_keystroke_is_followed_from_mark_to_mark() -> None:
    assert way_of(KEY, MARKS) == WAY
    assert len(WAY) == len(STAGES) + 1


def test_what_other_keystrokes_passed_does_not_matter() -> None:
    others = [(mark, moment + offset) for offset in (-1500, 1500) for mark, moment in MARKS]
    assert way_of(KEY, in_order([*others, *MARKS])) == WAY


def test_steps_events_and_frames_of_the_text_before_are_passed_over() -> None:
    before = ("step begun", "step done", "tokens chosen", "events read", "message made", "frame made")
    assert way_of(KEY, [*((mark, SENT + 1) for mark in before), *MARKS]) == WAY


def test_news_without_text_is_passed_over() -> None:
    news = [(mark, at(mark) - 5) for mark in ("tokens chosen", "events read", "text made", "message made")]
    assert way_of(KEY, in_order([*news, *MARKS])) == WAY


def test_of_several_frames_that_have_left_the_first_brought_the_text() -> None:
    assert way_of(KEY, [*MARKS, ("frame made", RECEIVED - 1)]) == WAY


def test_a_step_that_had_begun_before_counts_from_the_wish_on() -> None:
    early = [(mark, SENT - 1 if mark == "step begun" else moment) for mark, moment in MARKS]
    way = way_of(KEY, in_order(early))
    assert way is not None
    assert way[stages.STEP_AT] == at("wish read")
    assert way[stages.STEP_AT + 1] == at("step done")


def test_a_step_in_flight_is_told_apart_from_the_planning_after_it() -> None:
    way = way_of(KEY, in_order([*MARKS, ("step done", at("wish read") + 4)]))
    assert way is not None
    assert way[stages.STEP_AT - 1] == at("wish read") + 4
    assert way[stages.STEP_AT] == at("step begun")


def test_without_a_step_it_took_no_time() -> None:
    way = way_of(KEY, [(mark, moment) for mark, moment in MARKS if not mark.startswith("step")])
    assert way is not None
    assert way[stages.STEP_AT] == way[stages.STEP_AT + 1] == at("tokens chosen")


@pytest.mark.parametrize("missing", ["prompt made", "wish read", "tokens chosen", "frame made"])
def test_a_keystroke_that_did_not_reach_the_engine_and_back_is_left_out(missing: str) -> None:
    assert way_of(KEY, [(mark, moment) for mark, moment in MARKS if mark != missing]) is None


def test_times_add_up_and_the_step_is_taken_out_for_the_goal() -> None:
    done = stages.STEP_AT + 1
    slow = [*WAY[:done], *(moment + 40_000_000 for moment in WAY[done:])]  # all but the step takes a microsecond
    without_step = [*WAY[: stages.STEP_AT + 1], WAY[stages.STEP_AT], *WAY[stages.STEP_AT + 2 :]]
    section = stages._section([slow, without_step], 3)
    figures = {figure.name: figure for figure in section.figures}
    assert figures[stages.STEP].value.startswith("40.00 ms")
    assert figures["all of it"].value.startswith("40.0 ms")
    assert figures["all but the step"].met
    assert figures["keystrokes looked at"].value.startswith("2 of 3")
    assert section.raw["held_ms"] == [0.001]
    stages_ms = section.raw["stages_ms"]
    assert isinstance(stages_ms, dict)
    assert sum(times[0] for times in stages_ms.values()) == pytest.approx(40.001)
