"""Tokens of a changing text are always those of the text, and a keystroke tokenises little of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterword.text.incremental import IncrementalTokens, common_prefix
from afterword.text.vocabulary import Vocabulary

from .conftest import CORPUS, KINDS

PIECES = [
    *CORPUS.split(" "),
    *["a", "b", " ", "  ", " " * 40, " " * 170, "\n", "\n\n\n", "\t\t", "\r\n", "x = 1\n    "],
    *["0123456789" * 12, "a" * 150, "ab" * 60, "---" * 30, "'", "’s", "<s>", "<|im_end|>", "\x00", "ﬁ", "▁", "▁▁"],
    *["👨\u200d👩\u200d👧", "🇩🇪🇫🇷", "e\u0301", "\u0301", "\u200d", "\u1112\u1161\u11ab", "𝔘𝔫𝔦", "हिन्दी", "안녕하세요"],
    *["我喜欢吃苹果" * 12, "ฉันชอบกินแอปเปิลวันนี้อากาศดีมาก" * 3, "السلام"],
]
# How many characters are deleted at the end, and what is put there.
INSERTED = st.sampled_from(PIECES) | st.text(max_size=12) | st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join)
DELETED = st.just(0) | st.integers(0, 3) | st.integers(0, 400)
EDITS = st.lists(st.tuples(DELETED, INSERTED), min_size=1, max_size=40)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_tokens_after_any_edits_are_those_of_the_whole_text(
    kind: str, vocabularies: dict[str, Vocabulary], edits: list[tuple[int, str]]
) -> None:
    vocabulary = vocabularies[kind]
    tokens = IncrementalTokens(vocabulary)
    text = ""
    for delete, insert in edits:
        text = text[: len(text) - delete] + insert if delete else text + insert
        tokens.update(text)
        whole = vocabulary.encode_spans(text)
        assert tokens.ids.tolist() == whole.ids
        assert list(zip(tokens.starts, tokens.ends, strict=True)) == whole.offsets


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_tokens_are_exact_while_most_keystrokes_join_old_tokens(
    kind: str, seed: int, vocabularies: dict[str, Vocabulary]
) -> None:
    vocabulary = vocabularies[kind]
    tokens = IncrementalTokens(vocabulary)
    chance = random.Random(seed)
    text = ""
    steps = joined = 0
    while steps < 600:
        text += CORPUS[chance.randrange(len(CORPUS)) :] if len(text) < 400 else ""
        for key in chance.choice(PIECES)[: chance.randint(1, 60)]:
            text = text[: -chance.randint(1, 30)] if chance.random() < 0.1 else text + key
            before = tokens.encoded_characters
            tokens.update(text)
            whole = vocabulary.encode_spans(text)
            assert tokens.ids.tolist() == whole.ids
            assert list(zip(tokens.starts, tokens.ends, strict=True)) == whole.offsets
            steps += 1
            joined += tokens.encoded_characters - before < len(text)
    assert joined > 0.9 * steps


def test_typing_at_the_end_of_a_long_text_tokenises_a_hundred_characters_a_key(vocabulary: Vocabulary) -> None:
    text = (CORPUS * 40)[:40_000]
    tokens = IncrementalTokens(vocabulary)
    tokens.update(text)
    before = tokens.encoded_characters
    typed = " and then, on the 3rd day, она сказала: 我喜欢吃苹果 👍🏽\nA new line."
    for length in range(1, len(typed) + 1):
        tokens.update(text + typed[:length])
        tokens.update(text + typed[: length - 1])
        tokens.update(text + typed[:length])
    assert (tokens.encoded_characters - before) / (3 * len(typed)) < 200


def test_text_that_is_the_same_costs_nothing(vocabulary: Vocabulary) -> None:
    tokens = IncrementalTokens(vocabulary)
    tokens.update(CORPUS)
    before = tokens.encoded_characters
    tokens.update(CORPUS + "")
    assert tokens.encoded_characters == before


@settings(deadline=None, derandomize=True)
@given(st.text("ab", max_size=700), st.text("ab", max_size=20), st.text("ab", max_size=20))
def test_the_common_prefix_is_the_longest(shared: str, one: str, other: str) -> None:
    length = common_prefix(shared + one, shared + other)
    first, second = shared + one, shared + other
    assert length >= len(shared)
    assert first[:length] == second[:length]
    assert first[length : length + 1] != second[length : length + 1] or length == min(len(first), len(second))
