"""How a keystroke is said to have been answered, from what the client saw and which steps the worker noted."""

from __future__ import annotations

import math

import pytest
from bench.instrumented_server import NotedStep
from bench.keystrokes import Answered, Typed, document_of, way_of, ways_of
from bench.replay.outcomes import Outcome

MS = 1_000_000
PRESSED = 1000 * MS
TOLD = Outcome(first_ms=6.0, silent_ms=None, shown=4, asked=True)
THROUGH = Outcome(first_ms=6.0, silent_ms=None, shown=4, asked=True, typed_through=True)
NEVER = Outcome(first_ms=None, silent_ms=None, shown=0, asked=True)


def step(begun_ms: float, done_ms: float, *documents: str) -> NotedStep:
    return NotedStep(int(begun_ms * MS), int(done_ms * MS), frozenset(documents))


@pytest.mark.parametrize(
    ("outcome", "ends_ms", "way"),
    [
        (TOLD, [1005], Answered.WITH_STEP),
        (TOLD, [999, 1007], Answered.WITHOUT_STEP),
        (TOLD, [], Answered.WITHOUT_STEP),
        (THROUGH, [1005], Answered.THROUGH),
        (NEVER, [1005], Answered.NOT),
        (Outcome(None, 6.0, 0, True), [1003], Answered.WITH_STEP),
    ],
)
def test_a_step_counts_if_it_ended_between_the_key_and_its_text(
    outcome: Outcome, ends_ms: list[int], way: Answered
) -> None:
    assert way_of(outcome, PRESSED, [end * MS for end in ends_ms]) is way


def test_only_steps_for_the_document_of_the_writer_count() -> None:
    steps = [step(10, 14, "old"), step(110, 114, "a"), step(210, 214, "b", "old"), step(1001, 1005, "b")]
    first = Typed([TOLD], [PRESSED], (100 * MS, 130 * MS))
    second = Typed([TOLD, NEVER], [PRESSED, 1200 * MS], (200 * MS, 230 * MS))
    assert [document_of(typed, steps) for typed in (first, second)] == ["a", "b"]
    assert ways_of([first, second], steps) == [
        (Answered.WITHOUT_STEP, 6.0),
        (Answered.WITH_STEP, 6.0),
        (Answered.NOT, math.inf),
    ]


def test_a_document_that_cannot_be_told_is_not_guessed() -> None:
    typed = Typed([], [], (100 * MS, 130 * MS))
    with pytest.raises(LookupError):
        document_of(typed, [step(110, 114, "a", "b")])
    with pytest.raises(LookupError):
        document_of(typed, [step(10, 14, "a"), step(110, 114, "a")])
