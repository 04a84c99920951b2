"""What the connections of one server share: the engine, the bridge, and who gets which news.

What lives here: the registry of connections, the way of an engine event to the one it concerns, and the orderly end.
Sockets are opened in `server.py`, and one connection is served in `connection.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable, Sequence
from importlib.metadata import version

from websockets.asyncio.server import ServerConnection

from afterword.clock import now_ms
from afterword.engine.api import Ended, Engine, EngineEvent, Failed, Lost, PartLost, Progress, Ready
from afterword.faults import describe_fault
from afterword.gateway.auth import Tokens
from afterword.gateway.connection import Connection
from afterword.gateway.http.health import Health
from afterword.gateway.metrics.gateway_metrics import Census, Metrics
from afterword.gateway.options import GatewayOptions
from afterword.gateway.outbox import Outbox
from afterword.session.counters import SuggestionCounters
from afterword.session.effects import ForgetDocument, GenerationCommand, StartGeneration
from afterword.session.session import Session, SessionConfig
from afterword.session.text_rules import TextRules
from afterword.text.token_bridge import FIRST_CONTEXT_TOKENS, TokenBridge
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.codec import encode
from afterword_protocol.codes import CloseCode
from afterword_protocol.messages import Peer

_log = logging.getLogger("afterword.gateway")

Watcher = Callable[[EngineEvent], None]


class Hub:
    """All connections of a server and what stands behind them. One event loop owns it."""

    def __init__(
        self,
        options: GatewayOptions,
        engine: Engine,
        vocabulary: Vocabulary,
        rules: TextRules,
        watch: Watcher | None = None,
    ) -> None:
        """`watch` is told what the engine does while it starts, and when it is ready, lost, or has failed."""
        self.health = Health(options.model)
        peer = Peer(name="afterword", version=version("afterword"))
        self.metrics = Metrics(peer.version, options.model, self._census)
        self._options = options
        self._engine = engine
        self._rules = rules
        self._watch = watch
        self._numbers = itertools.count(1)
        self._bridge = TokenBridge(vocabulary, engine, FIRST_CONTEXT_TOKENS, self._numbers)
        self._tokens = Tokens(options.tokens)
        self._config = SessionConfig(
            server=peer,
            model=options.model,
            limits=options.limits,
            heartbeat_ms=options.heartbeat_ms,
            debounce_ms=options.debounce_ms,
            hello_timeout_ms=options.hello_timeout_ms,
            messages_per_second=options.messages_per_second,
            message_burst=options.message_burst,
        )
        self._connections: set[Connection] = set()
        self._tally = SuggestionCounters()  # of connections that are gone
        self._moved = asyncio.Event()  # something happened on a connection, for the drain to look again
        self._newest_drafts: dict[tuple[Connection, str], int] = {}  # by document

    async def open(self) -> None:
        """Start the engine."""
        await self._engine.open(self.on_engine)

    async def close(self) -> None:
        """Let the engine go."""
        await self._engine.close()

    @property
    def has_room(self) -> bool:
        """Whether one more connection may be opened."""
        return len(self._connections) < self._options.connections

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one client until its socket is closed."""
        name = secrets.token_hex(8)
        connection = Connection(
            socket,
            Session(self._config, self._rules, self._tokens.accept, name, now_ms(), self._numbers),
            Outbox(encode, self._options.outbox_bytes),
            self,
            self.metrics,
            name=name,
            stall_timeout_ms=self._options.stall_timeout_ms,
            close_timeout_ms=self._options.close_timeout_ms,
        )
        self._connections.add(connection)
        _log.info("connection %s opened", name)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._tally.add(connection.tally)
            self.metrics.closed(socket.close_code)
            self._bridge.leave(connection)
            for key in [key for key in self._newest_drafts if key[0] is connection]:
                del self._newest_drafts[key]
            self._moved.set()
            _log.info("connection %s closed with %s", name, socket.close_code)

    def command(self, connection: Connection, command: GenerationCommand) -> None:
        """Carry out a draft command of one connection."""
        if isinstance(command, StartGeneration):
            self._newest_drafts[connection, command.doc] = command.draft
        elif isinstance(command, ForgetDocument):
            self._newest_drafts.pop((connection, command.doc), None)
        for _, event in self._bridge.perform(connection, command):
            # Not at once: the connection is still carrying out what led to this command.
            asyncio.get_running_loop().call_soon(connection.on_generation, event)

    def moved(self) -> None:
        """Something happened on a connection."""
        self._moved.set()

    def on_engine(self, events: Sequence[EngineEvent]) -> None:
        """Take in what the engine reports, and hand each connection its part."""
        for event in events:
            self.metrics.heard(event)
            try:
                for connection, draft_event in self._bridge.on_events([event]):
                    assert isinstance(connection, Connection)
                    connection.on_generation(draft_event)
            except Exception as error:
                self._blame(event, error)
            if isinstance(event, Lost | PartLost | Failed | Progress | Ready):
                self._note(event)
            elif isinstance(event, Ended) and event.reason == "error":
                _log.warning("the engine gave up on a text: %s", event.detail)

    async def drain(self, grace_ms: float) -> None:
        """Take no new work, let live suggestions end for as long as the grace lasts, and close all connections."""
        self.health.draining = True
        for connection in list(self._connections):
            connection.drain(grace_ms)
        await self._until(lambda: not any(connection.live for connection in self._connections), grace_ms)
        for connection in list(self._connections):
            connection.close(CloseCode.GOING_AWAY, "the server is shutting down")
        await self._until(lambda: not self._connections, self._options.close_timeout_ms)
        for connection in list(self._connections):
            connection.abort()

    async def _until(self, met: Callable[[], bool], timeout_ms: float) -> None:
        """Wait until a condition on connections is met, or for as long as the timeout lasts."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_ms / 1000):
                while not met():
                    self._moved.clear()
                    await self._moved.wait()

    def _census(self) -> Census:
        """What there is now, for the metrics."""
        census = Census(len(self._connections))
        census.tally.add(self._tally)
        for connection in self._connections:
            census.documents += connection.documents
            census.live += connection.live
            census.tally.add(connection.tally)
        return census

    def _note(self, event: Lost | PartLost | Failed | Progress | Ready) -> None:
        self.health.note(event)
        if isinstance(event, Lost):
            for connection in list(self._connections):
                connection.on_engine_lost()
        elif isinstance(event, Ready):
            _log.info("the engine is ready: %s on %s in %s", event.model, event.device, event.dtype)
        if self._watch is not None:
            self._watch(event)

    def _blame(self, event: EngineEvent, error: Exception) -> None:
        """A bug came up in the translation of an event: close the connection whose draft it was, and no other."""
        run = getattr(event, "run", None)
        owners = [owner for (owner, _), draft in self._newest_drafts.items() if draft == run]
        for owner in owners:
            owner.fail(error)
        if not owners:
            _log.error("an event of the engine could not be handled\n%s", describe_fault(error))
