"""Tokens become text piece by piece, and no piece ends inside a character as readers see it."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.text.detokenizer import Detokenizer
from afterword.text.vocabulary import Vocabulary

from .conftest import CORPUS, KINDS

FAMILY = "👨\u200d👩\u200d👧"


def by_bytes(vocabulary: Vocabulary, text: str | bytes) -> list[int]:
    """Tokens of one byte each, the worst case."""
    single = {data: token for token, data in enumerate(vocabulary.token_bytes) if data is not None and len(data) == 1}
    return [single[bytes([byte])] for byte in (text.encode() if isinstance(text, str) else text)]


@pytest.fixture
def plain(vocabularies: dict[str, Vocabulary]) -> Vocabulary:
    return vocabularies["gpt2"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("cat", ["c", "a", "t"]),
        ("né", ["n", "é"]),
        ("да", ["д", "а"]),
        ("好。", ["好", "。"]),
        ("한국", ["한", "국"]),
        ("a\r\nb", ["a", "\r\n", "b"]),
        (f"x{FAMILY}y", ["x", f"{FAMILY}y"]),
        ("👍🏽!", ["👍🏽!"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("हिन्दी।", ["हि", "न्दी", "।"]),
        ("❤️ ", ["❤️ "]),
    ],
)
def test_text_goes_out_as_soon_as_it_can_no_longer_change(plain: Vocabulary, text: str, pieces: list[str]) -> None:
    detokenizer = Detokenizer(plain)
    given_out = [detokenizer.add(token) for token in by_bytes(plain, text)] + [detokenizer.finish()]
    assert [piece for piece in given_out if piece] == pieces


GRAPHEMES = [*regex.findall(r"\X", CORPUS), FAMILY, "🇩🇪", "e\u0301", "กำ", "क्षि", "\r\n"]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    text=st.text(max_size=30) | st.lists(st.sampled_from(GRAPHEMES)).map("".join),
    cut=st.integers(0, 12),
    single=st.booleans(),
)
def test_pieces_add_up_and_end_between_graphemes(
    kind: str, vocabularies: dict[str, Vocabulary], text: str, cut: int, single: bool
) -> None:
    vocabulary = vocabularies[kind]
    data = vocabulary.written(text)
    text = data.decode()
    skipped = text[: min(cut, len(text))]
    tokens = by_bytes(vocabulary, text) if single else vocabulary.encode(text)
    spelled = vocabulary.spell(tokens)
    skip = spelled[: len(spelled) - len(data)] + skipped.encode()
    detokenizer = Detokenizer(vocabulary, skip, skipped)
    written = ""
    places = {len(skipped)}
    for token in tokens:
        written += detokenizer.add(token)
        places.add(len(skipped) + len(written))
        if detokenizer.ended:
            break
    ended_early = detokenizer.ended
    written += detokenizer.finish()
    assert text.startswith(skipped + written)
    if ended_early:
        # The text went on with a mark on a letter that had been given out.
        assert regex.match(r"\X", text[len(skipped + written) - 1 :]).end() > 1
    else:
        assert skipped + written == text
        assert places <= {match.end() for match in regex.finditer(r"\X", text)} | {0, len(skipped)}


def test_what_the_writer_has_typed_is_not_said_again(plain: Vocabulary) -> None:
    detokenizer = Detokenizer(plain, b" qu", "The qu")
    first, *rest = plain.encode(" quick brown")
    assert detokenizer.add(first) == (plain.token_bytes[first] or b"")[3:].decode()
    assert not detokenizer.only_repeated
    assert "".join(detokenizer.add(token) for token in rest) == " brown"


def test_tokens_that_only_repeat_are_told_apart(plain: Vocabulary) -> None:
    detokenizer = Detokenizer(plain, b"qu", "qu")
    repeated = []
    for token in by_bytes(plain, "quick"):
        detokenizer.add(token)
        repeated.append(detokenizer.only_repeated)
    assert repeated == [True, True, False, False, False]


def test_tokens_that_do_not_repeat_what_was_typed_end_the_text(plain: Vocabulary) -> None:
    detokenizer = Detokenizer(plain, b"qu")
    assert detokenizer.add(by_bytes(plain, "x")[0]) == ""
    assert detokenizer.ended


@pytest.mark.parametrize("data", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80"])
def test_bytes_that_are_no_characters_end_the_text_and_are_never_shown(plain: Vocabulary, data: bytes) -> None:
    detokenizer = Detokenizer(plain)
    pieces = [detokenizer.add(token) for token in by_bytes(plain, b"ok" + data + b"more")]
    assert "".join(pieces) == "ok"
    assert detokenizer.ended


def test_half_a_character_at_the_end_is_left_out(plain: Vocabulary) -> None:
    detokenizer = Detokenizer(plain)
    assert "".join(detokenizer.add(token) for token in by_bytes(plain, b"ok\xf0\x9f\x91")) == "ok"
    assert detokenizer.finish() == ""


def test_a_control_token_ends_the_text(plain: Vocabulary) -> None:
    detokenizer = Detokenizer(plain)
    detokenizer.add(by_bytes(plain, "a")[0])
    assert detokenizer.add(1) == ""
    assert detokenizer.ended
    assert detokenizer.add(by_bytes(plain, "b")[0]) == ""


def test_an_accent_that_comes_after_its_letter_was_shown_ends_the_text(plain: Vocabulary) -> None:
    detokenizer = Detokenizer(plain)
    pieces = [detokenizer.add(token) for token in by_bytes(plain, "cafe\u0301s")]
    assert "".join(pieces) == "cafe"
    assert detokenizer.ended


@pytest.mark.parametrize(("before", "text"), [("ก", "ำลัง"), ("🇩", "🇪"), ("क", "्षि"), ("e", "\u0301")])
def test_the_first_character_may_complete_the_last_one_typed(plain: Vocabulary, before: str, text: str) -> None:
    detokenizer = Detokenizer(plain, b"", before)
    pieces = [detokenizer.add(token) for token in by_bytes(plain, text)] + [detokenizer.finish()]
    assert "".join(pieces) == text
