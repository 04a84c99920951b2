"""The client's copy of the text: splices in UTF-16 units, and what of a long text a server is excerpt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.client.clip import head, tail
from afterword.client.local_text import LocalText, untyped
from afterword_protocol.utf16 import units

texts = st.text(st.sampled_from("ab é𝒳🙂"), max_size=30)


def test_a_splice_counts_utf16_units() -> None:
    text = LocalText("one 🙂", "🙂 two")
    splice = text.splice(delete=1, insert="𝒳y", delete_after=1, insert_after="")
    assert (text.before, text.after) == ("one 𝒳y", " two")
    assert splice is not None
    assert (splice.delete, splice.delete_after, splice.length) == (2, 2, 7)


@pytest.mark.parametrize(("delete", "delete_after"), [(4, 0), (0, 4), (-1, 0)])
def test_a_delete_beyond_the_ends_is_refused_and_changes_nothing(delete: int, delete_after: int) -> None:
    text = LocalText("abc", "def")
    with pytest.raises(ValueError, match="beyond"):
        text.splice(delete, "x", delete_after, "")
    assert (text.before, text.after) == ("abc", "def")


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        LocalText("abc").splice(0, "\ud83d", 0, "")
    with pytest.raises(ValueError, match="surrogate"):
        LocalText("\ud83d")


def test_a_server_with_little_room_is_shown_the_text_next_to_the_caret() -> None:
    text = LocalText("a" * 90 + "B" * 10, "C" * 10 + "d" * 90)
    excerpt = text.excerpt(40)
    assert (excerpt.before, excerpt.after) == ("a" * 20 + "B" * 10, "C" * 10)


def test_text_after_the_caret_gets_the_room_that_text_before_it_leaves() -> None:
    assert LocalText("ab", "C" * 100).excerpt(40).after == "C" * 38


def test_a_splice_beyond_what_the_server_was_shown_asks_for_a_fresh_start() -> None:
    text = LocalText("a" * 100, "")
    text.excerpt(40)
    assert text.splice(delete=30, insert="", delete_after=0, insert_after="") is not None
    assert text.splice(delete=11, insert="", delete_after=0, insert_after="") is None
    assert text.before == "a" * 59


@given(before=texts, after=texts, room=st.integers(0, 40), cuts=st.lists(st.integers(0, 6), max_size=8))
def test_the_length_told_is_always_that_of_what_the_server_holds(
    before: str, after: str, room: int, cuts: list[int]
) -> None:
    text = LocalText(before, after)
    excerpt = text.excerpt(room)
    assert units(excerpt.before) + units(excerpt.after) <= room
    assert before.endswith(excerpt.before)
    assert after.startswith(excerpt.after)
    held = excerpt.before
    for cut in cuts:
        splice = text.splice(min(cut, len(text.before)), "🙂x", 0, "")
        if splice is None:
            held = text.excerpt(room).before
            continue
        raw = held.encode("utf-16-le")
        held = raw[: len(raw) - 2 * splice.delete].decode("utf-16-le") + splice.insert
        assert units(held) == splice.length
        assert text.before.endswith(held)


@given(text=texts, most=st.integers(0, 70))
def test_a_clipped_text_is_the_longest_that_fits(text: str, most: int) -> None:
    for clipped, rest in ((head(text, most), text[len(head(text, most)) :]), (tail(text, most), "")):
        assert units(clipped) <= most
        if rest:
            assert units(clipped + rest[0]) > most
    kept = tail(text, most)
    assert text.endswith(kept)
    if kept != text:
        assert units(text[len(text) - len(kept) - 1 :]) > most


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("She ", "opened the door"),
        ("She open", "ed the door"),
        ("She opened the door", ""),
        ("She opened the door.", None),
        ("She closed", None),
        ("She", None),
        ("He open", None),
    ],
)
def test_ghost_text_is_typed_through_only_where_it_agrees(before: str, expected: str | None) -> None:
    assert untyped("She ", "opened the door", before) == expected
