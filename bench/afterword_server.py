"""`afterword serve`, started as anybody would start it: of this checkout, or of another one."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from asyncio import timeout
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from afterword.config.settings import Settings

from .processes import START_WITHIN_S, ProcessTree, running

ADDRESS = re.compile(r"ws://\S+")  # printed once the model answers


@dataclass(frozen=True, slots=True)
class ServeProcess:
    """A server that answers. `start_s`: from its command to that. `processes`: the gateway first."""

    url: str
    start_s: float
    processes: tuple[psutil.Process, ...]
    tree: ProcessTree

    @property
    def http_url(self) -> str:
        """Where its pages are."""
        return f"http://{urlsplit(self.url).netloc}"

    def memory_mib(self) -> list[float]:
        """Resident memory of each process."""
        return [process.memory_info().rss / 2**20 for process in self.processes]

    def cpu_s(self) -> float:
        """Processor time used so far by all processes."""
        return self.tree.cpu_s()


@contextlib.asynccontextmanager
async def afterword_server(model: str, *arguments: str, checkout: Path | None = None) -> AsyncIterator[ServeProcess]:
    """Run `afterword serve` while the context lasts, with these further arguments. Raises NotStarted, TimeoutError.

    `checkout`: the folder whose code is run, the one that is installed if not given.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "afterword", "serve", "--port=0", f"--model={model}", *arguments]
    async with running(command, variables_for(checkout)) as program:
        async with timeout(START_WITHIN_S):
            url = await program.until_says(ADDRESS)
        start_s = time.perf_counter() - began
        yield ServeProcess(url, start_s, tuple(program.tree.members()), program.tree)


def variables_for(checkout: Path | None) -> Mapping[str, str]:
    """Variables with which Python runs the code of a checkout, before what is installed."""
    if checkout is None:
        return {}
    return {"PYTHONPATH": os.pathsep.join(str(checkout / part) for part in ("server", "protocol"))}


def default_cache_mib() -> int:
    """The memory for caches that a server with default settings may take."""
    default: int = Settings.model_fields["cache_mb"].default
    return default
