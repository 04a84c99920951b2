"""An engine in a process of its own, started again when it dies.

What lives here: the `Engine` interface over such a process, and when to start it again. One life of the process is in
`child.py`, what waits for it in `waiting.py`, what runs inside it in `__main__.py`. Nothing here imports torch.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from afterword.engine.api import Ended, EngineEvent, EventSink, Failed, Lost, Progress, Ready, Request
from afterword.engine.ipc import Command, Forget, Stop, Update
from afterword.engine.options import EngineOptions
from afterword.engine.request_queue import RequestQueue
from afterword.engine.worker_process import EXIT_TIMEOUT_S, WorkerProcess

_log = logging.getLogger("afterword.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartWaits:
    """How long to wait before an engine that died is started again: longer each time, until it has been well."""

    first_ms: float = 250
    factor: float = 2
    greatest_ms: float = 30_000
    well_after_ms: float = 60_000

    def next_ms(self, last_ms: float | None, ready_for_ms: float) -> float:
        """The wait now, given the one before (`None` for none) and how long the engine had been ready."""
        if last_ms is None or ready_for_ms >= self.well_after_ms:
            return self.first_ms
        return min(last_ms * self.factor, self.greatest_ms)


class EngineClient:
    """An `Engine` whose model lives in another process. One event loop owns it; no call blocks."""

    def __init__(
        self, options: EngineOptions, *, command: Sequence[str] | None = None, waits: RestartWaits | None = None
    ) -> None:
        """`command` replaces `python -m afterword.worker` and the options; a number for `--fd` is added to it."""
        self._command = command or (sys.executable, "-m", "afterword.worker", *options.arguments())
        self._waits = waits or RestartWaits()
        self._waiting = RequestQueue()
        self._sink: EventSink | None = None
        self._child: WorkerProcess | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready_at: float | None = None  # when this life became ready; None while it is not
        self._was_ready = False  # whether any life was: then the model is not to be refused
        self._refusal: str | None = None  # why the engine says that it cannot start
        self._failed = False  # whether that is final

    @property
    def pid(self) -> int | None:
        """Number of the process, while there is one."""
        return self._child.pid if self._child is not None else None

    async def open(self, sink: EventSink) -> None:
        """Start the process and keep it running until `close`. Events arrive at `sink` on this event loop."""
        self._sink = sink
        self._supervisor = asyncio.create_task(self._supervise(), name="engine supervisor")

    def start(self, request: Request) -> None:
        """Send a request, or keep it until the engine is ready."""
        if self._failed:
            asyncio.get_running_loop().call_soon(self._refuse, request)
        else:
            self._tell(request)

    def update(self, run: int, limit_tokens: int) -> None:
        """Raise the limit of a run."""
        self._tell(Update(run, limit_tokens))

    def stop(self, run: int, useful: bool = False) -> None:
        """Drop a run."""
        self._tell(Stop(run, useful))

    def forget(self, document: int) -> None:
        """Free what is held for a document."""
        self._tell(Forget(document))

    async def close(self) -> None:
        """Let the process go and wait until it has; ends it if it does not go."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        child = self._child
        if child is not None:
            child.hang_up()
            await asyncio.wait([supervisor], timeout=2 * EXIT_TIMEOUT_S)
            child.kill()
        supervisor.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await supervisor

    def _tell(self, command: Command) -> None:
        self._waiting.put(command)
        self._send()

    def _send(self) -> None:
        """Send what waits, if the engine can take it."""
        if self._child is not None and self._ready_at is not None and self._child.has_room:
            commands = self._waiting.take()
            if commands:
                self._child.send(commands)

    def _emit(self, events: Sequence[EngineEvent]) -> None:
        if self._sink is not None and self._supervisor is not None:
            self._sink(events)

    def _refuse(self, request: Request) -> None:
        detail = self._refusal or ""
        self._emit([Ended(request.run, alternative, "error", detail) for alternative in range(request.alternatives)])

    def _hear(self, events: Sequence[EngineEvent]) -> None:
        """Hand on what the engine says, but for its refusal, which is judged when the process has ended."""
        for event in events:
            if isinstance(event, Ready):
                self._ready_at = time.monotonic()
                self._was_ready = True
            elif isinstance(event, Failed):
                self._refusal = event.detail
        self._emit([event for event in events if not isinstance(event, Failed)])
        self._send()

    async def _supervise(self) -> None:
        """Run one process after the other until the engine is closed or its model refused."""
        wait_ms: float | None = None
        while True:
            detail = await self._live()
            if self._supervisor is None:  # closed
                return
            if self._refusal is not None and not self._was_ready:
                self._fail(self._refusal)
                return
            ready_for_ms = 0.0 if self._ready_at is None else (time.monotonic() - self._ready_at) * 1000
            wait_ms = self._waits.next_ms(wait_ms, ready_for_ms)
            last_words = self._child.last_words if self._child is not None else ""
            _log.error("the engine died: %s; starting it again in %.2g s\n%s", detail, wait_ms / 1000, last_words)
            self._child = None
            self._ready_at = None
            self._refusal = None
            self._waiting.clear()
            self._emit([Lost(detail), Progress("starting the engine again")])
            await asyncio.sleep(wait_ms / 1000)

    async def _live(self) -> str:
        """One life of the process; says how it ended."""
        try:
            child = await WorkerProcess.launch(self._command, self._hear, self._send)
        except OSError as error:
            return f"it could not be started: {error.strerror or error}"
        self._child = child
        try:
            outcome = await child.wait()
        finally:
            child.kill()
        return self._refusal or outcome

    def _fail(self, detail: str) -> None:
        """Give up: the model is refused, and would be again."""
        _log.error("the engine cannot start: %s", detail)
        self._failed = True
        self._child = None
        requests = [command for command in self._waiting.take() if isinstance(command, Request)]
        self._emit([Failed(detail)])
        for request in requests:
            self._refuse(request)
