"""Connections over real sockets: coming, going, being refused, and coming back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from afterword.client import ConnectionLost, Refused, RequestFailed, connect
from afterword_protocol.messages import Reason

HANG_S = 20  # nothing here takes nearly as long


pytestmark = pytest.mark.timeout(HANG_S)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - conditions of all kinds
        await asyncio.sleep(0.01)


async def test_a_writer_gets_ghost_text(server: Any, ghost: str) -> None:
    async with connect(server.url) as client:
        assert client.welcome is not None
        assert client.welcome.server.name == "scripted"
        document = await client.open("letter", "She waited", after="")
        document.type(" long")
        suggestion = document.suggest(max_tokens=64)
        pieces = [piece async for piece in suggestion]
        assert "".join(pieces) == suggestion.text == ghost[: ghost.index(" Nobody")]
        more = [piece async for piece in suggestion.extend()]
        assert more[0] == " Nobody"


@pytest.mark.parametrize("delivery", ["word", "final"])
async def test_other_deliveries_make_the_same_text(server: Any, ghost: str, delivery: str) -> None:
    async with connect(server.url, delivery=delivery) as client:
        document = await client.open("letter", "She waited")
        pieces = [piece async for piece in document.suggest(max_tokens=64)]
        assert "".join(pieces) == ghost[: ghost.index(" Nobody")]
        assert delivery != "final" or len(pieces) == 1


async def test_a_ping_is_answered(server: Any) -> None:
    async with connect(server.url) as client:
        assert 0 < await client.ping() < HANG_S * 1000


async def test_many_documents_do_not_mix(server: Any) -> None:
    async with connect(server.url) as client:
        documents = [await client.open(f"letter {n}", f"Text {n}") for n in range(3)]
        dones = await asyncio.gather(
            *(document.suggest(max_tokens=n + 1).done() for n, document in enumerate(documents))
        )
        assert [done.usage.generated for done in dones] == [1, 2, 3]
        with pytest.raises(ValueError, match="open already"):
            await client.open("letter 1")
        with pytest.raises(RequestFailed, match="too_many_docs"):
            await client.open("one too many")
        documents[0].close()
        await client.open("one too many")


async def test_breaking_off_and_cancelling_stops_the_writer(server: Any) -> None:
    async with connect(server.url) as client:
        suggestion = (await client.open("letter", "She waited")).suggest(max_tokens=64, stop="none")
        async for _ in suggestion:
            break
        suggestion.cancel()
        done = await suggestion.done()
        assert done.reason in (Reason.CANCELLED, Reason.END, Reason.LENGTH)
        assert server.writer._words == {} or done.reason is not Reason.CANCELLED


async def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(ConnectionLost, match="cannot connect"):
        async with connect("ws://127.0.0.1:9"):
            pass


async def test_a_patient_client_waits_for_a_server_that_starts(server: Any) -> None:
    await server.stop()

    async def late() -> None:
        await asyncio.sleep(0.3)
        await server.start()

    starting = asyncio.create_task(late())
    async with connect(server.url, patience_s=HANG_S) as client:
        assert client.connected
    await starting


async def test_a_wrong_token_is_not_tried_again(server: Any) -> None:
    server.token = "right"
    with pytest.raises(Refused, match="4401"):
        async with connect(server.url, token="wrong", patience_s=HANG_S):
            pass
    async with connect(server.url, token="right"):
        pass


async def test_a_server_of_another_kind_is_not_tried_again() -> None:
    from websockets.asyncio.server import serve

    async def silent(socket: Any) -> None:
        await socket.wait_closed()

    async with serve(silent, "127.0.0.1", 0, subprotocols=["something.else"]) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(Refused):
            async with connect(f"ws://127.0.0.1:{port}", patience_s=HANG_S):
                pass


async def test_after_a_drop_documents_come_back_by_themselves(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("letter", "She waited")
        server.writer.held = True
        suggestion = document.suggest()
        await client.ping()
        server.drop()
        assert (await suggestion.done()).reason is Reason.ERROR
        with pytest.raises(ConnectionLost):
            async for _ in suggestion:
                pass
        document.type(" for him")
        server.writer.held = False
        await client.wait_connected()
        await document.settled()
        again = document.suggest()
        assert (await again.done()).reason is Reason.STOP
        assert again.text
        assert again.id > suggestion.id


async def test_a_server_that_was_away_for_a_while_is_found_again(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("letter", "She waited")
        await server.close_all(1001, "going away")
        await server.stop()
        await until(lambda: not client.connected)
        document.type(" at home")
        assert (await document.suggest().done()).reason is Reason.ERROR
        await asyncio.sleep(0.5)
        await server.start()
        await client.wait_connected()
        assert (await document.suggest().done()).reason is Reason.STOP


@pytest.mark.parametrize("code", [4400, 4401, 4409, 1009])
async def test_close_codes_that_forbid_coming_back_are_honoured(server: Any, code: int) -> None:
    async with connect(server.url) as client:
        document = await client.open("letter", "She waited")
        await server.close_all(code, "no more")
        await until(lambda: not client.connected)
        with pytest.raises(Refused, match="no more"):
            await client.wait_connected()
        await asyncio.sleep(0.6)
        assert not server.sockets
        suggestion = document.suggest()
        assert (await suggestion.done()).reason is Reason.ERROR
        with pytest.raises(Refused):
            await client.open("another")
        with pytest.raises(Refused):
            await client.ping()


async def test_a_client_told_not_to_reconnect_stays_away(server: Any) -> None:
    async with connect(server.url, reconnect=False) as client:
        server.drop()
        await until(lambda: not client.connected)
        with pytest.raises(ConnectionLost):
            await client.wait_connected()


async def test_what_was_posted_is_sent_before_the_client_leaves(server: Any) -> None:
    received: list[str] = []
    command = server.writer.command
    server.writer.command = lambda effect: (received.append(type(effect).__name__), command(effect))
    async with connect(server.url) as client:
        document = await client.open("letter", "She waited")
        document.suggest()
    await until(lambda: "StartGeneration" in received)


async def test_whoever_waits_when_the_client_is_closed_is_told(server: Any) -> None:
    server.writer.held = True
    async with connect(server.url) as client:
        suggestion = (await client.open("letter", "She waited")).suggest()
        waiting = asyncio.create_task(suggestion.done())
        await asyncio.sleep(0)
    assert (await waiting).reason is Reason.ERROR
