"""Pieces of a suggestion are only ever appended."""

from __future__ import annotations

import pytest

from afterword.client import OutOfStep
from afterword.client.received_text import ReceivedText, ends
from afterword_protocol.messages import Boundaries


def test_pieces_follow_each_other_by_utf16_position() -> None:
    text = ReceivedText()
    text.append(0, "🙂 a", -0.5)
    text.append(4, "b", -0.25)
    assert text.text == "🙂 ab"
    assert text.logprob == -0.75


@pytest.mark.parametrize("pos", [0, 2, 4])
def test_a_gap_or_an_overlap_is_an_error(pos: int) -> None:
    text = ReceivedText()
    text.append(0, "abc")
    with pytest.raises(OutOfStep):
        text.append(pos, "d")
    assert text.text == "abc"


def test_the_finished_text_brings_what_no_piece_brought() -> None:
    text = ReceivedText()
    text.append(0, "one ")
    assert text.finish("one two") == "two"
    assert text.finish("one two") == ""


def test_a_finished_text_that_takes_something_back_is_an_error() -> None:
    text = ReceivedText()
    text.append(0, "one")
    with pytest.raises(OutOfStep):
        text.finish("on")


def test_ends_of_parts_are_code_points() -> None:
    boundaries = Boundaries(words=(2, 6), sentences=(6,))
    assert ends("🙂 abc", boundaries, "words") == [1, 5]
    assert ends("🙂 abc", boundaries, "sentences") == [5]
    assert ends("🙂 abc", boundaries, "phrases") == []
    assert ends("🙂 abc", None, "words") == []
