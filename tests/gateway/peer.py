"""A client as bare as can be: it sends what it is told and shows what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

HANG_S = 30  # far beyond what any step here takes

Message = dict[str, Any]


class Peer:
    """One connection to a server."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.last_id = 0
        self.revs: Counter[str] = Counter()

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def send_raw(self, frame: str | bytes) -> None:
        await self.socket.send(frame)

    async def receive(self) -> Message:
        async with asyncio.timeout(HANG_S):
            message: Message = json.loads(await self.socket.recv())
            return message

    async def receive_type(self, *types: str) -> Message:
        """The next message of one of these types; those before it are dropped."""
        while True:
            message = await self.receive()
            if message["type"] in types:
                return message

    async def hello(self, **fields: Any) -> Message:
        await self.send(type="hello", **fields)
        return await self.receive()

    async def open(self, before: str, after: str = "", doc: str = "a") -> None:
        self.revs[doc] += 1
        await self.send(type="open", doc=doc, rev=self.revs[doc], before=before, after=after)

    async def edit(self, insert: str = "", *, delete: int = 0, doc: str = "a") -> None:
        self.revs[doc] += 1
        await self.send(type="edit", doc=doc, rev=self.revs[doc], insert=insert, delete=delete)

    async def suggest(self, doc: str = "a", stop: str = "none", **fields: Any) -> int:
        self.last_id += 1
        await self.send(type="suggest", doc=doc, id=self.last_id, rev=self.revs[doc], stop=stop, **fields)
        return self.last_id

    async def until_done(self) -> tuple[str, Message]:
        """The pieces up to the next `done`, joined, and the `done`."""
        pieces = []
        while True:
            message = await self.receive()
            if message["type"] == "token":
                pieces.append(message["text"])
            elif message["type"] == "done":
                return "".join(pieces), message

    async def close_code(self) -> tuple[int | None, str | None]:
        """With what the server closes the connection; what comes before is dropped."""
        async with asyncio.timeout(HANG_S):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code, self.socket.close_reason

    async def answers(self) -> bool:
        """Whether the server still answers on this connection, with nothing else in between."""
        await self.send(type="ping", t="still there?")
        return await self.receive() == {"type": "pong", "t": "still there?"}


@contextlib.asynccontextmanager
async def connected(
    url: str, *, subprotocols: Sequence[str] = ("afterword.v1",), **options: Any
) -> AsyncIterator[Peer]:
    """A connection on which nothing has been said yet."""
    async with connect(
        url, subprotocols=[Subprotocol(name) for name in subprotocols], compression=None, proxy=None, **options
    ) as socket:
        yield Peer(socket)


@contextlib.asynccontextmanager
async def greeted(url: str, **hello: Any) -> AsyncIterator[Peer]:
    """A connection after `welcome`."""
    async with connected(url) as peer:
        welcome = await peer.hello(**hello)
        assert welcome["type"] == "welcome"
        yield peer
