"""Several texts side by side: how they part, what they share, and what is kept of them."""

from __future__ import annotations

import pytest

from afterword.worker.engine_core import EngineCore

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


def test_greedy_alternatives_part_at_the_first_token_and_are_each_greedy(each_model, make_rig):
    rig = make_rig(each_model.core(eos=False))
    run = rig.write(1, TEXT, limit_tokens=5, alternatives=3)
    logits = each_model.logits(TEXT).clone()
    logits[list(each_model.vocabulary.eos_ids)] = float("-inf")
    firsts = logits.topk(3).indices.tolist()
    for alternative, first in enumerate(firsts):
        wanted = [first, *(token for token, _ in follow(each_model, [*TEXT, first], 4))]
        assert rig.tokens(run, alternative) == wanted
        assert rig.outcome(run, alternative) == "paused"


def test_the_log_probabilities_of_alternatives_are_their_own(each_model, make_rig):
    rig = make_rig(each_model.core(eos=False))
    run = rig.write(1, TEXT, limit_tokens=5, alternatives=3)
    for alternative in range(3):
        first, *rest = rig.sampled(run, alternative)
        wanted = follow(each_model, [*TEXT, first.token], 4)
        assert [event.logprob for event in rest] == pytest.approx([logprob for _, logprob in wanted], abs=1e-4)


def test_the_prompt_is_computed_once_for_all_alternatives(rig):
    run = rig.write(1, TEXT, limit_tokens=4, alternatives=3)
    assert rig.started(run).computed == len(TEXT)
    assert rig.core.counters.rows == len(TEXT) + 3 * 3


@pytest.mark.parametrize("alternative", [0, 1, 2])
def test_going_on_with_any_alternative_computes_nothing_twice(rig, alternative):
    run = rig.write(1, TEXT, limit_tokens=6, alternatives=3)
    rows = rig.core.counters.rows
    kept = rig.tokens(run, alternative)
    onward = rig.write(1, TEXT + kept[:4], limit_tokens=2)
    assert rig.tokens(onward) == kept[4:]
    assert rig.core.counters.rows == rows


@pytest.mark.parametrize("alternative", [0, 1, 2])
def test_what_follows_a_kept_alternative_is_exact(each_model, make_rig, alternative):
    rig = make_rig(each_model.core(eos=False))
    run = rig.write(1, TEXT, limit_tokens=9, alternatives=3)
    text = TEXT + rig.tokens(run, alternative)
    onward = rig.write(1, text, limit_tokens=6)
    assert rig.started(onward).reused == len(text) - 1
    assert rig.tokens(onward) == [token for token, _ in follow(each_model, text, 6)]


def test_alternatives_go_on_after_a_pause(rig):
    at_once = rig.write(1, TEXT, limit_tokens=7, alternatives=3)
    run = rig.write(2, TEXT, limit_tokens=2, alternatives=3)
    rig.raise_limit(run, 7)
    rig.settle()
    for alternative in range(3):
        assert rig.tokens(run, alternative) == rig.tokens(at_once, alternative)


def test_alternatives_go_on_after_their_slot_was_taken(each_model, make_rig):
    rig = make_rig(each_model.core(eos=False, slots=1))
    at_once = rig.write(1, TEXT, limit_tokens=12, alternatives=3)
    run = rig.write(2, TEXT, limit_tokens=7, alternatives=3)
    rig.write(3, [8, 8, 8], limit_tokens=7)
    rig.raise_limit(run, 12)
    rig.settle()
    for alternative in range(3):
        assert rig.tokens(run, alternative) == rig.tokens(at_once, alternative)


def test_healed_alternatives_share_what_reproduces_and_part_where_text_shows(rig, model):
    run = rig.write(1, TEXT, heal=b" th", limit_tokens=4, alternatives=3)
    texts = [model.text(rig.tokens(run, alternative)) for alternative in range(3)]
    assert all(text.startswith(b" th") for text in texts)
    assert len(set(texts)) == 3


def test_when_there_are_fewer_ways_to_go_on_the_others_end(model, make_rig):
    letters = [bytes([98 + token % 20]) for token in range(model.vocabulary.size)]
    letters[5], letters[9] = b"ab", b"ac"
    rig = make_rig(EngineCore(model.model, letters, (), (), layout=model.layout))
    run = rig.write(1, TEXT, heal=b"a", limit_tokens=2, alternatives=4)
    assert {rig.tokens(run, alternative)[0] for alternative in (0, 1)} == {5, 9}
    assert [rig.outcome(run, alternative) for alternative in range(4)] == ["paused", "paused", "end", "end"]
    assert rig.tokens(run, 2) == rig.tokens(run, 3) == []


def test_an_end_of_text_that_is_likeliest_ends_the_first_alternative_only(model, make_rig):
    first = make_rig(model.core(eos=False))
    likeliest = first.tokens(first.write(1, TEXT, limit_tokens=1))[0]
    rig = make_rig(EngineCore(model.model, model.vocabulary.token_bytes, {likeliest}, (), layout=model.layout))
    run = rig.write(1, TEXT, limit_tokens=3, alternatives=3)
    assert rig.outcome(run, 0) == "end"
    assert rig.tokens(run, 0) == []
    assert all(rig.tokens(run, alternative) for alternative in (1, 2))


def test_alternatives_that_fill_the_slot_end(model, make_rig):
    rig = make_rig(model.core(eos=False, context_tokens=10, room_tokens=10))
    run = rig.write(1, TEXT, limit_tokens=50, alternatives=3)
    assert [rig.outcome(run, alternative) for alternative in range(3)] == ["end"] * 3
    assert sum(len(rig.tokens(run, alternative)) for alternative in range(3)) >= 12


def test_random_alternatives_differ_from_one_another(rig):
    run = rig.write(1, TEXT, limit_tokens=12, alternatives=4, temperature=2.0, seed=1)
    assert len({tuple(rig.tokens(run, alternative)) for alternative in range(4)}) == 4
