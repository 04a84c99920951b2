"""An engine in this process: the core on a thread of its own, its events on the event loop.

What lives here: the hand-over between that thread and the loop. What loads the model is given by whoever makes the
engine, so that nothing here imports torch. For tests, for local use and for measuring; a server keeps its engine in
another process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from afterword.engine.api import (
    Command,
    EngineEvent,
    EventSink,
    Failed,
    Forget,
    Lost,
    Progress,
    Ready,
    Request,
    RunEvent,
    StopRun,
    ends_of,
)
from afterword.engine.counters import Counters
from afterword.engine.request_queue import RequestQueue


class Core(Protocol):
    """What steps: `submit` and `close` may be called from any thread."""

    counters: Counters

    def submit(self, command: Command) -> None:
        """Take a command."""
        ...

    def run_forever(self, emit: EventSink) -> None:
        """Step until `close`; `emit` gets events, in order, on this thread."""
        ...

    def close(self) -> None:
        """Let `run_forever` return."""
        ...


class LoadedCore(Protocol):
    """A core that answers requests, and what to tell about it."""

    @property
    def core(self) -> Core:
        """The core."""
        ...

    @property
    def ready(self) -> Ready:
        """What it says of itself."""
        ...


Loader = Callable[[Callable[[Progress], None]], LoadedCore]
"""Called on the engine's thread, with a function to tell progress to; it may raise."""


class InProcessEngine:
    """Implements `api.Engine`. All methods are to be called on the loop on which it was opened."""

    def __init__(self, load: Loader) -> None:
        self._load = load
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sink: EventSink | None = None  # None before `open` and after `close`
        self._core: Core | None = None  # once it is loaded
        self._refusal: str | None = None  # why it never will be
        self._queue = RequestQueue()  # what waits for it
        self._runs: dict[int, int] = {}  # newest run of each document, unless it was stopped

    @property
    def core(self) -> Core | None:
        """The core, once it is loaded; for counters."""
        return self._core

    async def open(self, sink: EventSink) -> None:
        """Start loading; `Ready` or `Failed` follows at the sink."""
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="afterword-engine", daemon=True)
        self._thread.start()

    def submit(self, command: Command) -> None:
        """Give a command to the core, or keep it until there is one."""
        if isinstance(command, Request):
            self._runs[command.document] = command.run
        elif isinstance(command, Forget) or (
            isinstance(command, StopRun) and self._runs.get(command.document) == command.run
        ):
            self._runs.pop(command.document, None)
        if self._core is not None:
            self._core.submit(command)
        elif self._refusal is None:
            self._queue.put(command)
        elif isinstance(command, Request):
            asyncio.get_running_loop().call_soon(self._refuse, command)

    async def close(self) -> None:
        """Stop the thread and wait for it."""
        self._sink = None
        if self._core is not None:
            self._core.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        """The engine's thread."""
        try:
            loaded = self._load(self._report)
        except Exception as error:
            self._call(self._fail, str(error) or type(error).__name__)
            return
        self._call(self._start, loaded)
        try:
            loaded.core.run_forever(self._post)
        except Exception as error:
            self._post([Lost(type(error).__name__)])

    def _report(self, progress: Progress) -> None:
        self._post([progress])

    def _post(self, events: Sequence[EngineEvent]) -> None:
        self._call(self._deliver, events)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            if self._core is not None:
                self._core.close()

    # --- on the loop ---

    def _start(self, loaded: LoadedCore) -> None:
        self._core = loaded.core
        if self._sink is None:  # closed meanwhile
            loaded.core.close()
            return
        for command in self._queue.take():
            loaded.core.submit(command)
        self._sink([loaded.ready])

    def _fail(self, detail: str) -> None:
        self._refusal = detail
        waiting = self._queue.take()
        self._deliver([Failed(detail)])
        for command in waiting:
            if isinstance(command, Request):
                self._refuse(command)

    def _refuse(self, request: Request) -> None:
        self._deliver(ends_of(request, "error", self._refusal or ""))

    def _deliver(self, events: Sequence[EngineEvent]) -> None:
        """Hand on what happened, but nothing of a run that was stopped or replaced since."""
        live = []
        for event in events:
            if not isinstance(event, RunEvent) or self._runs.get(event.document) == event.run:
                live.append(event)
        if live and self._sink is not None:
            self._sink(live)
