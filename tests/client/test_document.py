"""Documents and suggestions against the real state of a connection: what the writer does, and what the server holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.client import ConnectionLost, Document, OutOfStep, RequestFailed
from afterword_protocol.messages import Accept, Edit, Error, Extend, Open, Ping, Reason, Suggest


async def collect(suggestion: Any) -> list[str]:
    return [piece async for piece in suggestion]


async def test_edits_reach_the_server(channel: Any, open_document: Any) -> None:
    document = open_document("It rained", " all day.")
    document.type(" 🙂")
    document.edit(delete=1, insert="hard", delete_after=4, insert_after=" all")
    channel.exchange()
    assert channel.server_text("letter") == ("It rained hard", " all day.")
    assert channel.server_text("letter") == (document.before, document.after)


async def test_the_caret_moves_both_ways(channel: Any, open_document: Any) -> None:
    document = open_document("one 🙂 two", "three")
    document.move(-5)
    assert (document.before, document.after) == ("one ", "🙂 twothree")
    document.move(1)
    channel.exchange()
    assert channel.server_text("letter") == ("one 🙂", " twothree")
    with pytest.raises(ValueError, match="beyond the start"):
        document.move(-100)
    with pytest.raises(ValueError, match="beyond the end"):
        document.move(100)


async def test_a_suggestion_comes_in_pieces_that_make_its_text(channel: Any, open_document: Any, ghost: str) -> None:
    document = open_document("She waited")
    suggestion = document.suggest(max_tokens=64)
    channel.exchange()
    pieces = await collect(suggestion)
    assert len(pieces) > 5
    assert "".join(pieces) == suggestion.text == ghost[: ghost.index(" Nobody")]
    done = await suggestion.done()
    assert done.reason is Reason.STOP
    assert document.ghost == suggestion.text


async def test_typing_what_the_ghost_says_leaves_the_rest(channel: Any, open_document: Any, ghost: str) -> None:
    document = open_document("She waited")
    document.suggest(max_tokens=6)
    channel.exchange()
    document.type(ghost[:9])
    channel.exchange()
    assert document.ghost.startswith(ghost[9:15])
    document.edit(delete=4)
    assert document.ghost.startswith(ghost[5:15])
    assert channel.writer.starts == 1


async def test_typing_something_else_ends_it(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest(max_tokens=64, stop="none")
    channel.deliver()
    channel.write()
    document.type("!")
    channel.exchange()
    assert (await suggestion.done()).reason is Reason.DIVERGED
    assert document.ghost == ""
    assert await collect(suggestion), "what had come is still there to read"
    document.edit(delete=1)
    assert document.ghost == "", "what has ended as diverged does not come back"


async def test_ghost_text_that_arrives_after_it_was_typed_counts(channel: Any, open_document: Any, ghost: str) -> None:
    document = open_document("She waited")
    document.suggest(max_tokens=64)
    channel.deliver()
    document.type(ghost[:4])  # the client has seen nothing yet; the server is about to send it
    assert document.ghost == ""
    for _ in range(4):
        channel.write()
    channel.exchange()
    assert document.ghost == ghost[4 : ghost.index(" Nobody")]


async def test_extending_goes_on_where_it_ended(channel: Any, open_document: Any, ghost: str) -> None:
    suggestion = open_document("She waited").suggest(max_tokens=3)
    channel.exchange()
    first = await collect(suggestion)
    assert (await suggestion.done()).reason is Reason.LENGTH
    suggestion.extend(max_tokens=3)
    assert suggestion.live
    channel.exchange()
    more = await collect(suggestion)
    assert ghost.startswith("".join(first + more))
    assert len(more) == 3
    assert channel.writer.starts == 1


@pytest.mark.parametrize(("what", "taken"), [("word", " and"), (6, " and t"), ("all", None)])
async def test_accepting_inserts_the_text_and_keeps_the_rest(
    channel: Any, open_document: Any, ghost: str, what: Any, taken: str | None
) -> None:
    document = open_document("She waited")
    suggestion = document.suggest(max_tokens=64)
    channel.exchange()
    taken = taken or suggestion.text
    assert document.accept(what) == taken
    assert document.before == "She waited" + taken
    assert document.ghost == suggestion.text[len(taken) :]
    channel.exchange()
    assert channel.server_text("letter")[0] == document.before
    assert isinstance(channel.sent[-1], Accept)


async def test_accepting_word_by_word_takes_the_servers_words(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest(max_tokens=64)
    channel.exchange()
    words = []
    while document.ghost:
        words.append(document.accept("word"))
    channel.exchange()
    assert "".join(words) == suggestion.text
    assert [word.strip() for word in words[:3]] == ["and", "then", "she"]
    assert channel.server_text("letter")[0] == "She waited" + suggestion.text


async def test_accepting_a_word_while_it_is_written(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    document.suggest(max_tokens=64)
    channel.deliver()
    for _ in range(4):
        channel.write()
    assert document.accept("word") == " and"
    channel.exchange()
    assert channel.server_text("letter")[0] == "She waited and"


async def test_more_than_the_ghost_has_cannot_be_accepted(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    with pytest.raises(ValueError, match="no suggestion"):
        document.accept()
    suggestion = document.suggest()
    channel.exchange()
    with pytest.raises(ValueError, match="shorter than"):
        document.accept(len(suggestion.text) + 1)
    assert document.before == "She waited"


async def test_alternatives_stand_side_by_side(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest(alternatives=3, max_tokens=3)
    channel.exchange()
    done = await suggestion.done()
    assert suggestion.texts == (" and then she", " then she opened", " she opened the")
    assert done.alternatives is not None
    assert [each.text for each in done.alternatives] == list(suggestion.texts)
    assert suggestion.untyped(1) == " then she opened"
    assert document.accept("all", alternative=1) == " then she opened"
    channel.exchange()
    assert channel.server_text("letter")[0] == document.before == "She waited then she opened"


async def test_a_cancelled_suggestion_says_so(channel: Any, open_document: Any) -> None:
    suggestion = open_document("She waited").suggest(max_tokens=64)
    channel.deliver()
    channel.write()
    suggestion.cancel()
    channel.exchange()
    assert (await suggestion.done()).reason is Reason.CANCELLED
    sent = len(channel.sent)
    suggestion.cancel()
    assert len(channel.sent) == sent, "there is nothing left to cancel"


async def test_a_dismissed_suggestion_is_not_painted(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest()
    channel.exchange()
    assert document.ghost
    suggestion.dismiss("escape")
    assert document.ghost == ""


async def test_a_newer_suggestion_takes_the_place_of_the_older(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    channel.writer.held = True
    first, second = document.suggest(), document.suggest()
    channel.exchange()
    assert (await first.done()).reason is Reason.SUPERSEDED
    channel.writer.held = False
    channel.exchange()
    assert (await second.done()).reason is Reason.STOP


async def test_an_error_surfaces_on_the_suggestion_it_is_about(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest(alternatives=9)
    channel.exchange()
    assert (await suggestion.done()).reason is Reason.ERROR
    with pytest.raises(RequestFailed, match="unsupported"):
        await collect(suggestion)
    assert document.error is None
    document.suggest()
    channel.exchange()
    assert document.ghost


@pytest.mark.parametrize("wrong", [{"temperature": 9}, {"max_tokens": 0}, {"quiet": -1}, {"stop": "none of these"}])
async def test_what_no_server_takes_is_refused_on_the_spot(channel: Any, open_document: Any, wrong: Any) -> None:
    document = open_document("She waited")
    with pytest.raises(ValueError, match=next(iter(wrong)) if "stop" not in wrong else "none"):
        document.suggest(**wrong)
    suggestion = document.suggest()
    channel.exchange()
    with pytest.raises(ValueError, match="max_tokens"):
        suggestion.extend(max_tokens=0)
    assert not suggestion.live
    assert document.ghost


async def test_what_the_server_refuses_to_open_fails_with_its_reason(channel: Any, open_document: Any) -> None:
    for number in range(3):
        open_document("text", name=f"letter {number}")
    document = open_document("text", name="one too many")
    with pytest.raises(RequestFailed, match="too_many_docs"):
        await document.settled()
    suggestion = document.suggest()
    with pytest.raises(RequestFailed, match="too_many_docs"):
        await collect(suggestion)


async def test_a_server_out_of_step_is_given_the_text_once(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    channel.sent.clear()
    channel.deliver()
    document.type(" for")
    channel.send(Edit(doc="letter", rev=document._rev + 1, delete=0, insert="?", length=999))  # what it cannot follow
    document._rev += 1
    document.type(" him")
    document.type(" there")
    suggestion = document.suggest()
    channel.exchange()
    assert channel.server_text("letter")[0] == "She waited for him there"
    assert sum(isinstance(message, Open) for message in channel.sent) == 1
    assert (await suggestion.done()).reason is Reason.ERROR
    assert document.error is None
    document.suggest()
    channel.exchange()
    assert document.ghost


async def test_a_text_beyond_the_servers_limit_is_followed_at_the_caret(channel: Any, open_document: Any) -> None:
    document = open_document("x" * 300 + "y" * 300, "z" * 300, preface="p" * 100)
    document.type("!")
    channel.exchange()
    before, after = channel.server_text("letter")
    assert before.endswith("yyy!")
    assert document.before.endswith(before)
    assert document.after.startswith(after)
    document.edit(delete=290)  # farther back than the server was shown
    channel.exchange()
    assert document.before.endswith(channel.server_text("letter")[0])
    assert document.error is None


async def test_a_paste_beyond_the_servers_limit_is_given_as_a_fresh_text(channel: Any, open_document: Any) -> None:
    document = open_document("start")
    document.type("🙂" * 5000)
    channel.exchange()
    assert channel.server_text("letter")[0] == "🙂" * 200
    assert not any(isinstance(message, Edit) for message in channel.sent)


async def test_a_drop_ends_live_suggestions_and_keeps_the_text(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest(max_tokens=64)
    channel.deliver()
    channel.write()
    channel.disconnect()
    document.connection_lost(ConnectionLost("gone"))
    assert (await suggestion.done()).reason is Reason.ERROR
    with pytest.raises(ConnectionLost):
        await collect(suggestion)
    document.type(" for him")
    while_away = document.suggest()
    assert (await while_away.done()).reason is Reason.ERROR
    channel.connect()
    channel.exchange()
    assert channel.server_text("letter")[0] == "She waited for him"
    document.suggest()
    channel.exchange()
    assert document.ghost


async def test_ghost_text_from_before_a_drop_can_still_be_accepted(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest()
    channel.exchange()
    channel.disconnect()
    document.connection_lost(ConnectionLost("gone"))
    channel.connect()
    channel.exchange()
    taken = document.accept("all")
    channel.exchange()
    assert taken == suggestion.text
    assert channel.server_text("letter")[0] == "She waited" + taken


async def test_a_closed_document_is_forgotten(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest()
    document.close()
    channel.exchange()
    assert (await suggestion.done()).reason is Reason.CANCELLED
    assert "letter" not in channel.session._documents


async def test_a_server_that_skips_a_piece_is_found_out(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    suggestion = document.suggest()
    channel.deliver()
    events = channel.writer.step()
    assert events
    channel.writer.step()
    from afterword_protocol.messages import Token

    document.receive(Token(doc="letter", id=suggestion.id, pos=5, text="later"))
    with pytest.raises(OutOfStep):
        await collect(suggestion)


async def test_ids_and_revisions_only_rise(channel: Any, open_document: Any) -> None:
    document = open_document("She waited")
    for _ in range(3):
        document.type(" x")
        document.suggest()
        channel.exchange()
    document.replace("Anew")
    document.suggest()
    channel.exchange()
    revs = [message.rev for message in channel.sent if isinstance(message, Open | Edit | Accept)]
    ids = [message.id for message in channel.sent if isinstance(message, Suggest)]
    assert revs == sorted(set(revs))
    assert ids == [1, 2, 3, 4]
    assert not any(isinstance(message, Error) for message in channel.received)
    assert all(isinstance(message, Open | Edit | Accept | Suggest | Ping | Extend) for message in channel.sent)


_words = st.text(st.sampled_from("ab .é🙂𝒳"), min_size=1, max_size=8)
_acts = st.one_of(
    st.tuples(st.just("type"), _words),
    st.tuples(st.just("delete"), st.integers(1, 12)),
    st.tuples(st.just("move"), st.integers(-9, 9)),
    st.tuples(st.just("paste"), st.integers(1, 300)),
    st.tuples(st.just("replace"), _words),
    st.tuples(st.just("suggest"), st.integers(1, 2)),
    st.tuples(st.just("accept"), st.sampled_from(["word", "phrase", "sentence", "all"])),
    st.tuples(st.just("through"), st.integers(1, 5)),
    st.tuples(st.just("extend"), st.integers(1, 5)),
    st.tuples(st.just("cancel"), st.none()),
    st.tuples(st.just("drop"), st.none()),
    st.tuples(st.just("deliver"), st.integers(0, 3)),
    st.tuples(st.just("write"), st.integers(1, 4)),
)


def _act(document: Document, channel: Any, kind: str, value: Any) -> None:
    match kind:
        case "type":
            document.type(value)
        case "delete":
            document.edit(delete=min(value, len(document.before)))
        case "move":
            document.move(max(-len(document.before), min(value, len(document.after))))
        case "paste":
            document.edit(insert="pasted 🙂 " * (value // 10), delete_after=min(3, len(document.after)))
        case "replace":
            document.replace(value, "🙂 after")
        case "suggest":
            document.suggest(alternatives=value)
        case "accept" if document.ghost:
            document.accept(value)
        case "through":
            document.type(document.ghost[:value] or "x")
        case "extend" if document.suggestion is not None:
            document.suggestion.extend(value)
        case "cancel" if document.suggestion is not None:
            document.suggestion.cancel()
        case "drop":
            channel.disconnect()
            document.connection_lost(ConnectionLost("gone"))
            channel.connect()
        case "deliver":
            channel.deliver(value)
        case "write":
            for _ in range(value):
                channel.write()


@given(script=st.lists(_acts, max_size=40))
async def test_whatever_is_done_in_whatever_order_both_sides_end_with_the_same_text(
    script: list[tuple[str, Any]],
) -> None:
    channel = _fresh_loopback()
    document = channel.add(Document(channel, "letter", "It was", " there.", None, None, None))
    suggestions = []
    for kind, value in script:
        _act(document, channel, kind, value)
        if document.suggestion is not None and document.suggestion not in suggestions:
            suggestions.append(document.suggestion)
    channel.exchange()
    before, after = channel.server_text("letter")
    assert document.before.endswith(before)
    assert document.after.startswith(after)
    if len(document.before) + len(document.after) < 100:
        assert len(before) + len(after) > 0 or not document.before + document.after
    assert document.error is None
    for suggestion in suggestions:
        assert not suggestion.live, "every ask is answered"
        assert len(suggestion._dones) == suggestion._asked


@pytest.fixture(autouse=True)
def _remember_loopback(channel: Any) -> None:
    global _loopback_class
    _loopback_class = type(channel)


_loopback_class: Any = None


def _fresh_loopback() -> Any:
    return _loopback_class()
