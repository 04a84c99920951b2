"""The servers that writers are sent to: those the benchmark starts, with which arguments, and those named by address.

All run the same weights: Afterword and transformers the converted model, llama.cpp the GGUF file that it was made from.
Afterword and llama.cpp are each told how many writers there will be and how long their texts get, and keep a place for
each; the others know no such setting.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from afterword.models import ModelFiles
from afterword.models.files import read_json

from ..processes import free_port
from ..servers import two_processes
from . import meter as meters
from .completions import CompletionSeat
from .events import LlamaDialect, OpenAIDialect
from .ghosts import GhostSeat
from .hosts import Host, Room, answering, cache_mib, family_of
from .meter import Meter
from .writer import Seat

OURS = "afterword"
LLAMA = "llama.cpp"
TRANSFORMERS = "transformers serve"
BATCHING = "transformers serve, continuous batching"
VLLM = "vLLM"

MAX_TOKENS = 24  # of an answer, on every server
ANY_NUMBER = 1 << 20
FEW_WRITERS = 8  # beyond which a server that answers hardly any of them need not be tried
HOST = "127.0.0.1"
# Left alone it takes most of a CPU machine's memory for its cache, and with it that of the servers beside it.
CACHE_FLAGS = ("--cb-max-memory-percent", "0.1")


class AfterwordPeer:
    """`afterword serve` as it comes, but for the places."""

    name = OURS
    most_writers = ANY_NUMBER

    def __init__(self, model: str, files: ModelFiles, session: aiohttp.ClientSession) -> None:
        self._model = model
        self._session = session
        self._config = read_json(files.folder / "config.json")

    @contextlib.asynccontextmanager
    async def serve(self, room: Room) -> AsyncIterator[Host]:
        """Start it."""
        sizes = (f"--context-tokens={room.context_tokens}", f"--cache-mb={cache_mib(self._config, room)}")
        async with two_processes(self._model, *sizes) as served:

            async def seat(number: int) -> Seat:
                return await GhostSeat.take(served.url, MAX_TOKENS)

            meter = Meter(self._session, page_of(served.url), meters.OURS)
            yield Host(self.name, seat, served.family, ours=True, start_s=served.start_s, meter=meter)


class LlamaPeer:
    """llama.cpp's server, started with a slot for each writer and a thread for each core."""

    name = LLAMA
    most_writers = ANY_NUMBER

    def __init__(self, program: Path, weights: Path, session: aiohttp.ClientSession) -> None:
        self._program = program
        self._weights = weights
        self._session = session

    @contextlib.asynccontextmanager
    async def serve(self, room: Room) -> AsyncIterator[Host]:
        """Start it."""
        port = free_port()
        cores = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        command = [str(self._program), "--model", str(self._weights), "--host", HOST, "--port", str(port)]
        command += ["--parallel", str(room.writers), "--ctx-size", str(room.writers * room.context_tokens)]
        command += ["--threads", cores, "--threads-batch", cores, "--metrics"]
        url = f"http://{HOST}:{port}"
        async with answering(command, f"{url}/health") as (family, start_s):
            meter = Meter(self._session, url, meters.LLAMA)
            yield Host(self.name, _llama_seats(self._session, url), family, ours=True, start_s=start_s, meter=meter)


class LlamaAt:
    """A llama.cpp server that runs somewhere; it must have been given a slot for each writer."""

    name = LLAMA

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self.most_writers = int(_fetch(f"{url.rstrip('/')}/props").get("total_slots", 1))

    @contextlib.asynccontextmanager
    async def serve(self, room: Room) -> AsyncIterator[Host]:
        """Nothing to start."""
        meter = Meter(self._session, self._url, meters.LLAMA)
        yield Host(self.name, _llama_seats(self._session, self._url), family_of(self._url), meter=meter)


class OpenAIAt:
    """Any server that speaks OpenAI's completions and runs somewhere."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._session = session
        self._model = str(_fetch(f"{self._url}/v1/models")["data"][0]["id"])
        self.name = f"{self._model} at {urlsplit(self._url).netloc}"
        self.most_writers = ANY_NUMBER

    @contextlib.asynccontextmanager
    async def serve(self, room: Room) -> AsyncIterator[Host]:
        """Nothing to start."""
        yield Host(self.name, _openai_seats(self._session, self._url, self._model), family_of(self._url))


class TransformersPeer:
    """`transformers serve`, which computes every prompt anew or, with continuous batching, shares whole pages of it."""

    most_writers = FEW_WRITERS

    def __init__(self, folder: Path, batching: bool, session: aiohttp.ClientSession) -> None:
        self.name = BATCHING if batching else TRANSFORMERS
        self._folder = folder
        self._flags = ["--continuous-batching", *CACHE_FLAGS] if batching else []
        self._session = session

    @contextlib.asynccontextmanager
    async def serve(self, room: Room) -> AsyncIterator[Host]:
        """Start it."""
        port = free_port()
        command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(self._folder)]
        command += ["--host", HOST, "--port", str(port), "--log-level", "error", *self._flags]
        url = f"http://{HOST}:{port}"
        async with answering(command, f"{url}/health") as (family, start_s):
            seats = _openai_seats(self._session, url, str(self._folder))
            yield Host(self.name, seats, family, ours=True, start_s=start_s, keeps_places=False)


class VllmPeer:
    """vLLM's server, with its cache of prefixes, in the precision it chooses."""

    name = VLLM
    most_writers = ANY_NUMBER

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self._folder = folder
        self._session = session

    @contextlib.asynccontextmanager
    async def serve(self, room: Room) -> AsyncIterator[Host]:
        """Start it."""
        port = free_port()
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(self._folder)]
        command += ["--host", HOST, "--port", str(port), "--enable-prefix-caching"]
        command += ["--max-model-len", str(room.context_tokens), "--gpu-memory-utilization", "0.3"]
        url = f"http://{HOST}:{port}"
        async with answering(command, f"{url}/health") as (family, start_s):
            seats = _openai_seats(self._session, url, str(self._folder))
            yield Host(self.name, seats, family, ours=True, start_s=start_s)


def page_of(socket_url: str) -> str:
    """Where the pages of a server are whose WebSocket is there."""
    address = urlsplit(socket_url)
    return f"http://{address.netloc}"


def _llama_seats(session: aiohttp.ClientSession, url: str) -> Callable[[int], Awaitable[Seat]]:
    async def seat(number: int) -> Seat:
        return CompletionSeat(session, url, LlamaDialect(number, MAX_TOKENS))

    return seat


def _openai_seats(session: aiohttp.ClientSession, url: str, model: str) -> Callable[[int], Awaitable[Seat]]:
    async def seat(number: int) -> Seat:
        return CompletionSeat(session, url, OpenAIDialect(model, MAX_TOKENS))

    return seat


def _fetch(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        page: dict[str, Any] = json.load(answer)
        return page
