"""A connection without a socket, for documents in this process: a session in front, an engine behind.

What lives here: a `Channel` that passes the messages of documents to the `Session`, `TokenBridge` and rules that a
server uses, and carries out the effects. It belongs to one event loop, like everything it holds.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Iterable, Sequence

from afterword.client.document import Document
from afterword.client.errors import ConnectionLost
from afterword.clock import now_ms
from afterword.config.settings import Settings
from afterword.engine.api import Engine, EngineEvent, Failed, Lost, Ready, RunEvent
from afterword.gateway.session_config import session_config
from afterword.session.effects import Disconnect, Effect, Send, SendDone
from afterword.session.session import Session
from afterword.text.boundaries.rules import Rules
from afterword.text.token_bridge import TokenBridge
from afterword.text.vocabulary import Vocabulary
from afterword_protocol import codec
from afterword_protocol.messages import ClientMessage, Delivery, Done, Error, Hello, Pong, Token

OWNER = "local"  # the one whose all documents are
# A program in the same process needs no limits that protect a server from strangers.
AMPLE = 1 << 30
UNLIMITED = Settings().changed(
    max_docs=AMPLE,
    max_message_bytes=AMPLE,
    max_context=1 << 20,
    max_tokens=AMPLE,
    max_alternatives=64,
    messages_per_second=AMPLE,
    message_burst=AMPLE,
)


class Loopback:
    """Implements `client.channel.Channel`. Messages are taken in order, on the loop's next turn."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, model: str) -> None:
        config = session_config(UNLIMITED, model)
        self.epoch = 1  # there is one connection, until the engine dies
        self.limits = config.limits
        self.error: ConnectionLost | None = None  # why nothing works any more
        self._engine = engine
        self._bridge: TokenBridge[Loopback] = TokenBridge(vocabulary)
        self._session = Session(config, Rules(), None, OWNER, now_ms(), itertools.count(1))
        self._session.receive(codec.encode(Hello(delivery=Delivery.TOKEN)), now_ms())
        self._documents: dict[str, Document] = {}
        self._markers = itertools.count(1)
        self._inbox: deque[ClientMessage] = deque()
        self._timer: asyncio.TimerHandle | None = None

    # --- for documents ---

    def send(self, message: ClientMessage) -> None:
        """Take a message; dropped once the engine is dead."""
        if self.error is None:
            if not self._inbox:
                asyncio.get_running_loop().call_soon(self._handle)
            self._inbox.append(message)

    def next_ping(self) -> int:
        """A number for a ping."""
        return next(self._markers)

    def forget(self, name: str) -> None:
        """A document was closed."""
        self._documents.pop(name, None)

    # --- for who holds it ---

    def open(
        self, name: str, before: str, after: str, language: str | None, block: str | None, preface: str | None
    ) -> Document:
        """A new document. Raises what killed the engine, if something did; ValueError if the name is in use."""
        if self.error is not None:
            raise self.error
        if name in self._documents:
            raise ValueError(f"a document named {name!r} is open already")
        document = self._documents[name] = Document(self, name, before, after, language, block, preface)
        return document

    def on_engine(self, events: Sequence[EngineEvent]) -> None:
        """Take what the engine reports."""
        for event in events:
            if isinstance(event, RunEvent):
                told, command = self._bridge.to_session(event)
                if command is not None:
                    self._engine.submit(command)
                for news in told:
                    self._carry_out(self._session.on_generation(news, now_ms()))
            elif isinstance(event, Ready):
                self._bridge.set_context(event.context_tokens)
            elif isinstance(event, Lost | Failed):
                self.close(ConnectionLost(f"the engine stopped: {event.detail}"))

    def close(self, error: ConnectionLost) -> None:
        """Nothing will work any more: end what is live and free what is held."""
        if self.error is not None:
            return
        self.epoch, self.error = 0, error
        self._inbox.clear()
        if self._timer is not None:
            self._timer.cancel()
        for command in self._bridge.leave(self):
            self._engine.submit(command)
        for document in list(self._documents.values()):
            document.give_up(error)

    # --- how it is done ---

    def _handle(self) -> None:
        while self._inbox:
            self._carry_out(self._session.receive(codec.encode(self._inbox.popleft()), now_ms()))

    def _tick(self) -> None:
        self._timer = None
        self._carry_out(self._session.on_tick(now_ms()))

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send | SendDone):
                self._deliver(effect.message)
            elif isinstance(effect, Disconnect):
                self.close(ConnectionLost(effect.reason, effect.code))
                return
            else:
                command = self._bridge.to_engine(self, OWNER, effect)
                if command is not None:
                    self._engine.submit(command)
        self._set_timer()

    def _deliver(self, message: object) -> None:
        match message:
            case Pong(t=marker):
                for document in list(self._documents.values()):
                    document.receive_pong(marker)
            case Token(doc=str() as name) | Done(doc=str() as name) | Error(doc=str() as name):
                if name in self._documents:
                    self._documents[name].receive(message)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ms = self._session.deadline_ms
        if due_ms is not None:
            delay_s = max(0.0, due_ms - now_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)
