"""What the scheduler makes of commands: sequences, slots, and what of a step is still wanted. No model runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from afterword.engine.api import Ended, Forget, RaiseLimit, Request, StopRun
from afterword.engine.counters import Counters
from afterword.worker.cache.slots import Slots
from afterword.worker.config import CoreConfig
from afterword.worker.model.step import Span
from afterword.worker.scheduler.scheduler import Scheduler
from afterword.worker.scheduler.sequence import State
from afterword.worker.scheduler.speculator import Speculator

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]
VOCABULARY = 400


class Engine:
    """A scheduler whose steps are done when a test says so. Every text agrees with what is to be healed."""

    def __init__(self, slots: int = 2) -> None:
        config = CoreConfig(slots=slots, context_tokens=64, prefill_tokens=16, waiting_limit=2)
        self.counters = Counters()
        self.slots = Slots(slots, 8, lambda *_: None)
        speculator = Speculator(1, 4, config.rows, lambda *_: True, self.counters)
        self.scheduler = Scheduler(config, self.slots, speculator, VOCABULARY, lambda *_: True, self.counters)
        self._run = 0

    def ask(self, document: int, tokens: list[int], **details: Any) -> int:
        """Give a request; returns its run."""
        self._run += 1
        self.scheduler.add(Request("somebody", document, self._run, tokens, **details))
        return self._run

    def begin(self) -> dict[int, Span]:
        """Take up what waits and begin a step: its spans by document."""
        assert self.scheduler.admit() == []
        self.scheduler.schedule()
        return dict(self.scheduler.in_flight)

    def land(self) -> None:
        """The step is over: enter what it computed."""
        for document, span in self.scheduler.in_flight.items():
            if not span.stale:
                logits = torch.zeros(len(span.wanted), 1)
                self.slots.by_document[document].extend(span.tokens, span.wanted, logits)
        self.scheduler.in_flight.clear()

    def pause(self, document: int) -> None:
        """The document's sequence has written all that was asked for."""
        sequence = self.scheduler.running[document]
        sequence.turn(sequence.alternatives, State.PAUSED)


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_a_prompt_is_computed_from_where_the_slot_parts_from_it(engine: Engine) -> None:
    engine.ask(1, TEXT)
    assert engine.begin()[1].tokens == TEXT
    engine.land()
    engine.ask(1, [*TEXT[:5], 7, 8])
    span = engine.begin()[1]
    assert (span.start, span.tokens, span.wanted) == (5, [7, 8], [1])


def test_a_prompt_longer_than_a_step_is_computed_in_parts(engine: Engine) -> None:
    text = list(range(1, 41))
    engine.ask(1, text)
    for start, end in ((0, 16), (16, 32), (32, 40)):
        span = engine.begin()[1]
        assert span.tokens == text[start:end]
        assert span.wanted == ([7] if end == 40 else [])
        engine.land()


def test_a_request_that_goes_on_from_the_rows_in_flight_waits_for_them(engine: Engine) -> None:
    engine.ask(1, TEXT)
    span = engine.begin()[1]
    engine.ask(1, [*TEXT, 7])
    engine.scheduler.admit()
    assert 1 in engine.scheduler.waiting
    assert not span.stale
    engine.land()
    assert engine.begin()[1].tokens == [7]


def test_a_request_that_diverges_from_the_rows_in_flight_drops_them(engine: Engine) -> None:
    engine.ask(1, TEXT)
    span = engine.begin()[1]
    run = engine.ask(1, [9, 9, 9])
    assert span.stale
    engine.scheduler.admit()
    assert engine.scheduler.running[1].request.run == run


def test_rows_that_nobody_asked_for_are_dropped_for_any_request(engine: Engine) -> None:
    engine.ask(1, TEXT)
    engine.begin()
    engine.land()
    engine.pause(1)
    engine.scheduler.running[1].tokens.append(5)
    engine.scheduler.running[1].lookahead = 1
    span = engine.begin()[1]
    assert span.lookahead
    engine.ask(2, TEXT)
    assert span.stale


@pytest.mark.parametrize("useful", [False, True])
def test_rows_of_a_run_that_is_stopped_are_kept_only_if_its_text_is_useful(engine: Engine, useful: bool) -> None:
    run = engine.ask(1, TEXT)
    span = engine.begin()[1]
    engine.scheduler.stop(StopRun("somebody", 1, run, useful))
    assert (span.stale, span.lookahead) == (not useful, useful)
    assert (1 in engine.scheduler.running) == useful


def test_the_slot_of_rows_in_flight_is_not_taken_and_that_of_a_paused_text_is() -> None:
    engine = Engine(slots=1)
    engine.ask(1, TEXT)
    engine.begin()
    engine.pause(1)
    engine.ask(2, TEXT)
    engine.begin()
    assert engine.counters.waiting == 1
    engine.land()
    assert engine.begin()[2].tokens == TEXT
    assert (engine.counters.waiting, engine.counters.used, engine.counters.preemptions) == (0, 1, 1)


def test_a_document_that_is_forgotten_frees_its_slot_for_those_that_wait() -> None:
    engine = Engine(slots=1)
    engine.ask(1, TEXT)
    engine.begin()
    engine.land()
    engine.ask(2, TEXT)
    assert 2 not in engine.begin()
    engine.land()
    engine.scheduler.forget(Forget("somebody", 1))
    assert engine.begin()[2].tokens == TEXT
    assert engine.counters.preemptions == 0


def test_requests_beyond_the_limit_of_those_that_wait_end_as_busy() -> None:
    engine = Engine(slots=1)
    for document in range(1, 4):
        engine.ask(document, TEXT)
        assert engine.scheduler.admit() == []
    run = engine.ask(4, TEXT, alternatives=2)
    assert engine.scheduler.admit() == [
        Ended("somebody", 4, run, alternative, "busy", "too many documents are waiting") for alternative in (0, 1)
    ]


def test_a_limit_that_is_raised_before_a_request_is_taken_up_counts(engine: Engine) -> None:
    run = engine.ask(1, TEXT, limit_tokens=2)
    engine.scheduler.raise_limit(RaiseLimit("somebody", 1, run, 5))
    engine.scheduler.raise_limit(RaiseLimit("somebody", 1, run, 3))
    engine.begin()
    assert engine.scheduler.running[1].limit == 5


def test_unsent_events_of_a_document_go_with_its_run(engine: Engine) -> None:
    run, other = engine.ask(1, TEXT), engine.ask(2, TEXT)
    engine.begin()
    ends = [Ended("somebody", document, number, 0, "end") for document, number in ((1, run), (2, other))]
    engine.scheduler.unsent = list(ends)
    engine.scheduler.stop(StopRun("somebody", 1, run))
    assert engine.scheduler.unsent == ends[1:]
