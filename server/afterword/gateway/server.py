"""The server as a whole: sockets, signals, and the order of starting and stopping.

What lives here: `running_server`, a server inside another program, and `serve`, a server that is the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from afterword.config.settings import Settings
from afterword.engine.api import Engine, EngineEvent, Failed
from afterword.gateway.auth import require_tokens
from afterword.gateway.connection import OUTGOING_BYTES
from afterword.gateway.handshake import HandshakePolicy
from afterword.gateway.http.metrics_auth import MetricsAuth
from afterword.gateway.http.static_files import BUILT_PAGE, StaticFiles
from afterword.gateway.hub import Hub, Watcher
from afterword.gateway.metrics.gateway_metrics import METRICS_PATH
from afterword.gateway.origins import Origins
from afterword.session.text_rules import TextRules
from afterword.text.boundaries.rules import Rules
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.messages import PATH, SUBPROTOCOL

_log = logging.getLogger("afterword.gateway")

# At its DEBUG level, `websockets` logs the frames themselves, and so texts of writers. This level stays off, whatever
# level others ask for.
_websockets_log = logging.getLogger("afterword.gateway.websockets")
_websockets_log.setLevel(logging.WARNING)

# A shell reports a program that a signal ended with this status, plus the number of the signal.
SHELL_SIGNAL_STATUS = 128

# So many frames of a client may wait to be handled; then its socket is not read until they are.
INCOMING_FRAMES = 64


class EngineStartError(Exception):
    """The engine cannot start; the message says why."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that listens. `port`: the one it got. `page`: whether it serves the page to write on."""

    hub: Hub
    host: str
    port: int
    page: bool = False

    @property
    def url(self) -> str:
        """Where clients connect."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}{PATH}"

    @property
    def web(self) -> str:
        """Where browsers find it, without a slash at the end."""
        return self.url.replace("ws://", "http://").removesuffix(PATH)


@contextlib.asynccontextmanager
async def running_server(
    settings: Settings,
    engine: Engine,
    vocabulary: Vocabulary,
    *,
    model: str,
    rules: TextRules | None = None,
    watch: Watcher | None = None,
    listening: Callable[[RunningServer], None] | None = None,
    page_folder: Path = BUILT_PAGE,
) -> AsyncIterator[RunningServer]:
    """A server that listens while the context lasts; at its end connections are closed with 1001 and the engine too.

    It listens before the engine is ready. `listening` is called once it does; `watch` gets what the engine reports of
    its start, health and end. Raises `InsecureBindError` if other machines could reach it without a token, and
    `OSError` if it cannot listen at the address.
    """
    host = settings.server.host
    require_tokens(host, settings.server.tokens)
    hub = Hub(settings, model, engine, vocabulary, rules or Rules(), watch)
    site = StaticFiles.read(page_folder) if settings.server.page else None
    async with _listening(settings, hub, site) as server:
        port = server.sockets[0].getsockname()[1]
        running = RunningServer(hub, host, port, page=site is not None and site.built)
        if listening is not None:
            listening(running)
        await hub.open()
        try:
            yield running
        finally:
            try:
                await hub.drain(0)
            finally:
                await hub.close()


async def serve(
    settings: Settings,
    engine: Engine,
    vocabulary: Vocabulary,
    *,
    model: str,
    watch: Watcher | None = None,
    listening: Callable[[RunningServer], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT asks to stop; then drain and return. A second signal ends the process at once.

    `listening` and `watch` as for `running_server`. Raises what that raises, and `EngineStartError` if the engine
    cannot start at all.
    """
    stopping = _Stopping()

    def watch_all(event: EngineEvent) -> None:
        if watch is not None:
            watch(event)
        if isinstance(event, Failed):
            stopping.fail(event.detail)

    with stopping.on_signals():
        async with running_server(
            settings, engine, vocabulary, model=model, watch=watch_all, listening=listening
        ) as server:
            _log.info("listening on %s", server.url)
            # The vocabulary and the code stay for good; looking for garbage among them would hold up every writer.
            gc.collect()
            gc.freeze()
            await stopping.asked.wait()
            if stopping.refusal is None:
                _log.info("shutting down")
                await server.hub.drain(settings.server.grace_ms)
    if stopping.refusal is not None:
        raise EngineStartError(stopping.refusal)


def _listening(settings: Settings, hub: Hub, site: StaticFiles | None) -> Server:
    server, limits = settings.server, settings.limits
    policy = HandshakePolicy(
        origins=Origins(server.origins, unguarded=not server.tokens),
        metrics_auth=MetricsAuth(server.tokens, server.metrics_token),
        routes=hub.health.routes(),
        private={METRICS_PATH: hub.metrics.page},
        site=site,
        has_room=hub.has_room,
        draining=hub.is_draining,
        refused=hub.metrics.refused,
    )

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        response = policy.answer(request)
        if response is not None and len(response.body) > OUTGOING_BYTES:
            # Over a slow network a file takes longer than a close may take. The time for a handshake bounds it.
            connection.close_timeout = None
        return response

    return serve_websockets(
        hub.serve,
        server.host or None,
        server.port,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        # Frames of a hundred bytes gain nothing from compression, which costs memory and time on each.
        compression=None,
        process_request=answer,
        server_header=None,
        open_timeout=limits.handshake_timeout_ms / 1000,
        ping_interval=server.heartbeat_ms / 1000,
        ping_timeout=server.heartbeat_ms / 1000,
        close_timeout=limits.close_timeout_ms / 1000,
        max_size=limits.max_message_bytes,
        max_queue=INCOMING_FRAMES,
        write_limit=OUTGOING_BYTES,
        logger=_websockets_log,
    )


class _Stopping:
    """Whether the server is to stop, and why."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.refusal: str | None = None

    def fail(self, reason: str) -> None:
        """Stop because the engine cannot start."""
        self.refusal = reason
        self.asked.set()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as requests to stop while the context lasts."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if self.asked.is_set():
            # Asked twice: do not wait for anything. The kernel closes the sockets, and at that the worker ends.
            _log.warning("stopping at once")
            logging.shutdown()
            os._exit(SHELL_SIGNAL_STATUS + number)
        self.asked.set()
