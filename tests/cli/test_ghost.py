"""The typist of `afterword try`, key by key and frame by frame, without a terminal or a server."""

from __future__ import annotations

import pytest

from afterword.cli.ghost import common_prefix_length
from afterword_protocol.messages import Accept, Cancel, Dismiss, Edit, Suggest

from .typist import Typist


@pytest.fixture
def typist() -> Typist:
    return Typist("The sky")


def test_typing_asks_and_what_comes_is_painted(typist: Typist) -> None:
    typist.type(" ")
    assert [type(message) for message in typist.wire.sent] == [Edit, Suggest]
    assert typist.ghost.text == ""
    typist.token("is ")
    typist.token("blue.", pos=3)
    assert typist.ghost.text == "is blue."


def test_typing_what_is_painted_asks_for_nothing(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.type("i")
    typist.type("s b")
    assert typist.ghost.text == "lue."
    assert len(typist.wire.of(Suggest)) == 1


def test_deleting_within_what_is_painted_brings_it_back(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.type("is")
    typist.delete(2)
    assert typist.ghost.text == "is blue."
    assert len(typist.wire.of(Suggest)) == 1


def test_typing_something_else_asks_anew_and_paints_nothing_old(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.type("w")
    assert typist.ghost.text == ""
    assert len(typist.wire.of(Suggest)) == 2


def test_deleting_beyond_it_cancels_and_asks_for_nothing(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.delete(3)
    assert typist.ghost.text == ""
    assert len(typist.wire.of(Suggest)) == 1
    assert len(typist.wire.of(Cancel)) == 1


def test_moving_the_caret_asks_for_nothing(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.ghost.typed("The", " sky ")
    assert typist.ghost.text == ""
    assert len(typist.wire.of(Suggest)) == 1
    assert (typist.document.before, typist.document.after) == ("The", " sky ")


def test_all_that_was_suggested_being_typed_asks_for_more(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is")
    typist.done("is")
    typist.type("is")
    assert len(typist.wire.of(Suggest)) == 2


def test_typing_faster_than_it_is_written_asks_anew_only_once_it_differs(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is")
    typist.type("is")
    assert len(typist.wire.of(Suggest)) == 1, "it is still being written, so more will come"
    typist.type(" g")
    assert len(typist.wire.of(Suggest)) == 2


def test_a_key_that_changes_nothing_sends_nothing(typist: Typist) -> None:
    typist.type("")
    assert typist.wire.sent == []


def test_a_change_on_both_sides_of_the_caret_is_one_edit(typist: Typist) -> None:
    typist = Typist("one two", " three")
    typist.ghost.typed("one 2", " 3e")
    (edit,) = typist.wire.of(Edit)
    assert (edit.delete, edit.insert, edit.delete_after, edit.insert_after) == (3, "2", 5, " 3")
    assert (typist.document.before, typist.document.after) == ("one 2", " 3e")


def test_taking_all_of_it(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.done("is blue.")
    assert typist.ghost.accept("all") == "is blue."
    assert typist.document.before == "The sky is blue."
    assert typist.wire.of(Accept)[-1].length == 8
    assert typist.ghost.after_accepting() is not None, "more is asked for"


def test_taking_one_word_leaves_the_rest(typist: Typist) -> None:
    typist.type(" ")
    typist.token("very blue today")
    typist.done("very blue today")
    assert typist.ghost.accept("word") == "very"
    assert typist.ghost.text == " blue today"
    assert typist.ghost.after_accepting() is None
    assert len(typist.wire.of(Suggest)) == 1


def test_nothing_painted_is_nothing_taken(typist: Typist) -> None:
    assert typist.ghost.accept("all") == ""
    typist.type(" ")
    assert typist.ghost.accept("word") == ""
    assert typist.wire.of(Accept) == []


def test_escape_waves_it_away_until_the_next_key(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    assert typist.ghost.dismiss()
    assert typist.ghost.text == ""
    assert len(typist.wire.of(Dismiss)) == 1
    assert not typist.ghost.dismiss()
    typist.type("i")
    assert len(typist.wire.of(Suggest)) == 2


def test_other_alternatives_are_fetched_when_asked_for_while_the_first_stays_painted(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    assert not typist.ghost.place
    assert typist.ghost.cycle(1) is not None
    assert typist.wire.of(Suggest)[-1].alternatives == 3
    assert typist.ghost.text == "is blue."
    typist.token("is blue.")
    assert typist.ghost.text == "is blue.", "the second is wanted, and has no text yet"
    typist.token("was grey.", alternative=1)
    assert typist.ghost.text == "was grey."
    assert typist.ghost.place == (2, 3)


def test_alternatives_go_round(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.ghost.cycle(1)
    for number, text in enumerate(["is", "was", "will be"]):
        typist.token(text, alternative=number)
    typist.done("is", "was", "will be")
    seen = []
    for _ in range(4):
        seen.append(typist.ghost.text)
        assert typist.ghost.cycle(1) is None
    assert seen == ["was", "will be", "is", "was"]
    typist.ghost.cycle(-1)
    assert typist.ghost.text == "was"


def test_typing_turns_to_the_alternative_that_agrees(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.ghost.cycle(1)
    for number, text in enumerate(["is", "was", "will be"]):
        typist.token(text, alternative=number)
    typist.type("wi")
    assert (typist.ghost.text, typist.ghost.place) == ("ll be", (3, 3))
    assert typist.ghost.accept("all") == "ll be"
    assert typist.wire.of(Accept)[-1].alternative == 2


def test_what_is_still_painted_while_others_are_fetched_can_be_taken(typist: Typist) -> None:
    typist.type(" ")
    typist.token("is blue.")
    typist.ghost.cycle(1)
    assert typist.ghost.accept("all") == "is blue."
    assert typist.document.before == "The sky is blue."
    assert typist.ghost.text == ""


def test_no_alternatives_without_a_suggestion(typist: Typist) -> None:
    assert typist.ghost.cycle(1) is None
    assert typist.wire.sent == []


def test_the_time_to_the_first_text_is_kept(typist: Typist) -> None:
    typist.now_ms = 100
    typist.type(" ")
    assert typist.ghost.first_ms is None
    typist.now_ms = 130
    typist.token("is ")
    typist.now_ms = 190
    typist.token("blue.", pos=3)
    assert typist.ghost.first_ms == 30


def test_bytes_that_are_no_text_do_not_break_it(typist: Typist) -> None:
    typist.type("\udcff")
    assert typist.document.before == "The sky\ufffd"
    assert typist.ghost.typed("The sky\udcff", "") is None


@pytest.mark.parametrize(
    ("one", "other", "length"),
    [("", "", 0), ("ab", "ab", 2), ("ab", "abc", 2), ("abc", "ab", 2), ("ab", "cb", 0), ("axc", "ayc", 1)],
)
def test_common_prefix_length(one: str, other: str, length: int) -> None:
    assert common_prefix_length(one, other) == length
