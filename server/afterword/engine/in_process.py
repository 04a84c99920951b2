"""An engine in this process: the core on a thread of its own, its events on the event loop.

For tests, for local use and for measuring; a server keeps its engine in another process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from afterword.engine.api import EngineEvent, EventSink, Failed, Lost, Request, SequenceEvent
from afterword.engine.options import EngineOptions
from afterword.worker.core import EngineCore
from afterword.worker.loading import Loaded, Report, load_core
from afterword.worker.thread_priority import give_way

Loader = Callable[[Report], Loaded]


class InProcessEngine:
    """Implements `api.Engine`. All methods are to be called on the loop on which it was opened."""

    def __init__(self, options: EngineOptions | Loader) -> None:
        """`options` of the model to load, or a function that gives a loaded core (called on the engine's thread)."""
        self._load: Loader = (lambda report: load_core(options, report)) if isinstance(
            options, EngineOptions
        ) else options  # fmt: skip
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sink: EventSink | None = None
        self._core: EngineCore | None = None
        self._closed = False
        self._waiting: dict[int, Request] = {}  # newest request of each document, until the core is there
        self._runs: dict[int, int] = {}  # document of each live run
        self._newest: dict[int, int] = {}  # live run of each document

    @property
    def core(self) -> EngineCore | None:
        """The core, once it is ready; for counters."""
        return self._core

    async def open(self, sink: EventSink) -> None:
        """Start loading; `Ready` or `Failed` follows at the sink."""
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="afterword-engine", daemon=True)
        self._thread.start()

    def start(self, request: Request) -> None:
        """Take a request; it replaces the document's earlier one."""
        self._retire(request.document)
        self._newest[request.document] = request.run
        self._runs[request.run] = request.document
        if self._core is None:
            self._waiting[request.document] = request
        else:
            self._core.start(request)

    def update(self, run: int, limit_tokens: int) -> None:
        """Raise the limit of a run."""
        if self._core is not None:
            self._core.update(run, limit_tokens)
        elif (document := self._runs.get(run)) is not None:
            request = self._waiting[document]
            self._waiting[document] = replace(request, limit_tokens=max(request.limit_tokens, limit_tokens))

    def stop(self, run: int, useful: bool = False) -> None:
        """Drop a run at once; no event of it follows."""
        document = self._runs.get(run)
        if document is not None:
            self._retire(document)
            self._waiting.pop(document, None)
        if self._core is not None:
            self._core.stop(run, useful)

    def forget(self, document: int) -> None:
        """Free what is held for a document."""
        self._retire(document)
        self._waiting.pop(document, None)
        if self._core is not None:
            self._core.forget(document)

    async def close(self) -> None:
        """Stop the thread and wait for it."""
        self._closed = True
        if self._core is not None:
            self._core.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _retire(self, document: int) -> None:
        run = self._newest.pop(document, None)
        if run is not None:
            self._runs.pop(run, None)

    def _run(self) -> None:
        """The engine's thread."""
        give_way()
        try:
            loaded = self._load(lambda progress: self._post([progress]))
        except Exception as error:
            self._post([Failed(str(error) or type(error).__name__)])
            return
        self._call(self._ready, loaded)
        try:
            loaded.core.run_forever(self._post)
        except Exception as error:
            self._post([Lost(type(error).__name__)])

    def _ready(self, loaded: Loaded) -> None:
        self._core = loaded.core
        if self._closed:
            loaded.core.close()
            return
        self._deliver([loaded.ready])
        for request in self._waiting.values():
            loaded.core.start(request)
        self._waiting.clear()

    def _post(self, events: Sequence[EngineEvent]) -> None:
        self._call(self._deliver, events)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            if self._core is not None:
                self._core.close()

    def _deliver(self, events: Sequence[EngineEvent]) -> None:
        live = [event for event in events if not isinstance(event, SequenceEvent) or event.run in self._runs]
        if live and self._sink is not None and not self._closed:
            self._sink(live)
