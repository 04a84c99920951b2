"""The typist of `afterword try`, key by key and frame by frame, without a terminal or a server."""

from __future__ import annotations

import pytest

from afterword.cli.ghost import common_length
from afterword_protocol.messages import Accept, Cancel, Dismiss, Edit, Suggest

from .desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk("The sky")


def test_typing_asks_and_what_comes_is_painted(desk: Desk) -> None:
    desk.type(" ")
    assert [type(message) for message in desk.wire.sent] == [Edit, Suggest]
    assert desk.ghost.text == ""
    desk.token("is ")
    desk.token("blue.", pos=3)
    assert desk.ghost.text == "is blue."


def test_typing_what_is_painted_asks_for_nothing(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.type("i")
    desk.type("s b")
    assert desk.ghost.text == "lue."
    assert len(desk.wire.of(Suggest)) == 1


def test_deleting_within_what_is_painted_brings_it_back(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.type("is")
    desk.delete(2)
    assert desk.ghost.text == "is blue."
    assert len(desk.wire.of(Suggest)) == 1


def test_typing_something_else_asks_anew_and_paints_nothing_old(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.type("w")
    assert desk.ghost.text == ""
    assert len(desk.wire.of(Suggest)) == 2


def test_deleting_beyond_it_cancels_and_asks_for_nothing(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.delete(3)
    assert desk.ghost.text == ""
    assert len(desk.wire.of(Suggest)) == 1
    assert len(desk.wire.of(Cancel)) == 1


def test_moving_the_caret_asks_for_nothing(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.ghost.typed("The", " sky ")
    assert desk.ghost.text == ""
    assert len(desk.wire.of(Suggest)) == 1
    assert (desk.document.before, desk.document.after) == ("The", " sky ")


def test_all_that_was_suggested_being_typed_asks_for_more(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is")
    desk.done("is")
    desk.type("is")
    assert len(desk.wire.of(Suggest)) == 2


def test_typing_faster_than_it_is_written_asks_anew_only_once_it_differs(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is")
    desk.type("is")
    assert len(desk.wire.of(Suggest)) == 1, "it is still being written, so more will come"
    desk.type(" g")
    assert len(desk.wire.of(Suggest)) == 2


def test_a_key_that_changes_nothing_sends_nothing(desk: Desk) -> None:
    desk.type("")
    assert desk.wire.sent == []


def test_a_change_on_both_sides_of_the_caret_is_one_edit(desk: Desk) -> None:
    desk = Desk("one two", " three")
    desk.ghost.typed("one 2", " 3e")
    (edit,) = desk.wire.of(Edit)
    assert (edit.delete, edit.insert, edit.delete_after, edit.insert_after) == (3, "2", 5, " 3")
    assert (desk.document.before, desk.document.after) == ("one 2", " 3e")


def test_taking_all_of_it(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.done("is blue.")
    assert desk.ghost.accept("all") == "is blue."
    assert desk.document.before == "The sky is blue."
    assert desk.wire.of(Accept)[-1].length == 8
    assert desk.ghost.after_accepting() is not None, "more is asked for"


def test_taking_one_word_leaves_the_rest(desk: Desk) -> None:
    desk.type(" ")
    desk.token("very blue today")
    desk.done("very blue today")
    assert desk.ghost.accept("word") == "very"
    assert desk.ghost.text == " blue today"
    assert desk.ghost.after_accepting() is None
    assert len(desk.wire.of(Suggest)) == 1


def test_nothing_painted_is_nothing_taken(desk: Desk) -> None:
    assert desk.ghost.accept("all") == ""
    desk.type(" ")
    assert desk.ghost.accept("word") == ""
    assert desk.wire.of(Accept) == []


def test_escape_waves_it_away_until_the_next_key(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    assert desk.ghost.dismiss()
    assert desk.ghost.text == ""
    assert len(desk.wire.of(Dismiss)) == 1
    assert not desk.ghost.dismiss()
    desk.type("i")
    assert len(desk.wire.of(Suggest)) == 2


def test_other_alternatives_are_fetched_when_asked_for_while_the_first_stays_painted(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    assert not desk.ghost.place
    assert desk.ghost.cycle(1) is not None
    assert desk.wire.of(Suggest)[-1].alternatives == 3
    assert desk.ghost.text == "is blue."
    desk.token("is blue.")
    assert desk.ghost.text == "is blue.", "the second is wanted, and has no text yet"
    desk.token("was grey.", alternative=1)
    assert desk.ghost.text == "was grey."
    assert desk.ghost.place == (2, 3)


def test_alternatives_go_round(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.ghost.cycle(1)
    for number, text in enumerate(["is", "was", "will be"]):
        desk.token(text, alternative=number)
    desk.done("is", "was", "will be")
    seen = []
    for _ in range(4):
        seen.append(desk.ghost.text)
        assert desk.ghost.cycle(1) is None
    assert seen == ["was", "will be", "is", "was"]
    desk.ghost.cycle(-1)
    assert desk.ghost.text == "was"


def test_typing_turns_to_the_alternative_that_agrees(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.ghost.cycle(1)
    for number, text in enumerate(["is", "was", "will be"]):
        desk.token(text, alternative=number)
    desk.type("wi")
    assert (desk.ghost.text, desk.ghost.place) == ("ll be", (3, 3))
    assert desk.ghost.accept("all") == "ll be"
    assert desk.wire.of(Accept)[-1].alternative == 2


def test_what_is_still_painted_while_others_are_fetched_can_be_taken(desk: Desk) -> None:
    desk.type(" ")
    desk.token("is blue.")
    desk.ghost.cycle(1)
    assert desk.ghost.accept("all") == "is blue."
    assert desk.document.before == "The sky is blue."
    assert desk.ghost.text == ""


def test_no_alternatives_without_a_suggestion(desk: Desk) -> None:
    assert desk.ghost.cycle(1) is None
    assert desk.wire.sent == []


def test_the_time_to_the_first_text_is_kept(desk: Desk) -> None:
    desk.now_ms = 100
    desk.type(" ")
    assert desk.ghost.first_ms is None
    desk.now_ms = 130
    desk.token("is ")
    desk.now_ms = 190
    desk.token("blue.", pos=3)
    assert desk.ghost.first_ms == 30


def test_bytes_that_are_no_text_do_not_break_it(desk: Desk) -> None:
    desk.type("\udcff")
    assert desk.document.before == "The sky\ufffd"
    assert desk.ghost.typed("The sky\udcff", "") is None


@pytest.mark.parametrize(
    ("one", "other", "length"),
    [("", "", 0), ("ab", "ab", 2), ("ab", "abc", 2), ("abc", "ab", 2), ("ab", "cb", 0), ("axc", "ayc", 1)],
)
def test_common_length(one: str, other: str, length: int) -> None:
    assert common_length(one, other) == length
