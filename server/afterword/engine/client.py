"""An engine in a worker process, which is started again when it dies.

What lives here: the `Engine` interface over such a process, and when to start it again. One life of the process is in
`worker_process.py`, what waits for it in `request_queue.py`, and what runs inside it in the package `worker`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from afterword.engine.api import Command, EngineEvent, EventSink, Failed, Lost, Progress, Ready, Request, ends_of
from afterword.engine.options import EngineOptions
from afterword.engine.request_queue import RequestQueue
from afterword.engine.worker_process import EXIT_TIMEOUT_S, WorkerProcess

_log = logging.getLogger("afterword.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartWaits:
    """How long to wait before a worker that died is started again: longer each time, until one has run well."""

    first_ms: float = 250
    factor: float = 2
    greatest_ms: float = 30_000
    well_after_ms: float = 60_000

    def next_ms(self, last_ms: float | None, ready_for_ms: float) -> float:
        """The wait now, given the one before (`None` for none) and how long the worker had been ready."""
        if last_ms is None or ready_for_ms >= self.well_after_ms:
            return self.first_ms
        return min(last_ms * self.factor, self.greatest_ms)


class EngineClient:
    """An `Engine` whose model lives in another process. One event loop owns it; no call blocks."""

    def __init__(
        self, options: EngineOptions, *, command: Sequence[str] | None = None, waits: RestartWaits | None = None
    ) -> None:
        """`command` replaces `python -m afterword.worker` and the options; a number for `--fd` is added to it."""
        self._command = command or (sys.executable, "-m", "afterword.worker", f"--options={options.to_json()}")
        self._waits = waits or RestartWaits()
        self._queue = RequestQueue()  # empty while the worker can take commands
        self._sink: EventSink | None = None  # None before `open` and after `close`
        self._worker: WorkerProcess | None = None  # the one that lives
        self._supervisor: asyncio.Task[None] | None = None  # starts one worker after the other
        self._ready_at: float | None = None  # when this worker became ready; None while it is not
        self._was_ready = False  # whether any worker was: then the model is not to be refused
        self._refusal: str | None = None  # why the worker cannot start, as it reports
        self._failed = False  # whether that is final

    @property
    def pid(self) -> int | None:
        """Number of the process, while there is one."""
        return self._worker.pid if self._worker is not None else None

    async def open(self, sink: EventSink) -> None:
        """Start the process and keep it running until `close`. Events arrive at `sink` on this event loop."""
        self._sink = sink
        self._supervisor = asyncio.create_task(self._supervise(), name="engine supervisor")

    def submit(self, command: Command) -> None:
        """Send a command, or keep it until the worker can take it."""
        worker = self._worker
        if worker is not None and self._ready_at is not None and worker.has_room:
            self._queue.sent(command)
            worker.send((command,))
        elif not self._failed:
            self._queue.put(command)
        elif isinstance(command, Request):
            asyncio.get_running_loop().call_soon(self._refuse, command)

    async def close(self) -> None:
        """Let the process go and wait until it has; ends it if it does not go."""
        supervisor, self._supervisor, self._sink = self._supervisor, None, None
        if supervisor is None:
            return
        worker = self._worker
        if worker is not None:
            worker.hang_up()
            await asyncio.wait([supervisor], timeout=2 * EXIT_TIMEOUT_S)
            worker.kill()
        supervisor.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await supervisor

    def _send_waiting(self) -> None:
        """Send what waits, if the worker can take it."""
        if self._worker is not None and self._ready_at is not None and self._worker.has_room:
            commands = self._queue.take()
            if commands:
                self._worker.send(commands)

    def _on_events(self, events: Sequence[EngineEvent]) -> None:
        """Hand on what the worker reports, except a refusal, which is judged when the process has ended."""
        reported: list[EngineEvent] = []
        for event in events:
            if isinstance(event, Failed):
                self._refusal = event.detail
                continue
            if isinstance(event, Ready):
                self._ready_at = time.monotonic()
                self._was_ready = True
                self._send_waiting()
            reported.append(event)
        if self._sink is not None:
            self._sink(reported)

    def _emit(self, events: Sequence[EngineEvent]) -> None:
        if self._sink is not None:
            self._sink(events)

    def _refuse(self, request: Request) -> None:
        self._emit(ends_of(request, "error", self._refusal or ""))

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
            last_words = self._worker.last_words if self._worker is not None else ""
            _log.error("the engine died: %s; starting it again in %.2g s\n%s", detail, wait_ms / 1000, last_words)
            self._worker = None
            self._ready_at = None
            self._refusal = None
            self._queue.clear()
            self._emit([Lost(detail), Progress("starting the engine again")])
            await asyncio.sleep(wait_ms / 1000)

    async def _live(self) -> str:
        """One life of the process; says how it ended."""
        try:
            worker = await WorkerProcess.launch(self._command, self._on_events, self._send_waiting)
        except OSError as error:
            return f"it could not be started: {error.strerror or error}"
        self._worker = worker
        try:
            outcome = await worker.wait()
        finally:
            worker.kill()
        return self._refusal or outcome

    def _fail(self, detail: str) -> None:
        """Give up: the model is refused, and would be again."""
        _log.error("the engine cannot start: %s", detail)
        self._failed = True
        self._worker = None
        waiting = self._queue.take()
        self._emit([Failed(detail)])
        for command in waiting:
            if isinstance(command, Request):
                self._refuse(command)
