"""The shell of one connection: frames in, frames out, a timer, and the session that decides.

What lives here: carrying out what the session asks, in order, and keeping what goes wrong inside this one connection.
No rule of the protocol is here; those are in `afterword.session`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from afterword.clock import now_ms
from afterword.engine.api import Engine, RunEvent
from afterword.faults import describe_fault
from afterword.gateway.metrics.gateway_metrics import Metrics
from afterword.gateway.outbox import Outbox
from afterword.session.counters import SuggestionCounters
from afterword.session.effects import Disconnect, Effect, Send, SendDone
from afterword.session.session import Session
from afterword.text.token_bridge import TokenBridge
from afterword_protocol.codes import CloseCode

_log = logging.getLogger("afterword.gateway")

# How many frames of one client are handled before others get their turn, should it send them faster than that.
FRAMES_PER_TURN = 16

# Bytes of answers that may wait in the socket; beyond them, they wait in the outbox, where they can still be merged.
OUTGOING_BYTES = 16 * 1024


class Connection:
    """One client. Lives from the end of the handshake until its socket is gone."""

    def __init__(
        self,
        socket: ServerConnection,
        session: Session,
        outbox: Outbox,
        bridge: TokenBridge[Connection],
        engine: Engine,
        metrics: Metrics,
        changed: asyncio.Event,
        *,
        name: str,
        stall_timeout_ms: float,
        close_timeout_ms: float,
    ) -> None:
        """`changed` is set whenever something happened here. `name`: for logs, and what the engine knows it by."""
        self.name = name
        self._socket = socket
        self._session = session
        self._outbox = outbox
        self._bridge = bridge
        self._engine = engine
        self._metrics = metrics
        self._changed = changed
        self._stall_timeout_s = stall_timeout_ms / 1000
        self._close_timeout_s = close_timeout_ms / 1000
        self._news = asyncio.Event()  # the outbox has something, or the connection is to be closed
        self._farewell: Disconnect | None = None  # set once: from then on the session is not asked any more
        self._cut: asyncio.Task[None] | None = None  # closes without waiting for the outbox
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_ms: float | None = None

    # --- what the world does to the connection ---

    async def run(self) -> None:
        """Serve the client until the socket is closed, by whichever side."""
        _tune(self._socket)
        sender = asyncio.create_task(self._send_frames(), name=f"sender of {self.name}")
        self._set_timer()  # for the first message
        count = 0
        try:
            while True:
                # Frames go on being read after a farewell: the client's answer to it is behind them.
                frame = await self._socket.recv()
                self._ask(self._session.receive, frame)
                count += 1
                if count % FRAMES_PER_TURN == 0:
                    await asyncio.sleep(0)
        except ConnectionClosed:
            pass
        finally:
            # The session is not asked any more: what it might want now, nobody would take back.
            self._farewell = self._farewell or Disconnect(CloseCode.GOING_AWAY, "the socket is closed")
            if self._timer is not None:
                self._timer.cancel()
            for command in self._bridge.leave(self):
                self._engine.submit(command)
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender

    def on_run(self, event: RunEvent) -> None:
        """The engine reports on a run of this client."""
        try:
            told, command = self._bridge.to_session(event)
        except Exception as error:
            self._fail(error)
            return
        if command is not None:
            self._engine.submit(command)
        for news in told:
            self._ask(self._session.on_generation, news)

    def on_engine_lost(self) -> None:
        """The engine died."""
        self._ask(self._session.on_engine_lost)

    def on_engine_restarted(self) -> None:
        """The engine that died answers again."""
        self._ask(self._session.on_engine_restarted)

    def drain(self, grace_ms: float) -> None:
        """The server is going away and says so."""
        self._ask(self._session.drain, grace_ms)

    def close(self, code: int, reason: str) -> None:
        """Close the connection once everything before has been sent. The first reason to close counts."""
        if self._farewell is None:
            self._farewell = Disconnect(code, reason)
            self._news.set()

    def abort(self) -> None:
        """Cut the socket without a word."""
        self._socket.transport.abort()

    @property
    def live(self) -> bool:
        """Whether a suggestion of this client is still under way."""
        return self._farewell is None and self._session.live()

    @property
    def documents(self) -> int:
        """How many documents the client has open."""
        return self._session.documents

    @property
    def counters(self) -> SuggestionCounters:
        """What came of suggestions so far."""
        return self._session.counters

    # --- how it is done ---

    def _ask(self, decide: Callable[..., Iterable[Effect]], *given: object) -> None:
        """Let the session decide on what was given, and carry out what it wants: each effect before it thinks on.

        A bug in there ends this connection and no other.
        """
        if self._farewell is not None:
            return
        try:
            for effect in decide(*given, now_ms()):
                if isinstance(effect, Send | SendDone):
                    message = effect.message
                    self._metrics.sending(message)
                    if not self._outbox.put(message, effect.asked_ms):
                        self._cut_off("the answers are not being read")
                    self._news.set()
                elif isinstance(effect, Disconnect):
                    self.close(effect.code, effect.reason)
                else:
                    command = self._bridge.to_engine(self, self.name, effect)
                    if command is not None:
                        self._engine.submit(command)
            if self._session.deadline_ms != self._timer_due_ms:
                self._set_timer()
        except Exception as error:
            self._fail(error)
        self._changed.set()

    def _set_timer(self) -> None:
        due_ms = self._timer_due_ms = self._session.deadline_ms
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due_ms is not None:
            delay_s = max(0.0, due_ms - now_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer_due_ms = None
        self._timer = None
        self._ask(self._session.on_tick)

    def _fail(self, error: Exception) -> None:
        """Close this connection because of a bug that came up in its service; say where in the log."""
        _log.error("connection %s failed and is closed\n%s", self.name, describe_fault(error))
        self.close(CloseCode.INTERNAL, "the server failed")

    async def _send_frames(self) -> None:
        """Send what the outbox holds, as fast as the client reads, then close if that is wanted."""
        try:
            while True:
                frame = self._outbox.take()
                if frame is not None:
                    async with asyncio.timeout(self._stall_timeout_s):
                        await self._socket.send(frame.text)
                    if frame.asked_ms is not None:
                        self._metrics.answered(now_ms() - frame.asked_ms)
                elif self._farewell is not None:
                    await self._part(self._farewell.code, self._farewell.reason)
                    return
                else:
                    self._news.clear()
                    await self._news.wait()
        except ConnectionClosed:
            pass
        except TimeoutError:
            self._cut_off("the answers are not being read")
        except Exception as error:  # such as a message that cannot be encoded
            self._fail(error)
            await self._part(CloseCode.INTERNAL, "the server failed")

    async def _part(self, code: int, reason: str) -> None:
        """Close the socket, and cut it if that takes too long; `websockets` waits without end while it is full."""
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await self._socket.close(code, reason)
        except TimeoutError:
            self.abort()

    def _cut_off(self, reason: str) -> None:
        """Part from a client that does not read: no room is left for the rest of what it asked for."""
        if self._farewell is None:
            _log.warning("connection %s is closed: %s", self.name, reason)
            self.close(CloseCode.TOO_FAST, reason)
        self._outbox.clear()
        if self._cut is None:
            # Not by way of the outbox, which is stuck. If this is not read either, the socket is cut in a while.
            self._cut = asyncio.create_task(self._part(CloseCode.TOO_FAST, reason))


def _tune(connection: ServerConnection) -> None:
    """Make the kernel send each frame at once, and hold few of them for a client that does not read."""
    tcp = connection.transport.get_extra_info("socket")
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lowat = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux and macOS
    if lowat is not None:
        tcp.setsockopt(socket.IPPROTO_TCP, lowat, OUTGOING_BYTES)
