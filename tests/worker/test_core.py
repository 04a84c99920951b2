"""What a document gets for a request: tokens, pauses, ends; what is reused; who waits for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from afterword.engine.api import Ended, RaiseLimit, Request, Sampled, Started, StopRun
from afterword.worker.core import EngineCore
from afterword.worker.model.runner import Runner

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


def test_a_wish_is_answered_with_its_cost_then_tokens_then_a_pause(desk):
    run = desk.write(1, TEXT, limit_tokens=3)
    kinds = [type(event).__name__ for event in desk.events[run]]
    assert kinds == ["Started", "Sampled", "Sampled", "Sampled", "Paused"]
    started = desk.started(run)
    assert (started.context, started.reused, started.computed) == (8, 0, 8)
    assert started.queue_ms >= 0


def test_the_time_for_which_a_wish_was_kept_before_it_came_counts_as_waiting(desk):
    run = desk.write(1, TEXT, limit_tokens=1, waited_ms=5000.0)
    assert desk.started(run).queue_ms >= 5000


def test_greedy_tokens_are_those_of_plain_forwards(desk, model):
    run = desk.write(1, TEXT, limit_tokens=6)
    text = list(TEXT)
    for sampled in desk.sampled(run):
        logits = model.logits(text).clone()
        logits[list(model.vocabulary.eos_ids)] = float("-inf")
        assert sampled.token == int(logits.argmax())
        assert sampled.logprob == pytest.approx(float(logits.log_softmax(-1)[sampled.token]), abs=1e-4)
        text.append(sampled.token)


def test_a_text_that_grew_is_computed_only_where_it_grew(desk):
    desk.write(1, TEXT, limit_tokens=2)
    longer = desk.write(1, [*TEXT, 5, 6, 7], limit_tokens=2)
    assert (desk.started(longer).reused, desk.started(longer).computed) == (8, 3)


def test_a_text_that_was_cut_back_reuses_what_is_left(desk):
    desk.write(1, TEXT, limit_tokens=1)
    shorter = desk.write(1, TEXT[:5], limit_tokens=1)
    assert (desk.started(shorter).reused, desk.started(shorter).computed) == (4, 1)


def test_the_same_text_again_costs_no_step(desk):
    first = desk.write(1, TEXT, limit_tokens=4)
    steps = desk.core.counters.steps
    again = desk.write(1, TEXT, limit_tokens=4)
    assert desk.tokens(again) == desk.tokens(first)
    assert desk.core.counters.steps == steps
    assert desk.started(again).computed == 0


def test_text_typed_as_it_was_suggested_costs_no_step(desk):
    first = desk.write(1, TEXT, limit_tokens=6)
    steps = desk.core.counters.steps
    written = desk.tokens(first)
    for typed in range(1, 5):
        run = desk.write(1, TEXT + written[:typed], limit_tokens=6 - typed)
        assert desk.tokens(run) == written[typed:]
    assert desk.core.counters.steps == steps


def test_a_letter_typed_inside_a_healed_word_costs_no_step_for_its_first_token(desk, model):
    desk.write(1, TEXT, heal=b" t", limit_tokens=4)
    steps = desk.core.counters.steps
    run = desk.ask(1, TEXT, heal=b" th", limit_tokens=4)
    desk.step()
    assert desk.core.counters.steps == steps
    assert len(model.text(desk.tokens(run))) > len(b" th")


def test_a_token_that_only_reproduces_what_was_typed_is_told_of_with_the_next(desk, model):
    desk.write(1, TEXT, heal=b" th", limit_tokens=4)
    steps = desk.core.counters.steps
    run = desk.ask(1, TEXT, heal=b" the", limit_tokens=4)
    events = desk.step()
    assert desk.core.counters.steps == steps + 1
    assert isinstance(events[0], Started)
    assert model.text(desk.tokens(run)[:1]) == b" the"
    assert len(desk.tokens(run)) >= 2


def test_another_letter_after_a_long_suggestion_still_costs_no_step(desk):
    desk.write(1, TEXT, heal=b" t", limit_tokens=40)
    steps = desk.core.counters.steps
    run = desk.ask(1, TEXT, heal=b" q", limit_tokens=4)
    desk.step()
    assert desk.core.counters.steps == steps
    assert desk.sampled(run)


@pytest.fixture
def spelled(model, make_desk):
    """A desk at a core whose tokens are `a`, but for a few."""
    texts = [b"a"] * model.vocabulary.size
    texts[5:9] = [b"ab", b"abc", b"b", b"c"]
    return make_desk(EngineCore(model.model, texts, (), (), layout=model.layout))


def test_what_was_typed_is_repeated_as_one_token_where_one_can(spelled):
    for last in range(20, 40):
        run = spelled.write(1, [*TEXT, last], heal=b"ab", limit_tokens=1)
        assert spelled.tokens(run)[0] in (5, 6)


def test_what_no_token_can_repeat_alone_is_repeated_in_pieces(spelled):
    run = spelled.write(1, TEXT, heal=b"abcb", limit_tokens=1)
    pieces = {5: "ab", 6: "abc", 7: "b", 8: "c"}
    assert "".join(pieces.get(token, "a") for token in spelled.tokens(run)).startswith("abcb")
    assert len(spelled.tokens(run)) > 2


def test_a_paused_run_goes_on_without_computing_anything_twice(desk):
    alone = desk.write(1, TEXT, limit_tokens=8)
    run = desk.write(2, TEXT, limit_tokens=3)
    rows = desk.core.counters.rows
    desk.raise_limit(run, 8)
    desk.settle()
    assert desk.tokens(run) == desk.tokens(alone)
    assert desk.core.counters.rows == rows + 5
    assert desk.outcome(run) == "paused"


def test_a_raised_limit_counts_for_a_wish_that_has_not_begun(desk):
    run = desk.ask(1, TEXT, limit_tokens=1)
    desk.raise_limit(run, 3)
    desk.settle()
    assert len(desk.tokens(run)) == 3


def test_a_wish_for_nothing_fills_the_cache(desk):
    fill = desk.write(1, TEXT, limit_tokens=0)
    assert desk.tokens(fill) == []
    assert desk.outcome(fill) == "paused"
    run = desk.write(1, TEXT, limit_tokens=1)
    assert desk.started(run).computed == 0


def test_a_filled_cache_can_be_written_from_by_raising_its_limit(desk):
    fill = desk.write(1, TEXT, limit_tokens=0)
    desk.raise_limit(fill, 2)
    desk.settle()
    assert len(desk.tokens(fill)) == 2


def test_the_newest_wish_of_a_document_replaces_the_one_before(desk):
    old = desk.ask(1, TEXT, limit_tokens=5)
    new = desk.ask(1, TEXT[:4], limit_tokens=2)
    desk.settle()
    assert desk.events[old] == []
    assert len(desk.tokens(new)) == 2


def test_a_stopped_run_says_nothing_more(desk):
    run = desk.ask(1, TEXT, limit_tokens=50)
    while not desk.tokens(run):
        desk.step()
    seen = list(desk.events[run])
    desk.stop(run)
    desk.settle()
    assert desk.events[run] == seen


def test_a_run_stopped_before_it_began_never_begins(desk):
    run = desk.ask(1, TEXT)
    desk.stop(run)
    desk.settle()
    assert desk.events[run] == []
    assert desk.core.counters.steps == 0


def test_stopping_an_old_run_leaves_the_newer_one_alone(desk):
    old = desk.ask(1, TEXT, limit_tokens=5)
    desk.step()
    new = desk.ask(1, [*TEXT, 9], limit_tokens=2)
    desk.stop(old)
    desk.settle()
    assert len(desk.tokens(new)) == 2


def test_documents_may_have_runs_of_the_same_number(desk):
    for document, limit in ((1, 2), (2, 3)):
        desk.core.submit(Request(f"owner {document}", document, 7, TEXT, limit_tokens=limit))
    desk.core.submit(RaiseLimit("owner 2", 2, 7, 5))
    events = []
    while not desk.core.idle:
        events += desk.core.step()
    written = [(event.owner, event.document) for event in events if isinstance(event, Sampled)]
    assert written.count(("owner 1", 1)) == 2
    assert written.count(("owner 2", 2)) == 5
    assert {event.run for event in events} == {7}


@pytest.mark.parametrize("late", [RaiseLimit("somebody", 1, 1, 9), StopRun("somebody", 1, 1)])
@pytest.mark.parametrize("begun", [False, True])
def test_a_command_about_a_run_that_was_replaced_does_nothing(desk, late, begun):
    desk.ask(1, TEXT, limit_tokens=1)
    run = desk.ask(1, [*TEXT, 5], limit_tokens=2)
    if begun:
        desk.step()
    desk.core.submit(late)
    desk.settle()
    assert len(desk.tokens(run)) == 2
    assert desk.outcome(run) == "paused"


def test_a_forgotten_document_is_computed_anew(desk):
    desk.write(1, TEXT, limit_tokens=1)
    desk.forget(1)
    run = desk.write(1, TEXT, limit_tokens=1)
    assert desk.started(run).computed == len(TEXT)


def test_the_model_ends_a_text(models, make_desk):
    model = models("llama")
    unending = make_desk(model.core(eos=False))
    run = unending.write(1, TEXT, limit_tokens=4)
    last = unending.tokens(run)[2]
    sizes = model.core().config
    core = EngineCore(model.model, model.vocabulary.token_bytes, {last}, (), sizes, model.layout)
    desk = make_desk(core)
    run = desk.write(1, TEXT, limit_tokens=24)
    assert last not in desk.tokens(run)
    assert desk.outcome(run) == "end"
    assert not any(isinstance(event, Sampled) and event.token == last for event in desk.events[run])


def test_banned_tokens_are_never_written(model, make_desk):
    first = make_desk(model.core(eos=False))
    banned = frozenset(first.tokens(first.write(1, TEXT, limit_tokens=8)))
    core = EngineCore(model.model, model.vocabulary.token_bytes, (), banned, layout=model.layout)
    desk = make_desk(core)
    assert not banned & set(desk.tokens(desk.write(1, TEXT, limit_tokens=20)))


def test_a_prompt_longer_than_the_context_is_an_error_that_says_so(desk):
    run = desk.write(1, [3] * 97)
    assert desk.events[run] == [
        Ended("somebody", 1, run, 0, "error", "the prompt has 97 tokens, more than the 96 that fit"),
    ]


def test_a_prompt_may_be_as_long_as_the_context(desk):
    run = desk.write(1, [3, 4] * 48, limit_tokens=2)
    assert len(desk.tokens(run)) == 2


@pytest.mark.parametrize("tokens", [[], [400], [-1]])
def test_a_prompt_the_model_cannot_read_is_an_error(desk, tokens):
    run = desk.write(1, tokens)
    assert desk.outcome(run) == "error"


def test_a_text_ends_when_its_slot_is_full(model, make_desk):
    desk = make_desk(model.core(eos=False, context_tokens=10, room_tokens=6))
    run = desk.write(1, TEXT, limit_tokens=100)
    assert desk.outcome(run) == "end"
    assert len(desk.tokens(run)) == 10 + 6 + 1 - len(TEXT)
    assert desk.events[run][-1] == Ended("somebody", 1, run, 0, "end", "the context is full")


def test_a_text_paused_at_the_very_end_of_its_slot_ends_when_it_is_to_go_on(model, make_desk):
    desk = make_desk(model.core(eos=False, context_tokens=10, room_tokens=6))
    run = desk.write(1, TEXT, limit_tokens=9)
    assert desk.outcome(run) == "paused"
    desk.raise_limit(run, 100)
    desk.settle()
    assert desk.outcome(run) == "end"


def test_more_documents_than_slots_are_all_served(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=2))
    runs = [desk.ask(document, [*TEXT, document], limit_tokens=3) for document in range(12)]
    desk.settle()
    assert [len(desk.tokens(run)) for run in runs] == [3] * 12
    assert desk.core.counters.preemptions == 10


def test_the_slot_of_a_running_run_is_not_taken(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=1))
    long = desk.ask(1, TEXT, limit_tokens=10)
    desk.step()
    waiting = desk.ask(2, TEXT, limit_tokens=1)
    while desk.outcome(long) == "writing":
        assert desk.events[waiting] == []
        desk.step()
    desk.settle()
    assert len(desk.tokens(waiting)) == 1


def test_the_document_used_longest_ago_loses_its_slot_first(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=2))
    for document in (1, 2, 1, 3):
        desk.write(document, [*TEXT, document], limit_tokens=1)
    assert desk.started(desk.write(1, [*TEXT, 1], limit_tokens=1)).computed == 0
    assert desk.started(desk.write(2, [*TEXT, 2], limit_tokens=1)).computed == 9


def test_a_forgotten_document_gives_its_slot_before_any_open_one(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=2))
    for document in (1, 2):
        desk.write(document, [*TEXT, document], limit_tokens=1)
    desk.forget(2)
    desk.write(3, TEXT, limit_tokens=1)
    assert desk.core.counters.preemptions == 0
    assert desk.started(desk.write(1, [*TEXT, 1], limit_tokens=1)).computed == 0


def test_filling_ahead_gives_way_to_a_writer(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=1, step_tokens=2))
    desk.ask(1, TEXT, limit_tokens=0)
    desk.step()
    run = desk.ask(2, TEXT, limit_tokens=1)
    desk.settle()
    assert len(desk.tokens(run)) == 1


def test_a_paused_run_that_lost_its_slot_goes_on_where_it_was(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=1))
    alone = desk.write(1, TEXT, limit_tokens=8)
    run = desk.write(1, TEXT[:-1], limit_tokens=3)
    again = desk.write(2, TEXT, limit_tokens=3)
    desk.write(3, [9, 9, 9], limit_tokens=3)
    desk.raise_limit(again, 8)
    desk.settle()
    assert desk.tokens(again) == desk.tokens(alone)
    assert len(desk.tokens(run)) == 3


def test_too_many_waiting_documents_are_told_that_it_is_busy(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=1, waiting_limit=2))
    first = desk.ask(1, TEXT, limit_tokens=30)
    desk.step()
    runs = [desk.ask(document, TEXT, limit_tokens=1, alternatives=2) for document in range(2, 6)]
    desk.settle()
    assert len(desk.tokens(first)) == 30
    assert [desk.outcome(run) for run in runs] == ["paused", "paused", "busy", "busy"]
    assert [desk.outcome(run, 1) for run in runs] == ["paused", "paused", "busy", "busy"]


def test_documents_that_paused_and_lost_their_slot_do_not_count_as_waiting(model, make_desk):
    desk = make_desk(model.core(eos=False, slots=1, waiting_limit=2))
    runs = [desk.write(document, TEXT, limit_tokens=1) for document in range(6)]
    assert [desk.outcome(run) for run in runs] == ["paused"] * 6


def test_an_engine_without_wishes_is_idle(desk):
    assert desk.step() == []
    assert desk.core.idle
    desk.write(1, TEXT, limit_tokens=1)
    steps = desk.core.counters.steps
    desk.step()
    assert desk.core.idle
    assert desk.core.counters.steps == steps


def test_a_step_that_breaks_ends_its_runs_and_not_the_engine(desk, model, monkeypatch):
    desk.write(1, TEXT, limit_tokens=1)

    def broken(*_, **__):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(model.model, "forward", broken)
        run = desk.write(1, [*TEXT, 3], limit_tokens=4, alternatives=2)
    assert (desk.outcome(run, 0), desk.outcome(run, 1)) == ("error", "error")
    assert desk.core.counters.failed_steps == 1
    again = desk.write(1, [*TEXT, 3], limit_tokens=4)
    assert desk.started(again).reused == len(TEXT)


def test_a_wish_is_not_changed(desk):
    request = Request("somebody", 1, 1, tuple(TEXT), limit_tokens=2)
    before = replace(request)
    desk.core.submit(request)
    desk.settle()
    assert request == before


def test_steps_are_run_by_the_runner_that_was_given(model, make_desk):
    class Counting:
        def __init__(self):
            self.rows = 0

        def forward(self, step):
            self.rows += step.rows
            return Runner(model.model).forward(step)

    counting = Counting()
    counted, plain = make_desk(model.core(eos=False, runner=counting)), make_desk(model.core(eos=False))
    run, other = (desk.write(1, TEXT, limit_tokens=3) for desk in (counted, plain))
    assert counted.tokens(run) == plain.tokens(other)
    assert counting.rows == counted.core.counters.rows > 0
