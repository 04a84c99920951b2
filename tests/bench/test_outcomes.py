"""Which answers count for a keystroke, and what figures come of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from bench.replay.answers import Answer, newly_shown
from bench.replay.editor import EditorText
from bench.replay.outcomes import Load, Outcome, Trial, figures, ratio, tokens_told
from bench.replay.typist import outcome_of

LOAD = Load(writers=1, context=300, gap_ms=200, client="plain")
NAMES = ("first_ms", "silent_ms", "shown", "asked", "typed_through")
GOT = Outcome(first_ms=10, silent_ms=None, shown=5, asked=True)
THROUGH = Outcome(first_ms=2, silent_ms=None, shown=1, asked=True, typed_through=True)
NOTHING = Outcome(first_ms=None, silent_ms=None, shown=0, asked=True)
SILENCE = Outcome(first_ms=None, silent_ms=30, shown=0, asked=True)


def an_answer(*pieces: tuple[str, float], ended: float | None = None, fault: str = "") -> Answer:
    answer = Answer("The c", "", asked=1.0, ended=ended, fault=fault)
    for piece, at in pieces:
        answer.add(piece, at)
    return answer


def a_trial(*outcomes: Outcome, server: str = "one", tokens: int | None = 20, faults: int = 0) -> Trial:
    return Trial(server, LOAD, outcomes, [400.0], tokens, 1.0, 100.0, faults, 0.5)


def test_text_counts_from_when_some_of_it_lies_ahead_of_the_caret() -> None:
    answer = an_answer(("at", 1.2), (" sat", 1.5))
    assert answer.first_valid("The c", "", 1.0) == 1.2
    assert answer.first_valid("The cat", "", 1.0) == 1.5, "what was typed already is no ghost text"
    assert answer.first_valid("The cat", "", 1.7) == 1.7, "it stood there when the key was pressed"
    assert answer.first_valid("The cat sat", "", 1.0) is None


@pytest.mark.parametrize(("before", "after"), [("The cow", ""), ("The ", ""), ("The c", "!")])
def test_text_for_another_place_does_not_count(before: str, after: str) -> None:
    answer = an_answer(("at", 1.2), ended=1.4)
    assert answer.first_valid(before, after, 1.0) is None
    assert answer.silent_since(before, after, 1.0) is None
    assert answer.ghost(before, after) == ""
    assert not answer.serves(before, after)


def test_silence_counts_only_if_the_server_said_so_and_nothing_failed() -> None:
    assert an_answer(ended=1.3).silent_since("The c", "", 1.0) == 1.3
    assert an_answer().silent_since("The c", "", 1.0) is None
    assert an_answer(ended=1.3, fault="busy").silent_since("The c", "", 1.0) is None


def test_a_clever_client_keeps_what_fits_and_has_text_ahead_or_to_come() -> None:
    assert an_answer(("at", 1.2)).serves("The ca", "")
    assert an_answer(("at", 1.2)).serves("The cat", ""), "more may come"
    assert not an_answer(("at", 1.2), ended=1.3).serves("The cat", "")


def test_only_new_characters_count_as_shown() -> None:
    assert newly_shown("at sat", "at sat on") == 3
    assert newly_shown("", "at") == 2
    assert newly_shown("at", "ow") == 2
    assert newly_shown("at sat", "at") == 0


def test_a_keystroke_gets_what_was_there_before_the_next() -> None:
    text = EditorText("The c")
    assert outcome_of(an_answer(("at", 1.2)), text, 1.0, asked=True, left="") == Outcome(
        pytest.approx(200), None, 2, True
    )
    assert outcome_of(an_answer(ended=1.1), text, 1.0, asked=True, left="") == Outcome(
        None, pytest.approx(100), 0, True
    )
    assert outcome_of(an_answer(ended=1.1, fault="HTTP 500"), text, 1.0, True, "") == NOTHING


def test_keystrokes_without_an_answer_count_as_later_than_any() -> None:
    half = figures([a_trial(GOT, NOTHING, NOTHING)])
    assert half.median_ms == math.inf
    assert half.answered == pytest.approx(1 / 3)
    most = figures([a_trial(*[GOT] * 90, *[NOTHING] * 10)])
    assert most.median_ms == 10
    assert most.p95_ms == math.inf


def test_giving_up_makes_nothing_better() -> None:
    slow = replace(GOT, first_ms=150)
    before = figures([a_trial(*[GOT] * 50, *[slow] * 50)])
    after = figures([a_trial(*[GOT] * 50, *[NOTHING] * 50, faults=50)])
    assert after.median_ms >= before.median_ms
    assert after.p95_ms > before.p95_ms
    assert after.answered < before.answered
    assert after.faults == 50


def test_being_told_that_there_is_nothing_is_an_answer_but_no_text() -> None:
    got = figures([a_trial(GOT, SILENCE)])
    assert got.answered == 1
    assert got.with_text == 0.5
    assert got.median_ms == 20


def test_rounds_of_a_load_are_taken_together() -> None:
    got = figures([a_trial(GOT, GOT), a_trial(NOTHING)])
    assert got.keystrokes == 3
    assert got.tokens_per_character == 4
    assert got.cpu_ms == pytest.approx(2000 / 3)
    with pytest.raises(ValueError, match="different"):
        figures([a_trial(GOT), a_trial(GOT, server="other")])
    with pytest.raises(ValueError, match="nothing was typed"):
        figures([a_trial()])


def test_what_was_not_told_is_not_made_up() -> None:
    assert figures([a_trial(GOT, tokens=None), a_trial(GOT)]).tokens_per_character is None
    assert tokens_told([3, None, 4]) == 7
    assert tokens_told([3, None, None]) is None, "too few told"
    assert tokens_told([]) is None


def test_the_raw_numbers_of_a_trial_are_enough_to_work_it_out_again() -> None:
    trial = a_trial(GOT, THROUGH, SILENCE, NOTHING)
    raw = json.loads(json.dumps(trial.as_dict(), allow_nan=False))
    columns = raw["outcomes"]
    again = [
        Outcome(first, silent, shown, bool(asked), bool(through))
        for first, silent, shown, asked, through in zip(*(columns[name] for name in NAMES), strict=True)
    ]
    assert figures([replace(trial, outcomes=again)]) == figures([trial])
    json.dumps(figures([trial]).as_dict(), allow_nan=False)
    json.dumps(figures([a_trial(NOTHING)]).as_dict(), allow_nan=False)


def test_ratios_say_nothing_where_there_is_nothing_to_say() -> None:
    assert ratio(10, 20) == 0.5
    assert ratio(10, math.inf) == 0
    assert ratio(math.inf, 10) == math.inf
    assert ratio(math.inf, math.inf) is None
    assert ratio(10, 0) is None


def test_keystrokes_that_were_typed_through_are_told_apart() -> None:
    got = figures([a_trial(GOT, THROUGH, THROUGH, GOT)])
    assert got.typed_through == 0.5
    assert (got.through_ms, got.others_ms) == (2, 10)
    text = EditorText("The ca")
    assert outcome_of(an_answer(("at", 1.2)), text, 1.0, asked=True, left="t").typed_through
    assert not outcome_of(an_answer(("at", 1.2)), text, 1.0, asked=True, left="").typed_through


def test_tokens_written_are_counted_for_each_request() -> None:
    told = replace(a_trial(GOT, GOT), written=9, ahead=4)
    got = figures([told, told])
    assert (got.written_per_ask, got.ahead_per_ask, got.counted_by_client) == (4.5, 2, False)
    received = replace(told, ahead=None, counted_by_client=True)
    got = figures([received])
    assert (got.written_per_ask, got.ahead_per_ask, got.counted_by_client) == (4.5, None, True)
    assert figures([told, replace(told, written=None)]).written_per_ask is None
