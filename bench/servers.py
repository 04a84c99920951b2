"""Afterword servers to measure: one in this process, beside the bare model, and one as anybody would start it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import psutil

from afterword.config.settings import Settings
from afterword.engine.api import EngineEvent, Failed, Ready
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.models import ModelFiles
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way

from .processes import START_WITHIN_S, Family, running

ADDRESS = re.compile(r"ws://\S+")


@dataclass(frozen=True, slots=True)
class Served:
    """A server: where it is, how long it took to start, and its processes (gateway first), if it has its own."""

    url: str
    start_s: float
    processes: tuple[psutil.Process, ...] = ()
    family: Family | None = None

    def memory_mib(self) -> list[float]:
        """Resident memory of each process."""
        return [process.memory_info().rss / 2**20 for process in self.processes]

    def cpu_s(self) -> float:
        """Processor time used so far by all processes."""
        return self.family.cpu_s() if self.family is not None else 0.0


@contextlib.asynccontextmanager
async def in_process(files: ModelFiles) -> AsyncIterator[Served]:
    """Gateway and engine in this process, in the precision of the bare model; the socket is real."""
    began = time.perf_counter()
    ready = asyncio.Event()
    failure: list[str] = []

    def watch(event: EngineEvent) -> None:
        if isinstance(event, Failed):
            failure.append(event.detail)
        if isinstance(event, Ready | Failed):
            ready.set()

    engine = InProcessEngine(
        partial(load_giving_way, EngineOptions(folder=files.folder, name=files.name, dtype="float32"))
    )
    vocabulary = Vocabulary.from_folder(files.folder)
    async with running_server(Settings().changed(port=0), engine, vocabulary, model=files.name, watch=watch) as server:
        await asyncio.wait_for(ready.wait(), START_WITHIN_S)
        if failure:
            raise RuntimeError(failure[0])
        yield Served(server.url, time.perf_counter() - began)


@contextlib.asynccontextmanager
async def two_processes(model: str, *arguments: str) -> AsyncIterator[Served]:
    """`afterword serve`, from the command line."""
    began = time.perf_counter()
    async with running(
        [sys.executable, "-m", "afterword", "serve", "--port=0", f"--model={model}", *arguments]
    ) as program:
        async with asyncio.timeout(START_WITHIN_S):
            url = await program.until_says(ADDRESS)
        start_s = time.perf_counter() - began
        yield Served(url, start_s, tuple(program.family.members()), program.family)
