"""Several texts side by side: how they part, what they share, and what is kept of them."""

from __future__ import annotations

import pytest

from afterword.worker.core import EngineCore

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


def follow(model, text, count):
    """Greedy tokens and their log-probabilities after `text`, by plain forwards, never ending."""
    found = []
    for _ in range(count):
        logits = model.logits(text).clone()
        logits[list(model.vocabulary.eos_ids)] = float("-inf")
        token = int(logits.argmax())
        found.append((token, float(logits.log_softmax(-1)[token])))
        text = [*text, token]
    return found


def test_greedy_alternatives_part_at_the_first_token_and_are_each_greedy(each_model, make_desk):
    desk = make_desk(each_model.core(eos=False))
    run = desk.write(1, TEXT, limit_tokens=5, alternatives=3)
    logits = each_model.logits(TEXT).clone()
    logits[list(each_model.vocabulary.eos_ids)] = float("-inf")
    firsts = logits.topk(3).indices.tolist()
    for alternative, first in enumerate(firsts):
        wanted = [first, *(token for token, _ in follow(each_model, [*TEXT, first], 4))]
        assert desk.tokens(run, alternative) == wanted
        assert desk.outcome(run, alternative) == "paused"


def test_the_log_probabilities_of_alternatives_are_their_own(each_model, make_desk):
    desk = make_desk(each_model.core(eos=False))
    run = desk.write(1, TEXT, limit_tokens=5, alternatives=3)
    for alternative in range(3):
        first, *rest = desk.sampled(run, alternative)
        wanted = follow(each_model, [*TEXT, first.token], 4)
        assert [event.logprob for event in rest] == pytest.approx([logprob for _, logprob in wanted], abs=1e-4)


def test_the_prompt_is_computed_once_for_all_alternatives(desk):
    run = desk.write(1, TEXT, limit_tokens=4, alternatives=3)
    assert desk.started(run).computed == len(TEXT)
    assert desk.core.counters.rows == len(TEXT) + 3 * 3


@pytest.mark.parametrize("alternative", [0, 1, 2])
def test_going_on_with_any_alternative_computes_nothing_twice(desk, alternative):
    run = desk.write(1, TEXT, limit_tokens=6, alternatives=3)
    rows = desk.core.counters.rows
    kept = desk.tokens(run, alternative)
    onward = desk.write(1, TEXT + kept[:4], limit_tokens=2)
    assert desk.tokens(onward) == kept[4:]
    assert desk.core.counters.rows == rows


@pytest.mark.parametrize("alternative", [0, 1, 2])
def test_what_follows_a_kept_alternative_is_exact(each_model, make_desk, alternative):
    desk = make_desk(each_model.core(eos=False))
    run = desk.write(1, TEXT, limit_tokens=9, alternatives=3)
    text = TEXT + desk.tokens(run, alternative)
    onward = desk.write(1, text, limit_tokens=6)
    assert desk.started(onward).reused == len(text) - 1
    assert desk.tokens(onward) == [token for token, _ in follow(each_model, text, 6)]


def test_alternatives_go_on_after_a_pause(desk):
    at_once = desk.write(1, TEXT, limit_tokens=7, alternatives=3)
    run = desk.write(2, TEXT, limit_tokens=2, alternatives=3)
    desk.raise_limit(run, 7)
    desk.settle()
    for alternative in range(3):
        assert desk.tokens(run, alternative) == desk.tokens(at_once, alternative)


def test_alternatives_go_on_after_their_slot_was_taken(each_model, make_desk):
    desk = make_desk(each_model.core(eos=False, slots=1))
    at_once = desk.write(1, TEXT, limit_tokens=12, alternatives=3)
    run = desk.write(2, TEXT, limit_tokens=7, alternatives=3)
    desk.write(3, [8, 8, 8], limit_tokens=7)
    desk.raise_limit(run, 12)
    desk.settle()
    for alternative in range(3):
        assert desk.tokens(run, alternative) == desk.tokens(at_once, alternative)


def test_healed_alternatives_share_what_reproduces_and_part_where_text_shows(desk, model):
    run = desk.write(1, TEXT, heal=b" th", limit_tokens=4, alternatives=3)
    texts = [model.text(desk.tokens(run, alternative)) for alternative in range(3)]
    assert all(text.startswith(b" th") for text in texts)
    assert len(set(texts)) == 3


def test_when_there_are_fewer_ways_to_go_on_the_others_end(model, make_desk):
    letters = [bytes([98 + token % 20]) for token in range(model.vocabulary.size)]
    letters[5], letters[9] = b"ab", b"ac"
    desk = make_desk(EngineCore(model.model, letters, (), (), layout=model.layout))
    run = desk.write(1, TEXT, heal=b"a", limit_tokens=2, alternatives=4)
    assert {desk.tokens(run, alternative)[0] for alternative in (0, 1)} == {5, 9}
    assert [desk.outcome(run, alternative) for alternative in range(4)] == ["paused", "paused", "end", "end"]
    assert desk.tokens(run, 2) == desk.tokens(run, 3) == []


def test_an_end_of_text_that_is_likeliest_ends_the_first_alternative_only(model, make_desk):
    first = make_desk(model.core(eos=False))
    likeliest = first.tokens(first.write(1, TEXT, limit_tokens=1))[0]
    desk = make_desk(EngineCore(model.model, model.vocabulary.token_bytes, {likeliest}, (), layout=model.layout))
    run = desk.write(1, TEXT, limit_tokens=3, alternatives=3)
    assert desk.outcome(run, 0) == "end"
    assert desk.tokens(run, 0) == []
    assert all(desk.tokens(run, alternative) for alternative in (1, 2))


def test_alternatives_that_fill_the_slot_end(model, make_desk):
    desk = make_desk(model.core(eos=False, context_tokens=10, room_tokens=10))
    run = desk.write(1, TEXT, limit_tokens=50, alternatives=3)
    assert [desk.outcome(run, alternative) for alternative in range(3)] == ["end"] * 3
    assert sum(len(desk.tokens(run, alternative)) for alternative in range(3)) >= 12


def test_random_alternatives_differ_from_one_another(desk):
    run = desk.write(1, TEXT, limit_tokens=12, alternatives=4, temperature=2.0, seed=1)
    assert len({tuple(desk.tokens(run, alternative)) for alternative in range(4)}) == 4
