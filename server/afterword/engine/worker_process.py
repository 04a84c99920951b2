"""One life of a worker process: the process, the socket to it, and what it wrote before it died.

What lives here: starting one process and speaking to it. When to start another is decided in `client.py`, and what the
lines on the socket say is known to `ipc.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from afterword.engine.api import Command, EngineEvent
from afterword.engine.ipc import EVENTS, Lines, decode, encode

_output_log = logging.getLogger("afterword.engine.output")

# A worker that is asked to go has nothing to save; one that takes longer than this is stuck.
EXIT_TIMEOUT_S = 2.0

# As much as a large prompt takes; beyond it the worker is not reading, and commands had better wait as commands.
WRITE_BUFFER_BYTES = 256 * 1024

# Of what the worker writes to its standard output and error, kept to say why it died.
TAIL_BYTES = 8 * 1024

# Secrets that a worker has no use for.
HIDDEN_VARIABLES = ("AFTERWORD_TOKEN", "AFTERWORD_TOKENS", "AFTERWORD_METRICS_TOKEN")


class WorkerProcess(asyncio.Protocol):
    """A worker process that runs. Make one with `WorkerProcess.launch`."""

    def __init__(self, on_events: Callable[[list[EngineEvent]], None], on_room: Callable[[], None]) -> None:
        self.has_room = False  # whether commands may be sent; if not, the worker does not read them at the moment
        self._on_events = on_events
        self._on_room = on_room
        self._lines = Lines()
        self._socket: socket.socket | None = None  # our end
        self._transport: asyncio.WriteTransport | None = None  # over that socket, while it is open
        self._process: asyncio.subprocess.Process | None = None
        self._hung_up = asyncio.get_running_loop().create_future()  # done when the socket is closed, by either end
        self._output: asyncio.Task[None] | None = None  # reads what the process writes to its output
        self._tail = b""  # the end of that output
        self._nonsense = False  # whether it sent what is no event

    @classmethod
    async def launch(
        cls,
        command: Sequence[str],
        on_events: Callable[[list[EngineEvent]], None],
        on_room: Callable[[], None],
    ) -> WorkerProcess:
        """Start `command` with `--fd=N` added, where N is its end of the socket.

        `on_events` gets what the worker reports; `on_room` is called when commands may be sent again after `has_room`
        was false. Raises `OSError` if the process cannot be started.
        """
        worker = cls(on_events, on_room)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                worker._process = await asyncio.create_subprocess_exec(
                    *command,
                    f"--fd={theirs.fileno()}",
                    pass_fds=[theirs.fileno()],
                    stdin=DEVNULL,
                    stdout=PIPE,
                    stderr=STDOUT,
                    env={name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES},
                    # Its own group: Ctrl-C in a terminal is for the gateway, which then lets the worker go in order.
                    # Not its own session: Linux shares out processors by sessions first (autogroup), and the
                    # priority of the worker's threads counts only within one.
                    preexec_fn=os.setpgrp,
                )
        except BaseException:
            ours.close()
            raise
        worker._output = asyncio.create_task(worker._collect_output())
        ours.setblocking(False)
        worker._socket = ours
        await asyncio.get_running_loop().create_unix_connection(lambda: worker, sock=ours)
        return worker

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process is not None
        return self._process.pid

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands, at once as far as the socket takes them.

        They are lost if the process has died, which `wait` tells.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        data = encode(commands)
        if transport.get_write_buffer_size() == 0:
            # The transport of uvloop writes when the loop is done with what it is doing, and that may be to compute
            # the answer to a writer who has just made a step needless.
            assert self._socket is not None
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                pass
            except OSError:  # it died; the transport is about to notice
                return
        if data:
            transport.write(data)

    async def wait(self) -> str:
        """Wait until the process is gone; says in one line how it ended."""
        assert self._process is not None
        await asyncio.shield(self._hung_up)
        try:
            async with asyncio.timeout(EXIT_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        if self._output is not None:
            # Its own children may hold the pipe open; what they write does not matter.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EXIT_TIMEOUT_S):
                    await self._output
        return "it sent nonsense" if self._nonsense else _outcome(self._process.returncode)

    @property
    def last_words(self) -> str:
        """The last lines the process wrote to its standard output and error."""
        return self._tail.decode(errors="replace").strip()

    def hang_up(self) -> None:
        """Close the socket, at which the worker ends by itself."""
        if self._transport is not None:
            self._transport.close()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _collect_output(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        lines = Lines()
        while data := await self._process.stdout.read(TAIL_BYTES):
            self._tail = (self._tail + data)[-TAIL_BYTES:]
            for line in lines.feed(data):
                _output_log.debug("%s", line.decode(errors="replace"))

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Commands may be sent from now on."""
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)
        self.has_room = True

    def data_received(self, data: bytes) -> None:
        """Hand on the events that have arrived."""
        events: list[EngineEvent] = []
        try:
            for line in self._lines.feed(data):
                events.append(decode(line, EVENTS))
        except (ValueError, TypeError):
            self._nonsense = True
            self.kill()
            return
        if events:
            self._on_events(events)

    def pause_writing(self) -> None:
        """The worker does not read."""
        self.has_room = False

    def resume_writing(self) -> None:
        """The worker reads again."""
        self.has_room = True
        self._on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The worker died, or we hung up."""
        self.has_room = False
        self._transport = None
        if not self._hung_up.done():
            self._hung_up.set_result(None)


def _outcome(status: int | None) -> str:
    if status is not None and status < 0:
        try:
            return f"it was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"it was killed by signal {-status}"
    return f"it exited with status {status}"
