"""Texts written on in idle time: what is asked for next is there at once, and nothing else waits for it."""

from __future__ import annotations

import pytest

from afterword.worker.engine_core import EngineCore

from .test_stale import Interruption

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]
OTHER = [9, 8, 7, 6]


@pytest.fixture
def rig(model, make_rig):
    """A rig at a core that looks ahead."""
    return make_rig(model.core(eos=False, lookahead_tokens=5))


@pytest.fixture
def alone(model, make_rig):
    """A rig at a core that does nothing but what is asked for."""
    return make_rig(model.core(eos=False))


def until_paused(rig, run):
    while rig.outcome(run) != "paused":
        rig.step()


def test_what_is_looked_ahead_is_not_told_of(rig, alone):
    run = rig.write(1, TEXT, limit_tokens=4)
    assert rig.core.counters.lookahead_rows > 0
    assert rig.core.idle
    expected = alone.write(1, TEXT, limit_tokens=4)
    assert rig.tokens(run) == alone.tokens(expected)
    assert [type(event).__name__ for event in rig.events[run]][-1] == "Paused"


def test_more_of_a_text_is_there_without_a_step(rig, alone):
    run = rig.write(1, TEXT, limit_tokens=4)
    steps = rig.core.counters.steps
    rig.raise_limit(run, 9)
    rig.step()
    assert rig.core.counters.steps == steps
    assert rig.tokens(run) == alone.tokens(alone.write(1, TEXT, limit_tokens=9))


def test_a_suggestion_that_was_accepted_as_a_whole_is_followed_by_text_without_a_step(rig, alone):
    run = rig.write(1, TEXT, limit_tokens=4)
    steps = rig.core.counters.steps
    onward = rig.ask(1, [*TEXT, *rig.tokens(run)], limit_tokens=4)
    rig.step()
    assert rig.core.counters.steps == steps
    assert rig.tokens(onward) == alone.tokens(alone.write(1, TEXT, limit_tokens=8))[4:]


def test_a_text_that_was_stopped_but_is_useful_is_written_on(rig, alone):
    run = rig.ask(1, TEXT, limit_tokens=50)
    while len(rig.tokens(run)) < 3:
        rig.step()
    rig.stop(run, useful=True)
    rig.settle()
    assert len(rig.tokens(run)) == 3
    assert not any(type(event).__name__ == "Paused" for event in rig.events[run])
    steps = rig.core.counters.steps
    onward = rig.ask(1, [*TEXT, *rig.tokens(run)], limit_tokens=5)
    rig.step()
    assert rig.core.counters.steps == steps
    assert rig.tokens(onward) == alone.tokens(alone.write(1, TEXT, limit_tokens=8))[3:]


def test_a_text_that_was_stopped_for_good_is_not_looked_ahead(rig):
    run = rig.ask(1, TEXT, limit_tokens=50)
    while not rig.tokens(run):
        rig.step()
    steps = rig.core.counters.steps
    rig.stop(run)
    rig.settle()
    assert rig.core.counters.steps == steps


def test_a_prepared_document_has_its_first_words_ready(rig, alone):
    rig.write(1, TEXT, heal=b" t", limit_tokens=0)
    steps = rig.core.counters.steps
    run = rig.ask(1, TEXT, heal=b" t", limit_tokens=3)
    rig.step()
    assert rig.core.counters.steps == steps
    assert rig.tokens(run) == alone.tokens(alone.write(1, TEXT, heal=b" t", limit_tokens=3))


def test_lookahead_comes_to_an_end(rig):
    rig.write(1, TEXT, limit_tokens=1)
    assert rig.core.idle
    assert rig.core.counters.lookahead_rows == 5
    rig.settle()
    assert rig.core.counters.lookahead_rows == 5


def test_lookahead_is_done_only_when_nobody_waits(rig):
    paused = rig.ask(1, TEXT, limit_tokens=1)
    busy = rig.ask(2, OTHER, limit_tokens=30)
    while rig.outcome(busy) != "paused":
        rig.step()
        assert rig.core.counters.lookahead_rows == 0
    rig.settle()
    assert rig.outcome(paused) == "paused"
    assert rig.core.counters.lookahead_rows == 10


def test_a_request_of_another_document_drops_the_lookahead(rig, model):
    until_paused(rig, rig.ask(1, TEXT, limit_tokens=3))
    runs = []
    with Interruption(model, 1, lambda: runs.append(rig.ask(2, OTHER, limit_tokens=1))) as interruption:
        rig.step()
    assert interruption.layers == [0, 1]
    assert rig.core.counters.dropped_steps == 1
    until_paused(rig, runs[0])
    assert rig.core.counters.lookahead_rows == 0
    rig.settle()
    assert rig.core.counters.lookahead_rows == 10


def test_more_that_is_asked_for_of_another_text_drops_the_lookahead(rig, model):
    other = rig.write(2, OTHER, limit_tokens=1)
    until_paused(rig, rig.ask(1, TEXT, limit_tokens=3))
    with Interruption(model, 1, lambda: rig.raise_limit(other, 3)) as interruption:
        rig.step()
    assert interruption.layers == [0, 1]
    assert len(rig.tokens(other)) == 3


def test_more_of_the_same_text_is_told_at_once_and_the_work_under_way_is_kept(rig, model, alone):
    run = rig.ask(1, TEXT, limit_tokens=3)
    until_paused(rig, run)
    rig.step()
    seen = []

    def ask():
        rig.core.emit = seen.extend
        rig.raise_limit(run, 8)

    with Interruption(model, 1, ask):
        events = rig.core.step()
    expected = alone.tokens(alone.write(1, TEXT, limit_tokens=8))
    assert [event.token for event in seen] == expected[3:4]
    assert [event.token for event in events] == expected[4:5]
    assert rig.core.counters.dropped_steps == 0


def test_a_request_for_what_follows_is_answered_at_once_and_the_work_under_way_is_kept(rig, model, alone):
    run = rig.ask(1, TEXT, limit_tokens=3)
    until_paused(rig, run)
    rig.step()
    seen = []

    def ask():
        rig.core.emit = seen.extend
        rig.ask(1, [*TEXT, *rig.tokens(run)], limit_tokens=5)

    with Interruption(model, 1, ask):
        events = rig.core.step()
    expected = alone.tokens(alone.write(1, TEXT, limit_tokens=8))
    assert [event.token for event in seen[1:]] == expected[3:4]
    assert [event.token for event in events] == expected[4:5]
    assert rig.core.counters.dropped_steps == 0


def test_a_letter_that_disagrees_drops_the_lookahead(rig, model):
    until_paused(rig, rig.ask(1, TEXT, limit_tokens=3))
    with Interruption(model, 1, lambda: rig.ask(1, [*TEXT, 5, 6, 7], limit_tokens=1)) as interruption:
        rig.step()
    assert interruption.layers == [0, 1]


def test_a_slot_is_not_kept_for_lookahead(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=1, lookahead_tokens=5))
    until_paused(rig, rig.ask(1, TEXT, limit_tokens=3))
    run = rig.write(2, OTHER, limit_tokens=3)
    assert len(rig.tokens(run)) == 3
    assert rig.core.counters.preemptions == 1


def test_the_end_of_a_text_ends_the_lookahead_and_is_told_when_it_is_reached(model, make_rig, alone):
    last = alone.tokens(alone.write(1, TEXT, limit_tokens=4))[3]
    sizes = model.core(lookahead_tokens=5).config
    rig = make_rig(EngineCore(model.model, model.vocabulary.token_bytes, {last}, (), sizes, model.layout))
    run = rig.write(1, TEXT, limit_tokens=1)
    assert rig.outcome(run) == "paused"
    steps = rig.core.counters.steps
    rig.raise_limit(run, 9)
    rig.settle()
    assert rig.outcome(run) == "end"
    assert rig.core.counters.steps == steps


def test_a_full_slot_ends_the_lookahead(model, make_rig):
    rig = make_rig(model.core(eos=False, context_tokens=10, room_tokens=2, lookahead_tokens=5))
    run = rig.write(1, TEXT, limit_tokens=2)
    assert rig.outcome(run) == "paused"
    rig.raise_limit(run, 50)
    rig.settle()
    assert rig.outcome(run) == "end"
    assert len(rig.tokens(run)) == 10 + 2 + 1 - len(TEXT)


@pytest.mark.parametrize("details", [{"alternatives": 2}, {"temperature": 1.0, "seed": 3}])
def test_several_texts_and_texts_by_chance_are_not_looked_ahead(rig, details):
    rig.write(1, TEXT, limit_tokens=3, **details)
    assert rig.core.counters.lookahead_rows == 0
