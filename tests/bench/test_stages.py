"""A keystroke's way through the server, put together from what its processes noted."""

from __future__ import annotations

import pytest
from bench import stages
from bench.stages import STAGES, Key, way_of

SENT, RECEIVED = 1000, 2000
# Every mark ten nanoseconds after the one before.
WAY = [SENT, *(SENT + 10 * (number + 1) for number in range(len(STAGES) - 1)), RECEIVED]
MARKS = [(mark, at) for (mark, *_), at in zip(STAGES[:-1], WAY[1:], strict=False)]
KEY = Key(SENT, RECEIVED)


def at(mark: str) -> int:
    return dict(MARKS)[mark]


def test_a_keystroke_is_followed_from_mark_to_mark() -> None:
    assert way_of(KEY, MARKS) == WAY
    assert len(WAY) == len(STAGES) + 1


def test_what_other_keystrokes_passed_does_not_matter() -> None:
    others = [(mark, moment + offset) for offset in (-1500, 1500) for mark, moment in MARKS]
    assert way_of(KEY, [*others, *MARKS]) == WAY


def test_steps_and_events_of_the_text_before_are_passed_over() -> None:
    before = [("step done", at("frame read") - 1), ("events read", at("frame read") - 1), ("frame sent", SENT + 1)]
    assert way_of(KEY, [*before, *MARKS]) == WAY


def test_the_text_counts_not_the_news_that_it_begins() -> None:
    news = [("text made", at("events read") + 1), ("message made", at("events read") + 2)]
    assert way_of(KEY, [*news, *MARKS]) == WAY


@pytest.mark.parametrize("missing", ["wish read", "step begun", "text made", "frame sent"])
def test_a_keystroke_that_took_another_way_is_left_out(missing: str) -> None:
    assert way_of(KEY, [(mark, moment) for mark, moment in MARKS if mark != missing]) is None


def test_a_keystroke_whose_first_step_gave_no_text_is_left_out() -> None:
    assert way_of(KEY, [*MARKS, ("events read", at("events read") + 1)]) is None


def test_times_add_up_and_the_step_is_taken_out_for_the_goal() -> None:
    slow = [*WAY[:7], *(moment + 40_000_000 for moment in WAY[7:])]  # all but the step takes a microsecond
    section = stages._section([slow], 3)
    figures = {figure.name: figure for figure in section.figures}
    assert figures[stages.STEP].value.startswith("40.00 ms")
    assert figures["all of it"].value.startswith("40.0 ms")
    assert figures["all but the step"].met
    assert figures["keystrokes looked at"].value.startswith("1 of 3")
    stages_ms = section.raw["stages_ms"]
    assert isinstance(stages_ms, dict)
    assert sum(times[0] for times in stages_ms.values()) == pytest.approx(40.001)
