"""What tests of the client talk to: the real state of a connection, with a scripted writer instead of a model.

Once without any socket (`Loopback`), for what documents do, and once behind a real one (`ScriptedServer`), for what
happens to connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from afterword.client import Document
from afterword.config.settings import Settings
from afterword.gateway.session_config import session_config
from afterword.session.effects import (
    Disconnect,
    ExtendGeneration,
    GenerationCommand,
    GenerationEvent,
    GenerationPaused,
    GenerationStarted,
    Send,
    SendDone,
    StartGeneration,
    StopGeneration,
    TextGenerated,
)
from afterword.session.session import Session
from afterword.text.boundaries.rules import Rules
from afterword_protocol import codec
from afterword_protocol.messages import ClientMessage, Done, Error, Peer, Pong, ServerMessage, Token

GHOST = " and then she opened the door 🙂 and stepped out, because the rain had stopped at last. Nobody saw her."
SETTINGS = Settings().changed(
    max_docs=3,
    max_context=400,
    max_tokens=64,
    max_alternatives=3,
    messages_per_second=1e6,
    message_burst=10**6,
)
CONFIG = replace(session_config(SETTINGS, "none"), server=Peer(name="scripted"))
LIMITS = CONFIG.limits


class ScriptedWriter:
    """Writes `GHOST`, a word a token, after any text; every further alternative one word further in."""

    def __init__(self) -> None:
        self.held = False  # whether runs wait
        self.starts = 0
        self._words: dict[tuple[int, int], list[list[str]]] = {}
        self._limits: dict[tuple[int, int], int] = {}
        self._written: dict[tuple[int, int], list[int]] = {}

    def command(self, command: GenerationCommand) -> None:
        match command:
            case StartGeneration():
                self.starts += 1
                words = re.findall(r"\s*\S+", GHOST)
                self._words[command.document, command.run] = [words[k:] for k in range(command.alternatives)]
                self._limits[command.document, command.run] = command.max_tokens
                self._written[command.document, command.run] = [0] * command.alternatives
            case ExtendGeneration():
                self._limits[command.document, command.run] = command.max_tokens
            case StopGeneration():
                self._words.pop((command.document, command.run), None)

    def step(self) -> list[GenerationEvent]:
        """The next token of every alternative of every run."""
        events: list[GenerationEvent] = []
        if self.held:
            return events
        for run, texts in self._words.items():
            for k, words in enumerate(texts):
                at = self._written[run][k]
                if at < self._limits[run] and at < len(words):
                    if at == 0 and k == 0:
                        events.append(GenerationStarted(*run, 10, 8, 2, 0.0))
                    events.append(TextGenerated(*run, k, words[at], 1, -0.5))
                    self._written[run][k] += 1
                    if at + 1 == self._limits[run]:
                        events.append(GenerationPaused(*run, k))
        return events


class Loopback:
    """A `Channel` to a session in this process. Messages wait until `exchange`, so that tests decide what crosses."""

    def __init__(self) -> None:
        self.epoch = 0
        self.limits = LIMITS
        self.writer = ScriptedWriter()
        self.sent: list[ClientMessage] = []  # everything, for tests to look at
        self.received: list[ServerMessage] = []
        self._waiting: list[ClientMessage] = []
        self._documents: dict[str, Document] = {}
        self._markers = itertools.count(1)
        self._numbers = itertools.count(1)
        self._epochs = itertools.count(1)
        self.connect()

    def connect(self) -> None:
        self.epoch = next(self._epochs)
        self.session = Session(CONFIG, Rules(), None, "test", 0.0, self._numbers)
        self.session.receive('{"type":"hello"}', 0.0)
        for document in self._documents.values():
            document.reopen()

    def add(self, document: Document) -> Document:
        self._documents[document.name] = document
        return document

    def send(self, message: ClientMessage) -> None:
        if self.epoch:
            self.sent.append(message)
            self._waiting.append(message)

    def next_ping(self) -> int:
        return next(self._markers)

    def forget(self, name: str) -> None:
        self._documents.pop(name, None)

    def disconnect(self) -> None:
        self.epoch = 0
        self._waiting.clear()

    def deliver(self, count: int | None = None) -> None:
        """Hand the server the messages that wait, or the first `count` of them."""
        count = len(self._waiting) if count is None else count
        for message in self._waiting[:count]:
            self._carry_out(self.session.receive(codec.encode(message), 0.0))
        del self._waiting[:count]

    def write(self) -> bool:
        """Let every run write a token; returns whether there was one."""
        events = self.writer.step()
        for event in events:
            self._carry_out(self.session.on_generation(event, 0.0))
        return bool(events)

    def exchange(self) -> None:
        """Hand everything over, both ways, until all is quiet."""
        while True:
            self.deliver()
            if not self.write() and not self._waiting:
                return

    def server_text(self, name: str) -> tuple[str, str]:
        mirror = self.session._documents[name]._mirror
        return mirror.before, mirror.after

    def _carry_out(self, effects: list[object]) -> None:
        for effect in effects:
            if isinstance(effect, Send | SendDone):
                message = codec.decode_server(codec.encode(effect.message))
                self.received.append(message)
                if isinstance(message, Pong):
                    for document in list(self._documents.values()):
                        document.receive_pong(message.t)
                elif isinstance(message, Token | Done | Error) and message.doc in self._documents:
                    self._documents[message.doc].receive(message)
            elif not isinstance(effect, Disconnect):
                self.writer.command(effect)  # type: ignore[arg-type]


class ScriptedServer:
    """A real WebSocket server in front of sessions and a scripted writer. Tests stop, start and drop it."""

    def __init__(self) -> None:
        self.writer = ScriptedWriter()
        self.token: str | None = None
        self.welcomes = 0
        self.sockets: set[ServerConnection] = set()
        self.farewell: tuple[int, str] | None = None  # close every new connection like this
        self._server: Server | None = None
        self._port = 0
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/v1"

    async def start(self) -> None:
        self._server = await serve(self._serve, "127.0.0.1", self._port, subprotocols=["afterword.v1"])
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cut all connections without a word."""
        for socket in list(self.sockets):
            socket.transport.abort()

    async def close_all(self, code: int, reason: str) -> None:
        for socket in list(self.sockets):
            await socket.close(code, reason)

    def accept(self, token: str | None) -> bool:
        """Whether a client with this token is let in."""
        return token == self.token

    async def _serve(self, socket: ServerConnection) -> None:
        if self.farewell is not None:
            await socket.close(*self.farewell)
            return
        session = Session(CONFIG, Rules(), self, "test", 0.0, self._numbers)
        self.sockets.add(socket)
        writing = asyncio.create_task(self._write(socket, session))
        try:
            async for frame in socket:
                await self._carry_out(socket, session.receive(frame, 0.0))
        except ConnectionClosed:
            pass
        finally:
            self.sockets.discard(socket)
            writing.cancel()

    async def _write(self, socket: ServerConnection, session: Session) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                for event in self.writer.step():
                    await self._carry_out(socket, session.on_generation(event, 0.0))
                await asyncio.sleep(0.001)

    async def _carry_out(self, socket: ServerConnection, effects: list[object]) -> None:
        for effect in effects:
            if isinstance(effect, Send | SendDone):
                await socket.send(codec.encode(effect.message))
            elif isinstance(effect, Disconnect):
                await socket.close(effect.code, effect.reason)
            else:
                self.writer.command(effect)  # type: ignore[arg-type]


OpenDocument = Callable[..., Document]


@pytest.fixture
async def channel() -> Loopback:
    return Loopback()


@pytest.fixture
def open_document(channel: Loopback) -> OpenDocument:
    """Open a document over the loopback: `open_document("before", after="")`."""

    def open_it(before: str = "", after: str = "", name: str = "letter", preface: str | None = None) -> Document:
        document = channel.add(Document(channel, name, before, after, None, None, preface))
        channel.exchange()
        return document

    return open_it


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def ghost() -> str:
    """What the scripted writer writes."""
    return GHOST
