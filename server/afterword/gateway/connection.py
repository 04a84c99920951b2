"""The shell of one connection: frames in, frames out, a timer, and the session that decides.

What lives here: carrying out what the session asks, in order, and keeping what goes wrong inside this one connection.
No rule of the protocol is here; those are in `afterword.session.session`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from afterword.clock import now_ms
from afterword.faults import describe_fault
from afterword.gateway.metrics.gateway_metrics import Metrics
from afterword.gateway.outbox import Outbox
from afterword.session.counters import SuggestionCounters
from afterword.session.effects import Disconnect, Effect, GenerationCommand, GenerationEvent, Send
from afterword.session.session import Session
from afterword_protocol.codes import CloseCode

_log = logging.getLogger("afterword.gateway")

# How many frames of one client are handled before others get their turn, should it send them faster than that.
FRAMES_PER_TURN = 16


class ConnectionOwner(Protocol):
    """What a connection needs of the server it belongs to."""

    def command(self, connection: Connection, command: GenerationCommand) -> None:
        """Take a command of one connection's session."""
        ...

    def moved(self) -> None:
        """Something happened on a connection."""
        ...


class Connection:
    """One client. Lives from the end of the handshake until its socket is gone."""

    def __init__(
        self,
        socket: ServerConnection,
        session: Session,
        outbox: Outbox,
        desk: ConnectionOwner,
        metrics: Metrics,
        *,
        name: str,
        stall_timeout_ms: float,
        close_timeout_ms: float,
    ) -> None:
        self.name = name
        self._socket = socket
        self._session = session
        self._outbox = outbox
        self._desk = desk
        self._metrics = metrics
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
        sender = asyncio.create_task(self._send_frames(), name=f"sender of {self.name}")
        self._ask(tuple)  # nothing yet, but the deadline for the first message
        try:
            await self._receive_frames()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._forget_documents()
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender

    def on_generation(self, event: GenerationEvent) -> None:
        """A draft of this connection has news."""
        self._ask(lambda: self._session.on_generation(event, now_ms()))

    def on_engine_lost(self) -> None:
        """The engine died."""
        self._ask(lambda: self._session.on_engine_lost(now_ms()))

    def drain(self, grace_ms: float) -> None:
        """The server is going away and says so."""
        self._ask(lambda: self._session.drain(grace_ms, now_ms()))

    def fail(self, error: Exception) -> None:
        """Close this connection because of a bug that came up in its service; say where in the log."""
        _log.error("connection %s failed and is closed\n%s", self.name, describe_fault(error))
        self.close(CloseCode.INTERNAL, "the server failed")

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
    def tally(self) -> SuggestionCounters:
        """What came of suggestions so far."""
        return self._session.tally

    # --- how it is done ---

    async def _receive_frames(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            count = 0
            while True:
                frame = await self._socket.recv()
                # Frames go on being read after a farewell: its answer is behind them.
                if self._farewell is None:
                    self._receive(frame)
                count += 1
                if count % FRAMES_PER_TURN == 0:
                    await asyncio.sleep(0)

    def _receive(self, frame: str | bytes) -> None:
        self._ask(lambda: self._session.receive(frame, now_ms()))

    def _ask(self, question: Callable[[], Sequence[Effect]]) -> None:
        """Let the session decide, and carry out what it wants. A bug in there ends this connection and no other."""
        if self._farewell is not None:
            return
        try:
            for effect in question():
                self._carry_out(effect)
            self._arm_timer()
        except Exception as error:
            self.fail(error)
        self._desk.moved()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(message=message, asked_ms=asked_ms):
                self._metrics.sending(message)
                self._outbox.put(message, asked_ms)
                self._news.set()
                if self._outbox.overfull:
                    self._cut_off("the answers are not being read")
            case Disconnect(code=code, reason=reason):
                self.close(code, reason)
            case _:
                self._desk.command(self, effect)

    def _arm_timer(self) -> None:
        due_ms = self._session.deadline_ms()
        if due_ms == self._timer_due_ms:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due_ms = due_ms
        self._timer = None
        if due_ms is not None:
            delay_s = max(0.0, due_ms - now_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer_due_ms = None
        self._timer = None
        self._ask(lambda: self._session.on_tick(now_ms()))

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
            self.fail(error)
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

    def _forget_documents(self) -> None:
        """Let the session go. Should that fail, the hub still frees what the bridge holds for this client."""
        try:
            for command in self._session.closed():
                self._desk.command(self, command)
        except Exception as error:
            _log.error("connection %s failed while it closed\n%s", self.name, describe_fault(error))
