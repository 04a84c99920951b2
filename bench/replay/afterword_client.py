"""A writer's client of an Afterword server.

It is a bare WebSocket, without the library's client, which would be one more thing to measure.
"""

from __future__ import annotations

import asyncio
import time
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from afterword_protocol import codec
from afterword_protocol.messages import (
    SUBPROTOCOL,
    ClientMessage,
    Done,
    Edit,
    Error,
    Hello,
    Open,
    Reason,
    ServerMessage,
    Stop,
    Suggest,
    Token,
)
from afterword_protocol.utf16 import units

from .answers import Answer
from .editor import EditorText, Keystroke

DOCUMENT = "text"
FAULTS = frozenset({Reason.BUSY, Reason.ERROR, Reason.STALE})  # ends that are no answer


class AfterwordClient:
    """One connection with one document."""

    def __init__(self, socket: ClientConnection, max_tokens: int, stop: Stop) -> None:
        self._socket = socket
        self._max_tokens = max_tokens
        self._stop = stop
        self._rev = 0
        self._answers: dict[int, Answer] = {}
        self._newest = Answer("", "", 0.0)
        self._leaving = False
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, url: str, max_tokens: int, stop: Stop) -> Self:
        """Connect."""
        socket = await connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None)
        await socket.send(codec.encode(Hello()))
        await socket.recv()
        return cls(socket, max_tokens, stop)

    async def open(self, text: EditorText) -> None:
        """Begin with this text."""
        self._rev += 1
        await self._send(Open(doc=DOCUMENT, rev=self._rev, before=text.before, after=text.after))

    async def edit(self, before: EditorText, keystroke: Keystroke) -> None:
        """Send what the keystroke did."""
        self._rev += 1
        await self._send(edit_of(before, keystroke, self._rev))

    async def ask(self, text: EditorText) -> Answer:
        """Send a `suggest`; the server drops the one before by itself."""
        id = len(self._answers) + 1
        self._answers[id] = self._newest = Answer(text.before, text.after, time.perf_counter())
        await self._send(Suggest(doc=DOCUMENT, id=id, rev=self._rev, max_tokens=self._max_tokens, stop=self._stop))
        return self._newest

    async def close(self) -> None:
        """Close the connection."""
        self._leaving = True
        await self._socket.close()
        await self._reader

    async def _send(self, message: ClientMessage) -> None:
        try:
            await self._socket.send(codec.encode(message))
        except ConnectionClosed:
            self._newest.fail("connection closed", time.perf_counter())

    async def _read(self) -> None:
        async for frame in self._socket:
            self._note(codec.decode_server(frame), time.perf_counter())
        if not self._leaving:
            self._newest.fail("connection closed", time.perf_counter())

    def _note(self, message: ServerMessage, now: float) -> None:
        match message:
            case Token(id=id, text=piece):
                self._answers[id].add(piece, now)
            case Done(id=id, reason=reason, usage=usage):
                answer = self._answers[id]
                answer.end(now)
                # Text taken over from the suggestion before is counted again: this is the most it can have been.
                answer.written = usage.generated
                answer.computed = usage.computed + usage.generated
                if reason in FAULTS:
                    answer.fail(str(reason), now)
            case Error(id=id, code=code):
                self._answers.get(id or 0, self._newest).fail(str(code), now)


def edit_of(text: EditorText, keystroke: Keystroke, rev: int) -> Edit:
    """A keystroke as the splice at the caret that the protocol knows."""
    before, after, move = text.before, text.after, keystroke.move
    if move < 0:
        return Edit(doc=DOCUMENT, rev=rev, delete=units(before[move:]), insert_after=before[move:])
    if move > 0:
        return Edit(doc=DOCUMENT, rev=rev, insert=after[:move], delete_after=units(after[:move]))
    return Edit(doc=DOCUMENT, rev=rev, insert=keystroke.insert, delete=units(before[len(before) - keystroke.delete :]))
