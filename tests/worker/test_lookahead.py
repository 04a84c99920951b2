"""Texts written on in spare time: what is asked for next is there at once, and nothing else waits for it."""

from __future__ import annotations

import pytest

from afterword.worker.core import EngineCore

from .test_stale import Interruption

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]
OTHER = [9, 8, 7, 6]


@pytest.fixture
def desk(model, make_desk):
    """A desk at a core that writes ahead."""
    return make_desk(model.core(eos=False, lookahead_tokens=5))


@pytest.fixture
def alone(model, make_desk):
    """A desk at a core that does nothing but what is asked for."""
    return make_desk(model.core(eos=False))


def until_paused(desk, run):
    while desk.outcome(run) != "paused":
        desk.step()


def test_what_is_written_ahead_is_not_told_of(desk, alone):
    run = desk.write(1, TEXT, limit_tokens=4)
    assert desk.core.counters.lookahead_rows > 0
    assert desk.core.idle
    expected = alone.write(1, TEXT, limit_tokens=4)
    assert desk.tokens(run) == alone.tokens(expected)
    assert [type(event).__name__ for event in desk.events[run]][-1] == "Paused"


def test_more_of_a_text_is_there_without_a_step(desk, alone):
    run = desk.write(1, TEXT, limit_tokens=4)
    steps = desk.core.counters.steps
    desk.raise_limit(run, 9)
    desk.step()
    assert desk.core.counters.steps == steps
    assert desk.tokens(run) == alone.tokens(alone.write(1, TEXT, limit_tokens=9))


def test_a_suggestion_that_was_accepted_as_a_whole_is_followed_by_text_without_a_step(desk, alone):
    run = desk.write(1, TEXT, limit_tokens=4)
    steps = desk.core.counters.steps
    onward = desk.ask(1, [*TEXT, *desk.tokens(run)], limit_tokens=4)
    desk.step()
    assert desk.core.counters.steps == steps
    assert desk.tokens(onward) == alone.tokens(alone.write(1, TEXT, limit_tokens=8))[4:]


def test_a_text_that_was_stopped_but_is_useful_is_written_on(desk, alone):
    run = desk.ask(1, TEXT, limit_tokens=50)
    while len(desk.tokens(run)) < 3:
        desk.step()
    desk.stop(run, useful=True)
    desk.settle()
    assert len(desk.tokens(run)) == 3
    assert not any(type(event).__name__ == "Paused" for event in desk.events[run])
    steps = desk.core.counters.steps
    onward = desk.ask(1, [*TEXT, *desk.tokens(run)], limit_tokens=5)
    desk.step()
    assert desk.core.counters.steps == steps
    assert desk.tokens(onward) == alone.tokens(alone.write(1, TEXT, limit_tokens=8))[3:]


def test_a_text_that_was_stopped_for_good_is_not_written_on(desk):
    run = desk.ask(1, TEXT, limit_tokens=50)
    while not desk.tokens(run):
        desk.step()
    steps = desk.core.counters.steps
    desk.stop(run)
    desk.settle()
    assert desk.core.counters.steps == steps


def test_a_prepared_document_has_its_first_words_ready(desk, alone):
    desk.write(1, TEXT, heal=b" t", limit_tokens=0)
    steps = desk.core.counters.steps
    run = desk.ask(1, TEXT, heal=b" t", limit_tokens=3)
    desk.step()
    assert desk.core.counters.steps == steps
    assert desk.tokens(run) == alone.tokens(alone.write(1, TEXT, heal=b" t", limit_tokens=3))


def test_work_ahead_comes_to_an_end(desk):
    desk.write(1, TEXT, limit_tokens=1)
    assert desk.core.idle
    assert desk.core.counters.lookahead_rows == 5
    desk.settle()
    assert desk.core.counters.lookahead_rows == 5


def test_work_ahead_is_done_only_when_nobody_waits(desk):
    paused = desk.ask(1, TEXT, limit_tokens=1)
    busy = desk.ask(2, OTHER, limit_tokens=30)
    while desk.outcome(busy) != "paused":
        desk.step()
        assert desk.core.counters.lookahead_rows == 0
    desk.settle()
    assert desk.outcome(paused) == "paused"
    assert desk.core.counters.lookahead_rows == 10


def test_a_wish_of_another_document_drops_the_work_ahead(desk, model):
    until_paused(desk, desk.ask(1, TEXT, limit_tokens=3))
    runs = []
    with Interruption(model, 1, lambda: runs.append(desk.ask(2, OTHER, limit_tokens=1))) as interruption:
        desk.step()
    assert interruption.layers == [0, 1]
    assert desk.core.counters.dropped_steps == 1
    until_paused(desk, runs[0])
    assert desk.core.counters.lookahead_rows == 0
    desk.settle()
    assert desk.core.counters.lookahead_rows == 10


def test_more_that_is_asked_for_of_another_text_drops_the_work_ahead(desk, model):
    other = desk.write(2, OTHER, limit_tokens=1)
    until_paused(desk, desk.ask(1, TEXT, limit_tokens=3))
    with Interruption(model, 1, lambda: desk.raise_limit(other, 3)) as interruption:
        desk.step()
    assert interruption.layers == [0, 1]
    assert len(desk.tokens(other)) == 3


def test_more_of_the_same_text_is_told_at_once_and_the_work_under_way_is_kept(desk, model, alone):
    run = desk.ask(1, TEXT, limit_tokens=3)
    until_paused(desk, run)
    desk.step()
    seen = []

    def ask():
        desk.core._emit = seen.extend
        desk.raise_limit(run, 8)

    with Interruption(model, 1, ask):
        events = desk.core.step()
    expected = alone.tokens(alone.write(1, TEXT, limit_tokens=8))
    assert [event.token for event in seen] == expected[3:4]
    assert [event.token for event in events] == expected[4:5]
    assert desk.core.counters.dropped_steps == 0


def test_a_wish_for_what_follows_is_answered_at_once_and_the_work_under_way_is_kept(desk, model, alone):
    run = desk.ask(1, TEXT, limit_tokens=3)
    until_paused(desk, run)
    desk.step()
    seen = []

    def ask():
        desk.core._emit = seen.extend
        desk.ask(1, [*TEXT, *desk.tokens(run)], limit_tokens=5)

    with Interruption(model, 1, ask):
        events = desk.core.step()
    expected = alone.tokens(alone.write(1, TEXT, limit_tokens=8))
    assert [event.token for event in seen[1:]] == expected[3:4]
    assert [event.token for event in events] == expected[4:5]
    assert desk.core.counters.dropped_steps == 0


def test_a_letter_that_disagrees_drops_the_work_ahead(desk, model):
    until_paused(desk, desk.ask(1, TEXT, limit_tokens=3))
    with Interruption(model, 1, lambda: desk.ask(1, [*TEXT, 5, 6, 7], limit_tokens=1)) as interruption:
        desk.step()
    assert interruption.layers == [0, 1]


def test_a_slot_is_not_kept_for_work_ahead(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=1, lookahead_tokens=5))
    until_paused(desk, desk.ask(1, TEXT, limit_tokens=3))
    run = desk.write(2, OTHER, limit_tokens=3)
    assert len(desk.tokens(run)) == 3
    assert desk.core.counters.preemptions == 1


def test_the_end_of_a_text_ends_the_work_ahead_and_is_told_when_it_is_reached(model, make_desk, alone):
    last = alone.tokens(alone.write(1, TEXT, limit_tokens=4))[3]
    sizes = model.core(lookahead_tokens=5).config
    desk = make_desk(EngineCore(model.model, model.vocabulary.token_bytes, {last}, (), sizes, model.layout))
    run = desk.write(1, TEXT, limit_tokens=1)
    assert desk.outcome(run) == "paused"
    steps = desk.core.counters.steps
    desk.raise_limit(run, 9)
    desk.settle()
    assert desk.outcome(run) == "end"
    assert desk.core.counters.steps == steps


def test_a_full_slot_ends_the_work_ahead(model, make_desk):
    desk = make_desk(model.core(eos=False, context_tokens=10, room_tokens=2, lookahead_tokens=5))
    run = desk.write(1, TEXT, limit_tokens=2)
    assert desk.outcome(run) == "paused"
    desk.raise_limit(run, 50)
    desk.settle()
    assert desk.outcome(run) == "end"
    assert len(desk.tokens(run)) == 10 + 2 + 1 - len(TEXT)


@pytest.mark.parametrize("details", [{"alternatives": 2}, {"temperature": 1.0, "seed": 3}])
def test_several_texts_and_texts_by_chance_are_not_written_ahead(desk, details):
    desk.write(1, TEXT, limit_tokens=3, **details)
    assert desk.core.counters.lookahead_rows == 0
