"""What the connections of one server share: the engine, the token bridge, and the counter of documents.

What lives here: the registry of connections, the way of an engine's event to the one it concerns, and the orderly end.
Sockets are opened in `server.py`, and one connection is served in `connection.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import secrets
from collections.abc import Callable, Sequence

from websockets.asyncio.server import ServerConnection

from afterword.clock import now_ms
from afterword.config.settings import Settings
from afterword.engine.api import Ended, Engine, EngineEvent, Lost, Measured, Ready, RunEvent
from afterword.gateway.auth import Tokens
from afterword.gateway.connection import Connection
from afterword.gateway.http.health import Health
from afterword.gateway.metrics.gateway_metrics import Census, Metrics
from afterword.gateway.outbox import Outbox
from afterword.gateway.session_config import session_config
from afterword.session.counters import SuggestionCounters
from afterword.session.session import Session
from afterword.session.text_rules import TextRules
from afterword.text.token_bridge import TokenBridge
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.codec import encode
from afterword_protocol.codes import CloseCode

_log = logging.getLogger("afterword.gateway")

Watcher = Callable[[EngineEvent], None]


class Hub:
    """All connections of a server and what stands behind them. One event loop owns it."""

    def __init__(
        self,
        settings: Settings,
        model: str,
        engine: Engine,
        vocabulary: Vocabulary,
        rules: TextRules,
        watch: Watcher | None = None,
    ) -> None:
        """`model`: the name that clients see. `watch` gets what the engine reports of its start, health and end."""
        self.health = Health(model)
        self._config = session_config(settings, model)
        self.metrics = Metrics(self._config.server.version or "", model, self._census)
        self._limits = settings.limits
        self._engine = engine
        self._rules = rules
        self._watch = watch
        self._document_numbers = itertools.count(1)
        self._bridge: TokenBridge[Connection] = TokenBridge(vocabulary)
        self._tokens = Tokens(settings.server.tokens)
        self._connections: set[Connection] = set()
        self._counters = SuggestionCounters()  # of connections that are gone
        self._engine_lost = False  # and does not serve again yet
        self._changed = asyncio.Event()  # something happened on a connection, for `drain` to look again

    async def open(self) -> None:
        """Start the engine."""
        await self._engine.open(self.on_engine)

    async def close(self) -> None:
        """Let the engine go."""
        await self._engine.close()

    def has_room(self) -> bool:
        """Whether one more connection may be opened."""
        return len(self._connections) < self._limits.max_connections

    def is_draining(self) -> bool:
        """Whether the server is shutting down, so that no connection may be opened."""
        return self.health.draining

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one client until its socket is closed."""
        name = secrets.token_hex(8)
        connection = Connection(
            socket,
            Session(self._config, self._rules, self._tokens, name, now_ms(), self._document_numbers),
            Outbox(encode, self._limits.outbox_bytes),
            self._bridge,
            self._engine,
            self.metrics,
            self._changed,
            name=name,
            stall_timeout_ms=self._limits.stall_timeout_ms,
            close_timeout_ms=self._limits.close_timeout_ms,
        )
        self._connections.add(connection)
        if self._engine_lost:
            connection.on_engine_lost()
        _log.info("connection %s opened", name)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._counters.add(connection.counters)
            self.metrics.closed(socket.close_code)
            self._changed.set()
            _log.info("connection %s closed with %s", name, socket.close_code)

    def on_engine(self, events: Sequence[EngineEvent]) -> None:
        """Take in what the engine reports, and hand each connection its part."""
        for event in events:
            self.metrics.heard(event)
            if isinstance(event, RunEvent):
                connection = self._bridge.waiting_for(event)
                if connection is not None:
                    connection.on_run(event)
                if isinstance(event, Ended) and event.reason == "error":
                    _log.warning("the engine gave up on a text: %s", event.detail)
            elif not isinstance(event, Measured):  # which is for the metrics alone
                self._note(event)

    async def drain(self, grace_ms: float) -> None:
        """Take no new work, let live suggestions end for as long as the grace lasts, and close all connections."""
        self.health.draining = True
        for connection in list(self._connections):
            connection.drain(grace_ms)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_ms / 1000):
                while any(connection.live for connection in self._connections):
                    await self._change()
        for connection in list(self._connections):
            connection.close(CloseCode.GOING_AWAY, "the server is shutting down")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_timeout_ms / 1000):
                while self._connections:
                    await self._change()
        for connection in list(self._connections):
            connection.abort()

    async def _change(self) -> None:
        """Wait until something happens on a connection."""
        self._changed.clear()
        await self._changed.wait()

    def _census(self) -> Census:
        """What there is now, for the metrics."""
        census = Census(len(self._connections))
        census.counters.add(self._counters)
        for connection in self._connections:
            census.documents += connection.documents
            census.live += connection.live
            census.counters.add(connection.counters)
        return census

    def _note(self, event: EngineEvent) -> None:
        """Take in what is news for the whole server."""
        self.health.note(event)
        if isinstance(event, Lost):
            self._bridge.lose_runs()
            self._engine_lost = True
            for connection in list(self._connections):
                connection.on_engine_lost()
        elif isinstance(event, Ready):
            self._bridge.set_context(event.context_tokens)
            if self._engine_lost:
                self._engine_lost = False
                for connection in list(self._connections):
                    connection.on_engine_restarted()
            _log.info("the engine is ready: %s on %s in %s", event.model, event.device, event.dtype)
        if self._watch is not None:
            self._watch(event)
