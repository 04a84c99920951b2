"""What a document gets for a request: tokens, pauses, ends; what is reused; who waits for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from afterword.engine.api import Ended, RaiseLimit, Request, Sampled, Started, StopRun
from afterword.worker.engine_core import EngineCore
from afterword.worker.model.runner import Runner

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


def test_a_request_is_answered_with_its_cost_then_tokens_then_a_pause(rig):
    run = rig.write(1, TEXT, limit_tokens=3)
    kinds = [type(event).__name__ for event in rig.events[run]]
    assert kinds == ["Started", "Sampled", "Sampled", "Sampled", "Paused"]
    started = rig.started(run)
    assert (started.context, started.reused, started.computed) == (8, 0, 8)
    assert started.queue_ms >= 0


def test_the_time_for_which_a_request_was_kept_before_it_came_counts_as_waiting(rig):
    run = rig.write(1, TEXT, limit_tokens=1, waited_ms=5000.0)
    assert rig.started(run).queue_ms >= 5000


def test_greedy_tokens_are_those_of_plain_forwards(rig, model):
    run = rig.write(1, TEXT, limit_tokens=6)
    text = list(TEXT)
    for sampled in rig.sampled(run):
        logits = model.logits(text).clone()
        logits[list(model.vocabulary.eos_ids)] = float("-inf")
        assert sampled.token == int(logits.argmax())
        assert sampled.logprob == pytest.approx(float(logits.log_softmax(-1)[sampled.token]), abs=1e-4)
        text.append(sampled.token)


def test_a_text_that_grew_is_computed_only_where_it_grew(rig):
    rig.write(1, TEXT, limit_tokens=2)
    longer = rig.write(1, [*TEXT, 5, 6, 7], limit_tokens=2)
    assert (rig.started(longer).reused, rig.started(longer).computed) == (8, 3)


def test_a_text_that_was_cut_back_reuses_what_is_left(rig):
    rig.write(1, TEXT, limit_tokens=1)
    shorter = rig.write(1, TEXT[:5], limit_tokens=1)
    assert (rig.started(shorter).reused, rig.started(shorter).computed) == (4, 1)


def test_the_same_text_again_costs_no_step(rig):
    first = rig.write(1, TEXT, limit_tokens=4)
    steps = rig.core.counters.steps
    again = rig.write(1, TEXT, limit_tokens=4)
    assert rig.tokens(again) == rig.tokens(first)
    assert rig.core.counters.steps == steps
    assert rig.started(again).computed == 0


def test_text_typed_as_it_was_suggested_costs_no_step(rig):
    first = rig.write(1, TEXT, limit_tokens=6)
    steps = rig.core.counters.steps
    written = rig.tokens(first)
    for typed in range(1, 5):
        run = rig.write(1, TEXT + written[:typed], limit_tokens=6 - typed)
        assert rig.tokens(run) == written[typed:]
    assert rig.core.counters.steps == steps


def test_a_letter_typed_inside_a_healed_word_costs_no_step_for_its_first_token(rig, model):
    rig.write(1, TEXT, heal=b" t", limit_tokens=4)
    steps = rig.core.counters.steps
    run = rig.ask(1, TEXT, heal=b" th", limit_tokens=4)
    rig.step()
    assert rig.core.counters.steps == steps
    assert len(model.text(rig.tokens(run))) > len(b" th")


def test_a_token_that_only_reproduces_what_was_typed_is_told_of_with_the_next(rig, model):
    rig.write(1, TEXT, heal=b" th", limit_tokens=4)
    steps = rig.core.counters.steps
    run = rig.ask(1, TEXT, heal=b" the", limit_tokens=4)
    events = rig.step()
    assert rig.core.counters.steps == steps + 1
    assert isinstance(events[0], Started)
    assert model.text(rig.tokens(run)[:1]) == b" the"
    assert len(rig.tokens(run)) >= 2


def test_another_letter_after_a_long_suggestion_still_costs_no_step(rig):
    rig.write(1, TEXT, heal=b" t", limit_tokens=40)
    steps = rig.core.counters.steps
    run = rig.ask(1, TEXT, heal=b" q", limit_tokens=4)
    rig.step()
    assert rig.core.counters.steps == steps
    assert rig.sampled(run)


@pytest.fixture
def spelled(model, make_rig):
    """A rig at a core whose tokens are `a`, but for a few."""
    texts = [b"a"] * model.vocabulary.size
    texts[5:9] = [b"ab", b"abc", b"b", b"c"]
    return make_rig(EngineCore(model.model, texts, (), (), layout=model.layout))


def test_what_was_typed_is_repeated_as_one_token_where_one_can(spelled):
    for last in range(20, 40):
        run = spelled.write(1, [*TEXT, last], heal=b"ab", limit_tokens=1)
        assert spelled.tokens(run)[0] in (5, 6)


def test_what_no_token_can_repeat_alone_is_repeated_in_pieces(spelled):
    run = spelled.write(1, TEXT, heal=b"abcb", limit_tokens=1)
    pieces = {5: "ab", 6: "abc", 7: "b", 8: "c"}
    assert "".join(pieces.get(token, "a") for token in spelled.tokens(run)).startswith("abcb")
    assert len(spelled.tokens(run)) > 2


def test_a_paused_run_goes_on_without_computing_anything_twice(rig):
    alone = rig.write(1, TEXT, limit_tokens=8)
    run = rig.write(2, TEXT, limit_tokens=3)
    rows = rig.core.counters.rows
    rig.raise_limit(run, 8)
    rig.settle()
    assert rig.tokens(run) == rig.tokens(alone)
    assert rig.core.counters.rows == rows + 5
    assert rig.outcome(run) == "paused"


def test_a_raised_limit_counts_for_a_request_that_has_not_begun(rig):
    run = rig.ask(1, TEXT, limit_tokens=1)
    rig.raise_limit(run, 3)
    rig.settle()
    assert len(rig.tokens(run)) == 3


def test_a_request_for_nothing_fills_the_cache(rig):
    fill = rig.write(1, TEXT, limit_tokens=0)
    assert rig.tokens(fill) == []
    assert rig.outcome(fill) == "paused"
    run = rig.write(1, TEXT, limit_tokens=1)
    assert rig.started(run).computed == 0


def test_a_filled_cache_can_be_written_from_by_raising_its_limit(rig):
    fill = rig.write(1, TEXT, limit_tokens=0)
    rig.raise_limit(fill, 2)
    rig.settle()
    assert len(rig.tokens(fill)) == 2


def test_the_newest_request_of_a_document_replaces_the_one_before(rig):
    old = rig.ask(1, TEXT, limit_tokens=5)
    new = rig.ask(1, TEXT[:4], limit_tokens=2)
    rig.settle()
    assert rig.events[old] == []
    assert len(rig.tokens(new)) == 2


def test_a_stopped_run_says_nothing_more(rig):
    run = rig.ask(1, TEXT, limit_tokens=50)
    while not rig.tokens(run):
        rig.step()
    seen = list(rig.events[run])
    rig.stop(run)
    rig.settle()
    assert rig.events[run] == seen


def test_a_run_stopped_before_it_began_never_begins(rig):
    run = rig.ask(1, TEXT)
    rig.stop(run)
    rig.settle()
    assert rig.events[run] == []
    assert rig.core.counters.steps == 0


def test_stopping_an_old_run_leaves_the_newer_one_alone(rig):
    old = rig.ask(1, TEXT, limit_tokens=5)
    rig.step()
    new = rig.ask(1, [*TEXT, 9], limit_tokens=2)
    rig.stop(old)
    rig.settle()
    assert len(rig.tokens(new)) == 2


def test_documents_may_have_runs_of_the_same_number(rig):
    for document, limit in ((1, 2), (2, 3)):
        rig.core.submit(Request(f"owner {document}", document, 7, TEXT, limit_tokens=limit))
    rig.core.submit(RaiseLimit("owner 2", 2, 7, 5))
    events = []
    while not rig.core.idle:
        events += rig.core.step()
    written = [(event.owner, event.document) for event in events if isinstance(event, Sampled)]
    assert written.count(("owner 1", 1)) == 2
    assert written.count(("owner 2", 2)) == 5
    assert {event.run for event in events} == {7}


@pytest.mark.parametrize("late", [RaiseLimit("somebody", 1, 1, 9), StopRun("somebody", 1, 1)])
@pytest.mark.parametrize("begun", [False, True])
def test_a_command_about_a_run_that_was_replaced_does_nothing(rig, late, begun):
    rig.ask(1, TEXT, limit_tokens=1)
    run = rig.ask(1, [*TEXT, 5], limit_tokens=2)
    if begun:
        rig.step()
    rig.core.submit(late)
    rig.settle()
    assert len(rig.tokens(run)) == 2
    assert rig.outcome(run) == "paused"


def test_a_forgotten_document_is_computed_anew(rig):
    rig.write(1, TEXT, limit_tokens=1)
    rig.forget(1)
    run = rig.write(1, TEXT, limit_tokens=1)
    assert rig.started(run).computed == len(TEXT)


def test_the_model_ends_a_text(models, make_rig):
    model = models("llama")
    unending = make_rig(model.core(eos=False))
    run = unending.write(1, TEXT, limit_tokens=4)
    last = unending.tokens(run)[2]
    sizes = model.core().config
    core = EngineCore(model.model, model.vocabulary.token_bytes, {last}, (), sizes, model.layout)
    rig = make_rig(core)
    run = rig.write(1, TEXT, limit_tokens=24)
    assert last not in rig.tokens(run)
    assert rig.outcome(run) == "end"
    assert not any(isinstance(event, Sampled) and event.token == last for event in rig.events[run])


def test_banned_tokens_are_never_written(model, make_rig):
    first = make_rig(model.core(eos=False))
    banned = frozenset(first.tokens(first.write(1, TEXT, limit_tokens=8)))
    core = EngineCore(model.model, model.vocabulary.token_bytes, (), banned, layout=model.layout)
    rig = make_rig(core)
    assert not banned & set(rig.tokens(rig.write(1, TEXT, limit_tokens=20)))


def test_a_prompt_longer_than_the_context_is_an_error_that_says_so(rig):
    run = rig.write(1, [3] * 97)
    assert rig.events[run] == [
        Ended("somebody", 1, run, 0, "error", "the prompt has 97 tokens, more than the 96 that fit"),
    ]


def test_a_prompt_may_be_as_long_as_the_context(rig):
    run = rig.write(1, [3, 4] * 48, limit_tokens=2)
    assert len(rig.tokens(run)) == 2


@pytest.mark.parametrize("tokens", [[], [400], [-1]])
def test_a_prompt_the_model_cannot_read_is_an_error(rig, tokens):
    run = rig.write(1, tokens)
    assert rig.outcome(run) == "error"


def test_a_text_ends_when_its_slot_is_full(model, make_rig):
    rig = make_rig(model.core(eos=False, context_tokens=10, room_tokens=6))
    run = rig.write(1, TEXT, limit_tokens=100)
    assert rig.outcome(run) == "end"
    assert len(rig.tokens(run)) == 10 + 6 + 1 - len(TEXT)
    assert rig.events[run][-1] == Ended("somebody", 1, run, 0, "end", "the context is full")


def test_a_text_paused_at_the_very_end_of_its_slot_ends_when_it_is_to_go_on(model, make_rig):
    rig = make_rig(model.core(eos=False, context_tokens=10, room_tokens=6))
    run = rig.write(1, TEXT, limit_tokens=9)
    assert rig.outcome(run) == "paused"
    rig.raise_limit(run, 100)
    rig.settle()
    assert rig.outcome(run) == "end"


def test_more_documents_than_slots_are_all_served(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=2))
    runs = [rig.ask(document, [*TEXT, document], limit_tokens=3) for document in range(12)]
    rig.settle()
    assert [len(rig.tokens(run)) for run in runs] == [3] * 12
    assert rig.core.counters.preemptions == 10


def test_the_slot_of_a_running_run_is_not_taken(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=1))
    long = rig.ask(1, TEXT, limit_tokens=10)
    rig.step()
    waiting = rig.ask(2, TEXT, limit_tokens=1)
    while rig.outcome(long) == "writing":
        assert rig.events[waiting] == []
        rig.step()
    rig.settle()
    assert len(rig.tokens(waiting)) == 1


def test_the_document_used_longest_ago_loses_its_slot_first(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=2))
    for document in (1, 2, 1, 3):
        rig.write(document, [*TEXT, document], limit_tokens=1)
    assert rig.started(rig.write(1, [*TEXT, 1], limit_tokens=1)).computed == 0
    assert rig.started(rig.write(2, [*TEXT, 2], limit_tokens=1)).computed == 9


def test_a_forgotten_document_gives_its_slot_before_any_open_one(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=2))
    for document in (1, 2):
        rig.write(document, [*TEXT, document], limit_tokens=1)
    rig.forget(2)
    rig.write(3, TEXT, limit_tokens=1)
    assert rig.core.counters.preemptions == 0
    assert rig.started(rig.write(1, [*TEXT, 1], limit_tokens=1)).computed == 0


def test_filling_ahead_gives_way_to_a_writer(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=1, prefill_tokens=2))
    rig.ask(1, TEXT, limit_tokens=0)
    rig.step()
    run = rig.ask(2, TEXT, limit_tokens=1)
    rig.settle()
    assert len(rig.tokens(run)) == 1


def test_a_paused_run_that_lost_its_slot_goes_on_where_it_was(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=1))
    alone = rig.write(1, TEXT, limit_tokens=8)
    run = rig.write(1, TEXT[:-1], limit_tokens=3)
    again = rig.write(2, TEXT, limit_tokens=3)
    rig.write(3, [9, 9, 9], limit_tokens=3)
    rig.raise_limit(again, 8)
    rig.settle()
    assert rig.tokens(again) == rig.tokens(alone)
    assert len(rig.tokens(run)) == 3


def test_too_many_waiting_documents_are_told_that_it_is_busy(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=1, waiting_limit=2))
    first = rig.ask(1, TEXT, limit_tokens=30)
    rig.step()
    runs = [rig.ask(document, TEXT, limit_tokens=1, alternatives=2) for document in range(2, 6)]
    rig.settle()
    assert len(rig.tokens(first)) == 30
    assert [rig.outcome(run) for run in runs] == ["paused", "paused", "busy", "busy"]
    assert [rig.outcome(run, 1) for run in runs] == ["paused", "paused", "busy", "busy"]


def test_documents_that_paused_and_lost_their_slot_do_not_count_as_waiting(model, make_rig):
    rig = make_rig(model.core(eos=False, slots=1, waiting_limit=2))
    runs = [rig.write(document, TEXT, limit_tokens=1) for document in range(6)]
    assert [rig.outcome(run) for run in runs] == ["paused"] * 6


def test_an_engine_without_requests_is_idle(rig):
    assert rig.step() == []
    assert rig.core.idle
    rig.write(1, TEXT, limit_tokens=1)
    steps = rig.core.counters.steps
    rig.step()
    assert rig.core.idle
    assert rig.core.counters.steps == steps


def test_a_step_that_breaks_ends_its_runs_and_not_the_engine(rig, model, monkeypatch):
    rig.write(1, TEXT, limit_tokens=1)

    def broken(*_, **__):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(model.model, "forward", broken)
        run = rig.write(1, [*TEXT, 3], limit_tokens=4, alternatives=2)
    assert (rig.outcome(run, 0), rig.outcome(run, 1)) == ("error", "error")
    assert rig.core.counters.failed_steps == 1
    again = rig.write(1, [*TEXT, 3], limit_tokens=4)
    assert rig.started(again).reused == len(TEXT)


def test_a_request_is_not_changed(rig):
    request = Request("somebody", 1, 1, tuple(TEXT), limit_tokens=2)
    before = replace(request)
    rig.core.submit(request)
    rig.settle()
    assert request == before


def test_steps_are_run_by_the_runner_that_was_given(model, make_rig):
    class Counting:
        def __init__(self):
            self.rows = 0

        def forward(self, step):
            self.rows += step.rows
            return Runner(model.model).forward(step)

    counting = Counting()
    counted, plain = make_rig(model.core(eos=False, runner=counting)), make_rig(model.core(eos=False))
    run, other = (rig.write(1, TEXT, limit_tokens=3) for rig in (counted, plain))
    assert counted.tokens(run) == plain.tokens(other)
    assert counting.rows == counted.core.counters.rows > 0
