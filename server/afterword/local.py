"""Ghost text inside a Python program, without a server: load a model, and iterate over what it writes.

The text is the same as a server's, because session, rules and engine are the same; only the socket and the second
process are left out. `Completer` is for programs on asyncio, `BlockingCompleter` for others.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import warnings
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from afterword.client import ConnectionLost, Document
from afterword.config.settings import BYTES_PER_MB, Dtype, ModelSettings, OnOff
from afterword.engine.api import EngineEvent, Failed, Progress, Ready
from afterword.engine.options import EngineOptions
from afterword.loopback import Loopback
from afterword.models import ModelError, resolve
from afterword.models.progress import ProgressSink, silent
from afterword.spinning import limit_spinning
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.messages import Stop

if TYPE_CHECKING:
    from afterword.engine.in_process import InProcessEngine

limit_spinning()  # here too, because a program may import torch between this module and its first completion

T = TypeVar("T")

DEFAULTS = ModelSettings()


class Completer:
    """A model in this process, to be used with `async with`. Any number of completions share it."""

    def __init__(
        self,
        model: str = DEFAULTS.model,
        *,
        cache_dir: Path | None = DEFAULTS.cache_dir,
        device: str = DEFAULTS.device,
        dtype: Dtype = DEFAULTS.dtype,
        threads: int | None = DEFAULTS.threads,
        cuda_graphs: OnOff = DEFAULTS.cuda_graphs,
        context_tokens: int | None = DEFAULTS.context_tokens,
        cache_mb: int = DEFAULTS.cache_mb,
        cache_bytes: int | None = None,
        progress: ProgressSink = silent,
    ) -> None:
        """Everything but `progress` is a setting of that name; see the page on configuration.

        `progress` gets what is done before the model is ready. `cache_bytes` is deprecated: it is `cache_mb` in bytes.
        Entering raises ModelError if the model cannot be used.
        """
        if cache_bytes is not None:
            warnings.warn("cache_bytes is deprecated; pass cache_mb", DeprecationWarning, stacklevel=2)
            cache_mb = max(1, cache_bytes // BYTES_PER_MB)
        self.ready: Ready | None = None  # what the engine reported when it was ready
        self._settings = ModelSettings(
            model=model,
            cache_dir=cache_dir,
            device=device,
            dtype=dtype,
            threads=threads,
            cuda_graphs=cuda_graphs,
            context_tokens=context_tokens,
            cache_mb=cache_mb,
        )
        self._progress = progress
        self._names = itertools.count(1)
        self._engine: InProcessEngine | None = None
        self._channel: Loopback | None = None

    async def __aenter__(self) -> Self:
        # Here, so that a program that only imports this module does not wait for torch.
        from afterword.engine.in_process import InProcessEngine
        from afterword.worker.in_process import load_giving_way

        files = await asyncio.to_thread(resolve, self._settings.model, self._settings.cache_dir, self._progress)
        options = EngineOptions.of(self._settings, files.folder, files.name)
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
        """Stop the engine; everything that is still being written ends."""
        if self._channel is not None:
            self._channel.close(ConnectionLost("the completer was closed"))
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
        """Yield a continuation of `text`, piece by piece, as it is written.

        Leaving the loop early stops the model. Raises ValueError for a value out of range, and ConnectionLost if the
        engine died or the completer was closed.
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
        """Open a document, to edit it and ask for suggestions, as over a connection. Close it when done."""
        if self._channel is None:
            raise ConnectionLost("the completer was not entered; use it in `async with`")
        return self._channel.open(name or f"text {next(self._names)}", before, after, language, block, preface)


class BlockingCompleter:
    """`Completer` for programs without an event loop: it runs one on a thread. To be used with `with`."""

    def __init__(self, model: str = "builtin", **options: Any) -> None:
        """Takes the arguments of `Completer`."""
        self._completer = Completer(model, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="afterword completer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._wait_for(self._completer.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._wait_for(self._completer.aclose())
        finally:
            self._stop()

    def complete(self, text: str, **options: Any) -> Iterator[str]:
        """Yield a continuation of `text`, piece by piece. Takes the arguments of `Completer.complete`.

        Closing the iterator, or dropping it, stops the model. Several threads may call this at once.
        """
        pieces: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()

        async def write() -> None:
            try:
                async for piece in self._completer.complete(text, **options):
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


_OLD_NAMES: dict[str, type] = {"Writer": Completer, "BlockingWriter": BlockingCompleter}


def __getattr__(name: str) -> type:
    """The classes under the names that they had before; the next version drops these."""
    if name in _OLD_NAMES:
        new = _OLD_NAMES[name]
        warnings.warn(f"afterword.local.{name} is now called {new.__name__}", DeprecationWarning, stacklevel=2)
        return new
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
