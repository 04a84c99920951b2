"""Tokens that agree with bytes already typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.worker.decoding.healing import Healer
from afterword.worker.engine_core import EngineCore

TOKENS = [b"t", b"th", b"the", b"them", b" ", b" th", b"h", None, b"e", b"", b"x", b"th", b"\xff", b"\xff\xffa"]
TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


def beyond(healer: Healer, remaining: bytes) -> list[int]:
    """Ids of the tokens that begin with some bytes and go on."""
    return [healer.tokens[place] for place in healer.agreeing(remaining).beyond]


def test_pieces_and_longer_tokens_agree():
    healer = Healer(TOKENS)
    answer = healer.agreeing(b"th")
    assert {TOKENS[token] for token in answer.within} == {b"t", b"th"}
    assert {TOKENS[token] for token in beyond(healer, b"th")} == {b"the", b"them"}


def test_tokens_of_the_same_bytes_all_agree():
    healer = Healer(TOKENS)
    answer = healer.agreeing(b"th")
    assert sorted(answer.within) == [0, 1, 11]
    assert [healer.tokens[place] for place in answer.whole] == [1, 11]
    assert answer.whole.stop == answer.beyond.start


def test_banned_tokens_never_agree():
    assert sorted(Healer(TOKENS, {1, 2}).agreeing(b"th").within) == [0, 11]
    assert beyond(Healer(TOKENS, {2, 3}), b"th") == []


def test_a_piece_after_which_nothing_can_be_written_does_not_agree():
    answer = Healer([b"a", b"ab", b"abc"]).agreeing(b"abc")
    assert answer.within == (2,)


def test_nothing_agrees_with_what_cannot_be_written():
    answer = Healer(TOKENS).agreeing(b"thz")
    assert not answer.within
    assert not answer.beyond


def test_the_highest_bytes_are_found():
    healer = Healer(TOKENS)
    assert healer.agreeing(b"\xff").within == (12,)
    assert beyond(healer, b"\xff") == [13]


@given(st.lists(st.binary(max_size=4).map(lambda raw: bytes(b % 3 + 253 for b in raw)), max_size=30), st.data())
def test_a_token_agrees_exactly_when_the_whole_can_be_written_with_it(tokens, data):
    remaining = bytes(data.draw(st.lists(st.integers(253, 255), min_size=1, max_size=8)))

    def writable(rest):
        return not rest or any(
            text and (text.startswith(rest) or (rest.startswith(text) and writable(rest[len(text) :])))
            for text in tokens
        )

    healer = Healer(tokens)
    answer = healer.agreeing(remaining)
    within = [t for t, text in enumerate(tokens) if text and remaining.startswith(text)]
    assert sorted(answer.within) == [t for t in within if writable(remaining[len(tokens[t]) :])]
    assert sorted(beyond(healer, remaining)) == [
        t for t, text in enumerate(tokens) if text.startswith(remaining) and len(text) > len(remaining)
    ]


@pytest.mark.parametrize("heal", [b" t", b" the", b" ", b"q", b" Thornton", "ü".encode(), b"\xc3", b"\n\n"])
def test_new_text_reproduces_what_was_typed(each_model, make_rig, heal):
    rig = make_rig(each_model.core(eos=False))
    run = rig.write(1, TEXT, heal=heal, limit_tokens=3)
    assert each_model.text(rig.tokens(run)).startswith(heal)
    assert len(each_model.text(rig.tokens(run))) > len(heal)


def test_tokens_that_only_reproduce_are_not_counted(rig, model):
    run = rig.write(1, TEXT, heal=b"qzxqzx", limit_tokens=2)
    tokens = rig.tokens(run)
    beyond = [at for at in range(len(tokens)) if len(model.text(tokens[: at + 1])) > 6]
    assert len(beyond) == 2


def test_a_healed_token_reports_the_probability_it_has_without_healing(rig, model):
    run = rig.write(1, TEXT, heal=b" th", limit_tokens=1)
    logits = model.logits(TEXT).clone()
    logits[list(model.vocabulary.eos_ids)] = float("-inf")
    first = rig.sampled(run)[0]
    assert first.logprob == pytest.approx(float(logits.log_softmax(-1)[first.token]), abs=1e-4)


def test_bytes_that_no_token_writes_are_an_error_for_every_alternative(model, make_rig):
    known = [text if text and b"q" not in text else None for text in model.vocabulary.token_bytes]
    rig = make_rig(EngineCore(model.model, known, (), (), layout=model.layout))
    run = rig.write(1, TEXT, heal=b"q", limit_tokens=2, alternatives=2)
    assert [rig.outcome(run, alternative) for alternative in (0, 1)] == ["error", "error"]
    assert "typed" in rig.events[run][-1].detail


@pytest.mark.model
def test_a_look_up_in_a_real_vocabulary_gathers_few_tokens(builtin):
    healer = Healer(builtin.vocabulary.token_bytes)
    text = b"The quick brown fox jumps over the lazy dog and comes home late"
    for end in range(1, len(text)):
        # Half of the vocabulary may begin with the last byte; those are pointed at, not gathered.
        assert len(healer.agreeing(text[max(0, end - 12) : end]).within) <= 12
