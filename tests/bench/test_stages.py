"""A keystroke's path through the server, put together from what its processes noted."""

from __future__ import annotations

import pytest
from bench import prose, stages
from bench.stages import STAGES, STEPS_AT, KeyPath, TimedKey, path_of

SENT, RECEIVED = 1000, 2000
# Every mark ten nanoseconds after the one before.
NAMES = (
    "frame read",
    "text given",
    "prompt made",
    "request sent",
    "request read",
    "step begun",
    "step done",
    "tokens chosen",
)
BACK = ("events read", "text made", "message made", "frame made")
MARKS = [(mark, SENT + 10 * number) for number, mark in enumerate((*NAMES, *BACK), 1)]
STAGES_NS = [*[10] * (len(STAGES) - 1), RECEIVED - MARKS[-1][1]]
KEY = TimedKey(SENT, RECEIVED)


def at(mark: str) -> int:
    return dict(MARKS)[mark]


def in_order(marks: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(marks, key=lambda mark: mark[1])


def followed(marks: list[tuple[str, int]]) -> tuple[int, list[int]]:
    """How many steps were found, and the nanoseconds of each stage."""
    path = path_of(KEY, in_order(marks))
    assert path is not None
    return path.steps, [round(stage * 1e6) for stage in path.stages_ms]


def test_a_keystroke_is_followed_from_mark_to_mark() -> None:
    assert followed(MARKS) == (1, STAGES_NS)


def test_what_other_keystrokes_passed_does_not_matter() -> None:
    others = [(mark, moment + offset) for offset in (-1500, 1500) for mark, moment in MARKS]
    assert followed([*others, *MARKS]) == (1, STAGES_NS)


def test_steps_events_and_frames_of_the_text_before_are_passed_over() -> None:
    before = ("step begun", "step done", "tokens chosen", "events read", "message made", "frame made")
    assert followed([*((mark, SENT + 1) for mark in before), *MARKS]) == (1, STAGES_NS)


def test_news_without_text_is_passed_over() -> None:
    news = [(mark, at(mark) - 5) for mark in ("tokens chosen", "events read", "text made", "message made")]
    assert followed([*news, *MARKS]) == (1, STAGES_NS)


def test_of_several_frames_that_have_left_the_first_brought_the_text() -> None:
    assert followed([*MARKS, ("frame made", RECEIVED - 1)]) == (1, STAGES_NS)


def test_a_step_that_had_begun_before_counts_from_the_request_on() -> None:
    early = [(mark, SENT - 1 if mark == "step begun" else moment) for mark, moment in MARKS]
    steps, times = followed(early)
    assert steps == 1
    assert times[STEPS_AT] == at("step done") - at("request read")
    assert times[STEPS_AT - 1] == 0


def test_a_step_that_has_not_ended_is_not_the_one_that_brought_the_text() -> None:
    assert followed([*MARKS, ("step begun", RECEIVED - 1)]) == (1, STAGES_NS)


def test_of_several_steps_the_time_between_them_counts_as_beside() -> None:
    first = [("step begun", at("request read") + 2), ("step done", at("request read") + 5)]
    steps, times = followed([*first, *MARKS])
    assert steps == 2
    assert times[STEPS_AT] == STAGES_NS[STEPS_AT] + 3
    assert times[STEPS_AT - 1] == STAGES_NS[STEPS_AT - 1] - 3


def test_without_a_step_it_took_no_time() -> None:
    steps, times = followed([(mark, moment) for mark, moment in MARKS if not mark.startswith("step")])
    assert steps == 0
    assert times[STEPS_AT] == 0
    assert sum(times) == RECEIVED - SENT


@pytest.mark.parametrize("missing", ["prompt made", "request read", "tokens chosen", "frame made"])
def test_a_keystroke_that_did_not_reach_the_engine_and_back_is_left_out(missing: str) -> None:
    assert path_of(KEY, [(mark, moment) for mark, moment in MARKS if mark != missing]) is None


def test_of_keystrokes_that_took_one_step_all_but_that_is_judged() -> None:
    stages_ms = [0.001] * len(STAGES)
    slow = [*stages_ms[:STEPS_AT], 40.0, *stages_ms[STEPS_AT + 1 :]]
    longer = [*stages_ms[:STEPS_AT], 80.0, *stages_ms[STEPS_AT + 1 :]]
    longer[STEPS_AT - 1] = 7.0
    without = [*stages_ms[:STEPS_AT], 0.0, *stages_ms[STEPS_AT + 1 :]]
    section = stages._section([KeyPath(1, slow), KeyPath(2, longer), KeyPath(0, without)], 4)
    figures = {figure.name: figure for figure in section.figures}
    assert figures[stages.STEPS].value.startswith("40.00 (")
    assert figures["all of it"].value.startswith("40.0 ms")
    assert figures["all but the step"].met
    assert figures["all but the steps, where there were several"].value.startswith("7.0 ms")
    assert figures["keystrokes looked at"].value.startswith("3 of 4")
    assert section.raw["overhead_ms"] == pytest.approx([0.001 * (len(STAGES) - 1)])


def test_words_that_will_be_typed_are_of_the_same_letters_and_foreseen_by_nobody() -> None:
    text = prose.long_texts()[0]
    mixed = stages.unforeseen_from(text)
    assert mixed[: stages.CONTEXT_CHARACTERS] == text[: stages.CONTEXT_CHARACTERS]
    assert mixed != text
    assert sorted(mixed.split()[-1]) == sorted(text.split()[-1])
    assert len(mixed.split()) == len(text.split())
    assert mixed == stages.unforeseen_from(text)
