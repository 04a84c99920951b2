"""A client that asks faster than it reads, or never reads at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from websockets.exceptions import ConnectionClosed

from afterword.gateway.connection import Connection
from afterword.gateway.server import RunningServer
from afterword_protocol.messages import Pong

from .fake_engine import FakeEngine
from .peer import HANG_S, Message, Peer, connected, greeted

Serving = Callable[..., AbstractAsyncContextManager[RunningServer]]

HURRIED = {"messages_per_second": 1e6, "message_burst": 1_000_000}
LONG = " ".join(f"word{number}" for number in range(200))
PADDING = "x" * 200
CLOGGING = 1500  # messages of this padding that fill what client, kernel and server hold between them


@contextlib.asynccontextmanager
async def reading_little(server: RunningServer) -> AsyncIterator[Peer]:
    """A client whose end of the socket holds next to nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((server.host, server.port))
    raw.setblocking(False)
    async with connected(server.url, sock=raw, max_queue=None, close_timeout=1) as peer:
        assert (await peer.hello())["type"] == "welcome"
        yield peer


async def clog(peer: Peer, server: RunningServer) -> None:
    """Stop reading, ask for so much that the server cannot send it all, and wait until its outbox fills."""
    peer.socket.transport.pause_reading()
    for _ in range(CLOGGING):
        await peer.send(type="ping", t=PADDING)
    last = PADDING + "!"
    await peer.send(type="ping", t=last)
    await until(lambda: any(_waits(connection, last) for connection in server.hub._connections))


def _waits(connection: Connection, t: str) -> bool:
    return any(isinstance(entry.message, Pong) and entry.message.t == t for entry in connection._outbox._waiting)


async def read_until(peer: Peer, kind: str) -> list[Message]:
    """All messages up to one of this type, but for the answers to `clog`."""
    peer.socket.transport.resume_reading()
    messages: list[Message] = []
    while True:
        message = await peer.receive()
        if message["type"] != "pong":
            messages.append(message)
        if message["type"] == kind:
            return messages


async def test_pieces_that_wait_arrive_as_one_frame(serving: Serving, engine: FakeEngine) -> None:
    engine.texts = [LONG]
    engine.automatic = False
    async with serving(outbox_bytes=1 << 30, **HURRIED) as server, reading_little(server) as peer:
        await peer.open("Once")
        await peer.suggest(max_tokens=256)
        request = await engine.requested()
        await clog(peer, server)
        for _ in range(100):
            engine.write(request, 1)
            await asyncio.sleep(0)
        engine.write(request)
        *pieces, done = await read_until(peer, "done")
        assert len(pieces) < 5
        assert "".join(piece["text"] for piece in pieces) == done["text"]
        positions = [piece["pos"] for piece in pieces]
        assert positions == [sum(len(piece["text"]) for piece in pieces[:n]) for n in range(len(pieces))]


async def test_pieces_of_a_cancelled_suggestion_are_not_sent_and_its_done_is(
    serving: Serving, engine: FakeEngine
) -> None:
    engine.texts = [LONG]
    engine.automatic = False
    async with serving(outbox_bytes=1 << 30, **HURRIED) as server, reading_little(server) as peer:
        await peer.open("Once")
        suggestion = await peer.suggest(max_tokens=256)
        request = await engine.requested()
        await clog(peer, server)
        engine.write(request, 50)
        await peer.send(type="cancel", doc="a", id=suggestion)
        (done,) = await read_until(peer, "done")
        assert done["reason"] == "cancelled"
        assert done["text"]


async def test_who_asks_and_never_reads_is_cut_off(serving: Serving) -> None:
    await never_reads(serving, {"outbox_bytes": 64 * 1024})


async def test_who_leaves_a_full_socket_unread_for_long_is_cut_off(serving: Serving) -> None:
    await never_reads(serving, {"outbox_bytes": 1 << 30, "stall_timeout_ms": 100})


async def never_reads(serving: Serving, options: dict[str, int]) -> None:
    """A client that asks and does not read is gone in the end, and another has not noticed."""
    async with (
        serving(close_timeout_ms=100, **options, **HURRIED) as server,
        greeted(server.url) as bystander,
        reading_little(server) as peer,
    ):
        peer.socket.transport.pause_reading()
        asking = asyncio.create_task(ask_on_and_on(peer))
        await until(lambda: len(server.hub._connections) == 1)
        asking.cancel()
        peer.socket.transport.abort()
        assert await bystander.answers()


async def ask_on_and_on(peer: Peer) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await peer.send(type="ping", t=PADDING)


async def test_who_is_cut_off_and_reads_after_all_learns_why(serving: Serving) -> None:
    async with (
        serving(outbox_bytes=64 * 1024, close_timeout_ms=20_000, **HURRIED) as server,
        reading_little(server) as peer,
    ):
        peer.socket.transport.pause_reading()
        for _ in range(CLOGGING):
            await peer.send(type="ping", t=PADDING)
        await until(lambda: any(connection._farewell for connection in server.hub._connections))
        peer.socket.transport.resume_reading()
        code, reason = await peer.close_code()
        assert (code, reason) == (4429, "the answers are not being read")


async def test_who_vanishes_without_a_word_is_noticed(serving: Serving) -> None:
    async with serving(heartbeat_ms=100, close_timeout_ms=100) as server, reading_little(server) as peer:
        peer.socket.transport.pause_reading()
        await until(lambda: not server.hub._connections)
        peer.socket.transport.abort()


async def test_a_slow_reader_holds_up_nobody_else(serving: Serving, engine: FakeEngine) -> None:
    async with serving(outbox_bytes=1 << 30, **HURRIED) as server, reading_little(server) as slow:
        await clog(slow, server)
        async with greeted(server.url) as peer:
            await peer.open("The quick brown fox")
            await peer.suggest()
            assert (await peer.until_done())[0] == " jumps over the lazy dog"


async def test_fragments_of_one_message_are_put_together(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        message = json.dumps({"type": "ping", "t": "in parts"})
        await peer.socket.send(iter(message))
        assert await peer.receive() == {"type": "pong", "t": "in parts"}


async def until(met: Callable[[], bool]) -> None:
    """Wait for something that happens in the server and that it tells nobody."""
    async with asyncio.timeout(HANG_S):
        while not met():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
