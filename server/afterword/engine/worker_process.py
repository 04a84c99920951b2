"""One life of an engine process: the process, the socket to it, and what it said before it died.

What lives here: starting one process and speaking to it. Starting it again is decided in `process.py`, and what the
lines on the socket say is known to `wire.py`.
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

from afterword.engine.api import EngineEvent
from afterword.engine.ipc import Command, Lines, decode_event, encode_command

_output_log = logging.getLogger("afterword.engine.output")

# An engine that is asked to go has nothing to save; one that takes longer than this is stuck.
EXIT_TIMEOUT_S = 2.0

# As much as a large prompt takes; beyond it the process is not reading, and commands had better wait as commands.
WRITE_BUFFER_BYTES = 256 * 1024

TAIL_BYTES = 8 * 1024

# Secrets that an engine has no use for.
HIDDEN_VARIABLES = ("AFTERWORD_TOKEN", "AFTERWORD_TOKENS", "AFTERWORD_METRICS_TOKEN")


class WorkerProcess(asyncio.Protocol):
    """An engine process that runs. Make one with `WorkerProcess.launch`."""

    def __init__(self, on_events: Callable[[list[EngineEvent]], None], on_room: Callable[[], None]) -> None:
        self._on_events = on_events
        self._on_room = on_room
        self._lines = Lines()
        self._has_room = True
        self._transport: asyncio.WriteTransport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._hung_up = asyncio.get_running_loop().create_future()
        self._output: asyncio.Task[None] | None = None
        self._tail = b""
        self._nonsense = False

    @classmethod
    async def launch(
        cls,
        command: Sequence[str],
        on_events: Callable[[list[EngineEvent]], None],
        on_room: Callable[[], None],
    ) -> WorkerProcess:
        """Start `command` with `--fd=N` added, where N is its end of the socket.

        `on_events` gets what the engine says; `on_room` is called when commands may be sent again after `has_room` was
        false. Raises `OSError` if the process cannot be started.
        """
        child = cls(on_events, on_room)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child._process = await asyncio.create_subprocess_exec(
                    *command,
                    f"--fd={theirs.fileno()}",
                    pass_fds=[theirs.fileno()],
                    stdin=DEVNULL,
                    stdout=PIPE,
                    stderr=STDOUT,
                    env={name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES},
                    # Its own group: Ctrl-C in a terminal is for the gateway, which then lets the engine go in order.
                    # Not its own session: Linux shares out processors by sessions first (autogroup), and how the
                    # engine's threads give way (precedence.py) counts only within one.
                    preexec_fn=os.setpgrp,
                )
        except BaseException:
            ours.close()
            raise
        child._output = asyncio.create_task(child._collect_output())
        ours.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: child, sock=ours)
        return child

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def has_room(self) -> bool:
        """Whether commands may be sent; if not, the engine does not read them at the moment."""
        return self._has_room and self._transport is not None

    def send(self, commands: Iterable[Command]) -> None:
        """Send commands. They are lost if the process has died, which `wait` will tell."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(map(encode_command, commands)))

    async def wait(self) -> str:
        """Wait until the process is gone; says in one line how it went."""
        assert self._process is not None
        await asyncio.shield(self._hung_up)
        try:
            async with asyncio.timeout(EXIT_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        if self._output is not None:
            # Grandchildren may hold the pipe open; what they say does not matter.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EXIT_TIMEOUT_S):
                    await self._output
        return "it sent nonsense" if self._nonsense else _outcome(self._process.returncode)

    @property
    def last_words(self) -> str:
        """The last lines the process wrote to its standard output and error."""
        return self._tail.decode(errors="replace").strip()

    def hang_up(self) -> None:
        """Close the socket, at which the engine goes by itself."""
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
        """Keep the way to write."""
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.set_write_buffer_limits(WRITE_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Hand on the events that have arrived."""
        try:
            events = [decode_event(line) for line in self._lines.feed(data)]
        except (ValueError, TypeError):
            self._nonsense = True
            self.kill()
            return
        if events:
            self._on_events(events)

    def pause_writing(self) -> None:
        """The engine does not read."""
        self._has_room = False

    def resume_writing(self) -> None:
        """The engine reads again."""
        self._has_room = True
        self._on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The engine died, or we hung up."""
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
