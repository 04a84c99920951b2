"""A client's life with the server: greeting, ghost text, and how connections end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from afterword.engine.api import RunEvent, StopRun
from afterword.gateway.server import RunningServer
from afterword.session.session import Session
from afterword.session.text_rules import Surroundings
from afterword.text.boundaries.rules import Rules
from afterword.text.token_bridge import TokenBridge
from afterword_protocol.messages import Boundaries

from .fake_engine import FakeEngine
from .peer import HANG_S, connected, greeted

Serving = Callable[..., AbstractAsyncContextManager[RunningServer]]


async def test_hello_is_answered_by_welcome(serving: Serving) -> None:
    async with serving(debounce_ms=30, heartbeat_ms=7000) as server, connected(server.url) as peer:
        welcome = await peer.hello(client={"name": "test", "version": "1"})
        assert welcome["type"] == "welcome"
        assert welcome["protocol"] == 1
        assert welcome["model"] == "scripted"
        assert welcome["server"]["name"] == "afterword"
        assert welcome["offsets"] == "utf-16"
        assert welcome["heartbeat_ms"] == 7000
        assert welcome["advice"] == {"debounce_ms": 30}


async def test_ghost_text_arrives_and_ends_with_done(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        text, done = await peer.until_done()
        assert text == " jumps over the lazy dog"
        assert done["text"] == text
        assert done["reason"] == "end"
        assert done["usage"]["context"] > 0


async def test_typing_what_the_ghost_text_says_asks_the_engine_for_nothing(
    server: RunningServer, engine: FakeEngine
) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        await peer.until_done()
        asked = len(engine.requests)
        await peer.edit(" jumps")
        await peer.suggest()
        text, done = await peer.until_done()
        assert text == " over the lazy dog"
        assert done["reason"] == "end"
        assert len(engine.requests) == asked


async def test_documents_and_connections_do_not_mix(server: RunningServer, engine: FakeEngine) -> None:
    async with greeted(server.url) as one, greeted(server.url) as other:
        for peer in (one, other):
            for doc in ("a", "b"):
                await peer.open(f"Dear {doc}", doc=doc)
                await peer.suggest(doc)
        for peer in (one, other):
            done = [(await peer.receive_type("done")) for _ in range(2)]
            assert sorted(each["doc"] for each in done) == ["a", "b"]
            assert all(each["text"].endswith(" jumps over the lazy dog") for each in done)
        assert len({request.document for request in engine.requests}) == 4


async def test_the_documents_of_a_client_that_goes_are_forgotten(server: RunningServer, engine: FakeEngine) -> None:
    async with greeted(server.url) as peer:
        await peer.open("One", doc="a")
        await peer.open("Two", doc="b")
        assert await peer.answers()
        documents = sorted({request.document for request in engine.requests})
    async with asyncio.timeout(HANG_S):
        while sorted(engine.forgotten) != documents:  # noqa: ASYNC110 (the server tells nobody that it is done)
            await asyncio.sleep(0.01)


async def test_the_engine_is_told_to_stop_before_the_text_of_what_was_cancelled_is_looked_at(
    server: RunningServer, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.automatic = False
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        request = await engine.requested()
        engine.write(request, 2)
        assert (await peer.receive())["type"] == "token"
        boundaries = Rules.boundaries
        stopped: list[list[StopRun]] = []  # when the text of the `done` is looked at

        def note_stops(rules: Rules, around: Surroundings, text: str) -> Boundaries:
            stopped.append(list(engine.stopped))
            return boundaries(rules, around, text)

        monkeypatch.setattr(Rules, "boundaries", note_stops)
        await peer.send(type="cancel", doc="a", id=peer.last_id)
        assert (await peer.until_done())[1]["reason"] == "cancelled"
        assert stopped == [[StopRun(request.owner, request.document, request.run)]]


async def test_a_bug_in_the_rules_about_text_ends_the_connection_and_stops_the_engine(
    server: RunningServer, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.automatic = False

    def broken(rules: Rules, around: Surroundings, text: str) -> Boundaries:
        raise ValueError(f"cannot take {text!r}")

    async with greeted(server.url) as good, greeted(server.url) as unlucky:
        await unlucky.open("The quick brown fox")
        await unlucky.suggest()
        request = await engine.requested()
        with monkeypatch.context() as patched:
            patched.setattr(Rules, "boundaries", broken)
            await unlucky.send(type="cancel", doc="a", id=unlucky.last_id)
            assert (await unlucky.close_code())[0] == 4500
        assert engine.stopped == [StopRun(request.owner, request.document, request.run)]
        engine.automatic = True
        await good.open("Fine")
        await good.suggest()
        assert (await good.until_done())[1]["reason"] == "end"


async def test_an_edit_that_diverges_ends_the_suggestion_while_the_engine_is_busy(
    server: RunningServer, engine: FakeEngine
) -> None:
    engine.automatic = False
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        request = await engine.requested()
        engine.write(request, 2)
        assert (await peer.receive())["type"] == "token"
        await peer.edit("!")
        _, done = await peer.until_done()
        assert done["reason"] == "diverged"
        assert engine.stopped == [StopRun(request.owner, request.document, request.run)]


async def test_a_suggestion_that_takes_too_long_ends_with_what_there_is(
    server: RunningServer, engine: FakeEngine
) -> None:
    engine.automatic = False
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest(max_time_ms=50)
        engine.write(await engine.requested(), 1)
        text, done = await peer.until_done()
        assert done["reason"] == "time"
        assert done["text"] == text != ""


async def test_a_time_limit_that_comes_later_does_not_delay_one_that_comes_first(
    server: RunningServer, engine: FakeEngine
) -> None:
    engine.automatic = False
    async with greeted(server.url) as peer:
        await peer.open("One", doc="a")
        await peer.open("Two", doc="b")
        await peer.suggest("a", max_time_ms=60_000)
        await peer.suggest("b", max_time_ms=50)
        done = await peer.receive_type("done")
        assert (done["doc"], done["reason"]) == ("b", "time")


async def test_when_the_engine_is_lost_the_suggestion_ends_and_the_next_works(
    server: RunningServer, engine: FakeEngine
) -> None:
    async with greeted(server.url) as peer, greeted(server.url) as idle:
        engine.automatic = False
        await peer.open("The quick brown fox")
        await peer.suggest()
        engine.write(await engine.requested(), 1)
        assert (await peer.receive())["type"] == "token"
        engine.automatic = True
        engine.lose()
        done = await peer.receive_type("done")
        assert done["reason"] == "error"
        lost = {"type": "notice", "kind": "engine_lost"}
        assert await peer.receive_type("notice") == lost
        assert await idle.receive() == lost
        async with greeted(server.url) as late:
            assert await late.receive() == lost
            engine.come_back()
            back = {"type": "notice", "kind": "engine_restarted"}
            assert [await each.receive() for each in (peer, idle, late)] == [back] * 3
        async with greeted(server.url) as new:
            assert await new.answers(), "and is told nothing"
        await peer.suggest()
        text, done = await peer.until_done()
        assert done["reason"] == "end"
        assert text.endswith(" over the lazy dog")


async def test_what_is_asked_before_the_engine_is_ready_is_answered_once_it_is(
    serving: Serving, engine: FakeEngine
) -> None:
    engine._ready = engine.automatic = False
    async with serving() as server, greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        request = await engine.requested()
        assert await peer.answers()
        engine.write(request)
        assert (await peer.until_done())[0] == " jumps over the lazy dog"


async def test_when_the_model_is_refused_every_suggestion_is_answered_with_an_error(
    server: RunningServer, engine: FakeEngine
) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        engine.automatic = False
        await peer.suggest()
        await engine.requested()
        engine.fail()
        for _ in range(2):
            error, done = await peer.receive_type("error"), await peer.receive()
            assert error["code"] == "internal"
            assert (done["type"], done["reason"]) == ("done", "error")
            await peer.suggest()


# --- how connections end ------------------------------------------------------------------------------------------


async def test_without_hello_in_time_the_connection_ends(serving: Serving) -> None:
    async with serving(hello_timeout_ms=50) as server, connected(server.url) as peer:
        assert (await peer.close_code())[0] == 4408


async def test_a_second_hello_ends_the_connection(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.send(type="hello")
        assert (await peer.close_code())[0] == 4409


@pytest.mark.parametrize("token", ["one", "two"])
async def test_each_token_of_the_list_is_let_in(serving: Serving, token: str) -> None:
    async with serving(tokens=("one", "two")) as server, greeted(server.url, token=token) as peer:
        assert await peer.answers()


@pytest.mark.parametrize("hello", [{}, {"token": ""}, {"token": "three"}, {"token": None}])
async def test_a_wrong_or_missing_token_ends_the_connection(serving: Serving, hello: dict[str, Any]) -> None:
    async with serving(tokens=("one", "two")) as server, connected(server.url) as peer:
        await peer.send(type="hello", **hello)
        assert (await peer.close_code())[0] == 4401


@pytest.mark.parametrize("first", [b"\x00\x01", "no JSON", "[]", '{"type":"ping","t":1}', '"hello"'])
async def test_a_first_message_other_than_hello_ends_the_connection(server: RunningServer, first: str | bytes) -> None:
    async with connected(server.url) as peer:
        await peer.send_raw(first)
        assert (await peer.close_code())[0] == 4400


async def test_messages_that_come_too_fast_end_the_connection(serving: Serving) -> None:
    async with serving(messages_per_second=10, message_burst=20) as server, greeted(server.url) as peer:
        for number in range(1000):
            await peer.send(type="ping", t=number)
        assert (await peer.close_code())[0] == 4429


async def test_a_message_too_long_ends_the_connection(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.send(type="open", doc="a", rev=1, before="x" * 10_000_000, after="")
        assert (await peer.close_code())[0] == 1009


async def test_a_bug_ends_one_connection_with_4500_and_harms_no_other(
    server: RunningServer, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with greeted(server.url) as good, greeted(server.url) as unlucky:
        await good.open("Fine")
        receive = Session.receive

        def broken(session: Session, frame: str | bytes, now_ms: float) -> Any:
            if "confidential" in str(frame):
                raise ValueError(f"cannot take {frame!r}")
            return receive(session, frame, now_ms)

        monkeypatch.setattr(Session, "receive", broken)
        await unlucky.open("something confidential")
        assert (await unlucky.close_code())[0] == 4500
        await good.suggest()
        assert (await good.until_done())[1]["reason"] == "end"
    assert "ValueError" in caplog.text
    assert "test_connection.py" in caplog.text
    assert "confidential" not in caplog.text


async def test_a_bug_in_handling_an_engine_event_ends_the_connection_it_was_for(
    server: RunningServer, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with greeted(server.url) as good, greeted(server.url) as unlucky:
        engine.automatic = False
        await unlucky.open("Bad")
        await unlucky.suggest()
        request = await engine.requested()
        to_session = TokenBridge.to_session

        def broken(bridge: TokenBridge[Any], event: RunEvent) -> Any:
            if event.document == request.document:
                raise KeyError("a piece of text")
            return to_session(bridge, event)

        monkeypatch.setattr(TokenBridge, "to_session", broken)
        engine.automatic = True
        engine.write(request)
        assert (await unlucky.close_code())[0] == 4500
        await good.open("Fine")
        await good.suggest()
        assert (await good.until_done())[1]["reason"] == "end"


async def test_nothing_that_is_written_appears_in_any_log(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as server, greeted(server.url) as peer:
        await peer.open("My secret diary")
        await peer.suggest()
        await peer.until_done()
        await peer.send(type="edit", doc="secret", rev="secret")
        await peer.receive_type("error")
        await peer.send_raw("secret")
        await peer.close_code()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("afterword")]
    assert ours
    assert not any("secret" in line or "lazy" in line for line in ours)
    server_side = [record for record in caplog.records if record.name == "websockets.server"]
    assert not server_side


async def test_many_connections_come_and_go_and_leave_nothing_behind(server: RunningServer, engine: FakeEngine) -> None:
    async def visit(peer_number: int) -> None:
        async with greeted(server.url) as peer:
            await peer.open(f"Text {peer_number}")
            await peer.suggest()
            assert (await peer.until_done())[1]["reason"] == "end"

    for _ in range(3):
        await asyncio.gather(*(visit(number) for number in range(20)))
    async with asyncio.timeout(HANG_S):
        while server.hub._connections:  # noqa: ASYNC110 (the server tells nobody that it is done)
            await asyncio.sleep(0.01)
    assert not server.hub._bridge._documents
    assert not engine.runs
