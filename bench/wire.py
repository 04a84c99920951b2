"""A writer on a bare socket that notes when each frame came.

It is not the library's client, which would be one more thing to measure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from afterword_protocol import codec
from afterword_protocol.messages import (
    SUBPROTOCOL,
    Cancel,
    ClientMessage,
    Close,
    Done,
    Edit,
    Error,
    Hello,
    Open,
    Ping,
    Pong,
    Suggest,
    Token,
)


@dataclass(slots=True)
class Asked:
    """What became of one `suggest`; times are of `time.perf_counter`, in seconds."""

    sent: float
    first_token: float | None = None
    tokens: int = 0
    text: str = ""
    dones: int = 0
    done: Done | None = None
    done_at: float | None = None

    @property
    def first_token_ms(self) -> float | None:
        """From the keystroke to the first token frame."""
        return None if self.first_token is None else (self.first_token - self.sent) * 1000


@dataclass(slots=True)
class Text:
    """A document as its writer knows it."""

    name: str
    before: str
    rev: int = 1
    id: int = 0
    asked: dict[int, Asked] = field(default_factory=dict)

    @property
    def newest(self) -> Asked:
        """The suggestion asked for last."""
        return self.asked[self.id]


class Wire:
    """One connection, entered with `async with`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.texts: dict[str, Text] = {}
        self.errors: list[Error] = []
        self.pongs = 0

    async def __aenter__(self) -> Self:
        self._socket = await connect(self._url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None)
        await self._socket.send(codec.encode(Hello()))
        await self._socket.recv()
        self._reader = asyncio.create_task(self._read(self._socket))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._socket is not None
        assert self._reader is not None
        await self._socket.close()
        await self._reader

    async def open(self, name: str, before: str) -> Text:
        """Open a document."""
        self.texts[name] = text = Text(name, before)
        await self.send(Open(doc=name, rev=1, before=before, after=""))
        return text

    async def close(self, text: Text) -> None:
        """Close a document."""
        await self.send(Close(doc=text.name))

    async def key(self, text: Text, key: str, max_tokens: int = 24, delete: int = 0) -> Asked:
        """Type, in place of the last `delete` units, and ask, as an editor that does both on every keystroke."""
        text.before = text.before[: len(text.before) - delete] + key
        text.rev += 1
        text.id += 1
        asked = text.asked[text.id] = Asked(time.perf_counter())
        await self.send(Edit(doc=text.name, rev=text.rev, delete=delete, insert=key))
        await self.send(Suggest(doc=text.name, id=text.id, rev=text.rev, max_tokens=max_tokens))
        return asked

    async def type(self, text: Text, key: str) -> None:
        """Type without asking."""
        text.before += key
        text.rev += 1
        await self.send(Edit(doc=text.name, rev=text.rev, insert=key))

    async def cancel(self, text: Text) -> None:
        """Take back what was asked for last."""
        await self.send(Cancel(doc=text.name, id=text.id))

    async def done(self, asked: Asked) -> None:
        """Wait for the end of a suggestion."""
        await self.until(lambda: asked.dones > 0)

    async def tokens(self, asked: Asked, count: int) -> None:
        """Wait for so many token frames of a suggestion, or its end."""
        await self.until(lambda: asked.tokens >= count or asked.dones > 0)

    async def settle(self) -> None:
        """Wait until the server has handled everything sent so far."""
        answered = self.pongs + 1
        await self.send(Ping(t=0))
        await self.until(lambda: self.pongs >= answered)

    async def send(self, message: ClientMessage) -> None:
        """Send a message."""
        assert self._socket is not None
        await self._socket.send(codec.encode(message))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a frame makes a condition true. Raises ConnectionError if the connection ends before."""
        while not condition():
            if self._reader is None or self._reader.done():
                raise ConnectionError("the server closed the connection")
            self._news.clear()
            await self._news.wait()

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            now = time.perf_counter()
            self._note(frame, now)
            self._news.set()
        self._news.set()

    def _note(self, frame: str | bytes, now: float) -> None:
        match codec.decode_server(frame):
            case Token(doc=doc, id=id, text=piece):
                asked = self.texts[doc].asked[id]
                asked.first_token = asked.first_token or now
                asked.tokens += 1
                asked.text += piece
            case Done(doc=doc, id=id) as done:
                asked = self.texts[doc].asked[id]
                asked.dones += 1
                asked.done, asked.done_at = done, now
            case Error() as error:
                self.errors.append(error)
            case Pong():
                self.pongs += 1
