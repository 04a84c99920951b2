"""Ghost text inside a Python program, without a server: load a model, and iterate over what it writes.

What it gives is what a server would give, because it is the same state, rules and engine; only the socket and the
second process are left out. `Completer` is for programs on asyncio, `BlockingCompleter` for others.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from afterword.client import ConnectionLost, Document
from afterword.engine.api import EngineEvent, Failed, Progress, Ready
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import DEFAULT_CACHE_BYTES, EngineOptions
from afterword.loopback import Loopback
from afterword.models import ModelError, resolve
from afterword.models.progress import ProgressSink, silent
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way
from afterword_protocol.messages import Stop

T = TypeVar("T")


class Completer:
    """A model in this process, to be entered with `async with`. Any number of completions share it."""

    def __init__(
        self,
        model: str = "builtin",
        *,
        cache_dir: Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        context_tokens: int | None = None,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        threads: int | None = None,
        progress: ProgressSink = silent,
    ) -> None:
        """`model`: `builtin`, an id of the Hugging Face hub, a folder, or a GGUF file. The rest: see `EngineOptions`.

        `progress` is told what is done before the model is ready. Entering raises ModelError if it cannot be used.
        """
        self.ready: Ready | None = None  # what the engine says of itself
        self._spec = model
        self._cache_dir = cache_dir
        self._device = device
        self._dtype = dtype
        self._context_tokens = context_tokens
        self._cache_bytes = cache_bytes
        self._threads = threads
        self._progress = progress
        self._names = itertools.count(1)
        self._engine: InProcessEngine | None = None
        self._channel: Loopback | None = None

    async def __aenter__(self) -> Self:
        files = await asyncio.to_thread(resolve, self._spec, self._cache_dir, self._progress)
        options = EngineOptions(
            folder=files.folder,
            name=files.name,
            device=self._device,
            dtype=self._dtype,
            context_tokens=self._context_tokens,
            cache_bytes=self._cache_bytes,
            threads=self._threads,
        )
        vocabulary = await asyncio.to_thread(Vocabulary.from_folder, files.folder)
        engine = self._engine = InProcessEngine(partial(load_giving_way, options))
        channel = self._channel = Loopback(engine, vocabulary, files.name)
        started: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()

        def on_engine(events: Sequence[EngineEvent]) -> None:
            for event in events:
                if isinstance(event, Progress):
                    self._progress(event.stage, event.fraction)
                elif isinstance(event, Ready) and not started.done():
                    started.set_result(event)
                elif isinstance(event, Failed) and not started.done():
                    started.set_exception(ModelError(f"the model {files.name} cannot be used: {event.detail}"))
            channel.on_engine(events)

        await engine.open(on_engine)
        try:
            self.ready = await started
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let the model go; what is still being written ends."""
        if self._channel is not None:
            self._channel.close(ConnectionLost("the writer was closed"))
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()

    async def complete(
        self,
        text: str,
        *,
        after: str = "",
        preface: str | None = None,
        language: str | None = None,
        max_tokens: int = 256,
        stop: Stop | str = Stop.NONE,
        max_time_ms: float | None = None,
        temperature: float = 0,
        seed: int | None = None,
        quiet: float = 0,
    ) -> AsyncIterator[str]:
        """Yield, as it is written, what could follow `text`.

        Leaving the loop early stops the model. Raises ValueError for a value out of range, ConnectionLost if the
        engine died or the writer was closed meanwhile.
        """
        document = self.open(text, after=after, preface=preface, language=language)
        try:
            suggestion = document.suggest(
                max_tokens=max_tokens,
                stop=stop,
                max_time_ms=max_time_ms,
                temperature=temperature,
                seed=seed,
                quiet=quiet,
            )
            async for piece in suggestion:
                yield piece
        finally:
            document.close()

    def open(
        self,
        before: str = "",
        *,
        after: str = "",
        name: str | None = None,
        language: str | None = None,
        block: str | None = None,
        preface: str | None = None,
    ) -> Document:
        """A document to edit and ask for suggestions in, as over a connection; close it when done."""
        if self._channel is None:
            raise ConnectionLost("the writer was not entered")
        return self._channel.open(name or f"text {next(self._names)}", before, after, language, block, preface)


class BlockingCompleter:
    """`Completer` for programs without an event loop, which then runs on a thread; to be entered with `with`."""

    def __init__(self, model: str = "builtin", **options: Any) -> None:
        """Takes what `Completer` takes."""
        self._writer = Completer(model, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="afterword writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._wait_for(self._writer.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._wait_for(self._writer.aclose())
        finally:
            self._stop()

    def complete(self, text: str, **options: Any) -> Iterator[str]:
        """Yield, as it is written, what could follow `text`; takes what `Completer.complete` takes.

        Closing the iterator, or dropping it, stops the model. Several threads may do this at once.
        """
        pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()

        async def write() -> None:
            try:
                async for piece in self._writer.complete(text, **options):
                    pieces.put(piece)
                pieces.put(None)
            except BaseException as error:
                pieces.put(error)
                raise

        writing = asyncio.run_coroutine_threadsafe(write(), self._loop)
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            writing.cancel()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
