"""The mirror holds the client's text, or says that it cannot, and never grows past its limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.session.mirror import EditMismatchError, Mirror
from afterword_protocol.messages import Open
from afterword_protocol.utf16 import units

LIMIT_UNITS = 40

TEXTS = st.text(alphabet=st.sampled_from("ab👍文\n"), max_size=14)
EDITS = st.lists(st.tuples(st.integers(0, 6), TEXTS, st.integers(0, 6), TEXTS), max_size=30)


def mirror(before: str = "", after: str = "", limit_units: int = LIMIT_UNITS, **told: str) -> Mirror:
    return Mirror(Open(doc="d", rev=1, before=before, after=after, **told), limit_units)


@given(TEXTS, TEXTS, EDITS)
def test_what_is_held_is_the_text_nearest_to_the_caret(
    before: str, after: str, edits: list[tuple[int, str, int, str]]
) -> None:
    held = mirror(before, after)
    for delete, insert, delete_after, insert_after in edits:
        removed = before[len(before) - min(delete, len(before)) :]
        removed_after = after[:delete_after]
        new_before = before[: len(before) - len(removed)] + insert
        new_after = insert_after + after[len(removed_after) :]
        try:
            splice = held.fit(units(removed), insert, units(removed_after), insert_after, units(new_before))
        except EditMismatchError:
            # Only text that was forgotten cannot be taken away.
            assert len(removed) > len(held.before) or len(removed_after) > len(held.after)
            return
        held.apply(splice)
        before, after = new_before, new_after
        assert before.endswith(held.before)
        assert after.startswith(held.after)
        assert held.length_units == units(before)
        assert units(held.before) + units(held.after) <= LIMIT_UNITS


def test_text_is_forgotten_a_quarter_of_the_limit_at_a_time() -> None:
    held = mirror("x" * 40)
    lengths = []
    for _ in range(25):
        held.apply(held.fit(0, "y", 0, "", None))
        lengths.append(len(held.before))
    assert lengths == [30, *range(31, 41), 30, *range(31, 41), 30, 31, 32]


def test_a_long_text_after_the_caret_leaves_room_for_what_is_typed() -> None:
    held = mirror("", "z" * 40)
    held.apply(held.fit(0, "typed", 0, "", None))
    assert held.before == "typed"
    assert held.after == "z" * 25


def test_a_preface_as_long_as_the_limit_leaves_room_for_what_is_typed() -> None:
    held = mirror(preface="p" * 40)
    held.apply(held.fit(0, "typed", 0, "", None))
    assert held.before == "typed"


@pytest.mark.parametrize(
    ("splice", "why"),
    [
        ((4, "", 0, "", None), "more than there is"),
        ((1, "", 0, "", None), "surrogate pair"),
        ((0, "", 1, "", None), "surrogate pair"),
        ((0, "", 3, "", None), "more than the server holds"),
        ((0, "x", 0, "", 3), "length 4"),
    ],
)
def test_an_edit_that_does_not_fit_changes_nothing_and_says_why(
    splice: tuple[int, str, int, str, int | None], why: str
) -> None:
    held = mirror("a👍", "👍")
    with pytest.raises(EditMismatchError, match=why):
        held.fit(*splice)
    assert (held.before, held.after) == ("a👍", "👍")
