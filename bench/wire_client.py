"""A writer on a bare WebSocket that notes when each frame came.

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
    Stop,
    Suggest,
    Token,
)

MAX_TOKENS = 24


@dataclass(slots=True)
class TimedAsk:
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
class OpenDocument:
    """A document as its writer knows it."""

    name: str
    before: str
    rev: int = 1
    id: int = 0
    asked: dict[int, TimedAsk] = field(default_factory=dict)

    @property
    def newest(self) -> TimedAsk:
        """The suggestion asked for last."""
        return self.asked[self.id]


class WireClient:
    """One connection, entered with `async with`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.documents: dict[str, OpenDocument] = {}
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

    @property
    def asked(self) -> list[TimedAsk]:
        """Everything asked for so far, in all documents."""
        return [ask for document in self.documents.values() for ask in document.asked.values()]

    async def open(self, name: str, before: str) -> OpenDocument:
        """Open a document."""
        self.documents[name] = document = OpenDocument(name, before)
        await self.send(Open(doc=name, rev=1, before=before, after=""))
        return document

    async def close(self, document: OpenDocument) -> None:
        """Close a document."""
        await self.send(Close(doc=document.name))

    async def suggest(
        self,
        document: OpenDocument,
        max_tokens: int = MAX_TOKENS,
        stop: Stop = Stop.SENTENCE,
        since: float | None = None,
    ) -> TimedAsk:
        """Ask for text at the caret. `since`: when the clock of the answer began, now if not given."""
        document.id += 1
        ask = document.asked[document.id] = TimedAsk(time.perf_counter() if since is None else since)
        await self.send(Suggest(doc=document.name, id=document.id, rev=document.rev, max_tokens=max_tokens, stop=stop))
        return ask

    async def key(self, document: OpenDocument, key: str, max_tokens: int = MAX_TOKENS, delete: int = 0) -> TimedAsk:
        """Type, in place of the last `delete` units, and ask, as an editor that does both on every keystroke."""
        pressed = time.perf_counter()
        await self.type(document, key, delete)
        return await self.suggest(document, max_tokens, since=pressed)

    async def type(self, document: OpenDocument, key: str, delete: int = 0) -> None:
        """Type without asking."""
        document.before = document.before[: len(document.before) - delete] + key
        document.rev += 1
        await self.send(Edit(doc=document.name, rev=document.rev, delete=delete, insert=key))

    async def cancel(self, document: OpenDocument) -> None:
        """Take back what was asked for last."""
        await self.send(Cancel(doc=document.name, id=document.id))

    async def done(self, ask: TimedAsk) -> None:
        """Wait for the end of a suggestion."""
        await self.until(lambda: ask.dones > 0)

    async def tokens(self, ask: TimedAsk, count: int) -> None:
        """Wait for so many token frames of a suggestion, or its end."""
        await self.until(lambda: ask.tokens >= count or ask.dones > 0)

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
                ask = self.documents[doc].asked[id]
                ask.first_token = ask.first_token or now
                ask.tokens += 1
                ask.text += piece
            case Done(doc=doc, id=id) as done:
                ask = self.documents[doc].asked[id]
                ask.dones += 1
                ask.done, ask.done_at = done, now
            case Error() as error:
                self.errors.append(error)
            case Pong():
                self.pongs += 1
