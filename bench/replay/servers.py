"""The servers that writers are sent to: those the benchmark starts, with which arguments, and those named by address.

All run the same weights: Afterword and transformers the converted model, llama.cpp the GGUF file that it was made from.
Every server runs as it comes. llama.cpp and vLLM must be told beforehand how many writers there will be or how long
their texts get, or they would refuse them; that stands in their description.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from ..afterword_server import afterword_server
from ..processes import free_port
from . import token_counter
from .afterword_client import AfterwordClient
from .dialects import LlamaDialect, OpenAIDialect
from .http_client import HttpClient
from .server import UNKNOWN, Capacity, Description, StartedServer, answering, tree_of
from .stop_rule import StopRule
from .token_counter import TokenCounter
from .typist import ServerClient

AFTERWORD = "afterword"
LLAMA = "llama.cpp"
TRANSFORMERS = "transformers serve"
BATCHING = "transformers serve, continuous batching"
VLLM = "vLLM"

MAX_TOKENS = 24  # of an answer, on every server
ANY_NUMBER = 1 << 20
FEW_WRITERS = 8  # beyond which a server that answers hardly any of them need not be tried
HOST = "127.0.0.1"
FETCH_WITHIN_S = 5.0
# Left alone it takes most of a CPU machine's memory for its cache, and with it that of the servers beside it.
CACHE_FLAGS = ("--cb-max-memory-percent", "0.1")
VLLM_MEMORY_SHARE = "0.3"


class AfterwordServer:
    """`afterword serve` with its default settings."""

    name = AFTERWORD
    most_writers = ANY_NUMBER
    keeps_texts = True

    def __init__(self, model: str, session: aiohttp.ClientSession, rule: StopRule) -> None:
        self._model = model
        self._session = session
        self._rule = rule

    @contextlib.asynccontextmanager
    async def serve(self, capacity: Capacity) -> AsyncIterator[StartedServer]:
        """Start it; it is not told the capacity."""
        async with afterword_server(self._model) as process:

            async def client(number: int) -> ServerClient:
                return await AfterwordClient.connect(process.url, MAX_TOKENS, self._rule.stop)

            counter = TokenCounter(self._session, process.http_url, token_counter.AFTERWORD)
            yield StartedServer(
                self.name,
                client,
                process.tree,
                describe_afterword(process.http_url),
                ours=True,
                start_s=process.start_s,
                counter=counter,
            )


class LlamaServer:
    """llama.cpp's server, started with a slot for each writer and a thread for each core."""

    name = LLAMA
    most_writers = ANY_NUMBER
    keeps_texts = True

    def __init__(
        self, program: Path, weights: Path, session: aiohttp.ClientSession, rule: StopRule, version: str | None = None
    ) -> None:
        """`version`: in place of what it says of itself."""
        self._program = program
        self._weights = weights
        self._session = session
        self._rule = rule
        self._version = version

    @contextlib.asynccontextmanager
    async def serve(self, capacity: Capacity) -> AsyncIterator[StartedServer]:
        """Start it."""
        port = free_port()
        cores = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
        command = [str(self._program), "--model", str(self._weights), "--host", HOST, "--port", str(port)]
        command += ["--parallel", str(capacity.writers), "--ctx-size", str(capacity.writers * capacity.context_tokens)]
        command += ["--threads", cores, "--threads-batch", cores, "--metrics"]
        url = f"http://{HOST}:{port}"
        async with answering(command, f"{url}/health") as (tree, start_s):
            yield StartedServer(
                self.name,
                _llama_clients(self._session, url, self._rule),
                tree,
                describe_llama(
                    url, "a slot for each writer, with room for the text, and a thread for each core", self._version
                ),
                ours=True,
                start_s=start_s,
                counter=TokenCounter(self._session, url, token_counter.LLAMA),
            )


class RemoteLlama:
    """A llama.cpp server that runs somewhere; it must have been given a slot for each writer."""

    name = LLAMA
    keeps_texts = True

    def __init__(self, url: str, session: aiohttp.ClientSession, rule: StopRule, version: str | None = None) -> None:
        """`version`: in place of what it says of itself."""
        self._url = url
        self._session = session
        self._rule = rule
        self._version = version
        self.most_writers = int(_fetch(f"{url.rstrip('/')}/props").get("total_slots", 1))

    @contextlib.asynccontextmanager
    async def serve(self, capacity: Capacity) -> AsyncIterator[StartedServer]:
        """Nothing to start."""
        yield StartedServer(
            self.name,
            _llama_clients(self._session, self._url, self._rule),
            tree_of(self._url),
            describe_llama(self._url, "by somebody else", self._version),
            counter=TokenCounter(self._session, self._url, token_counter.LLAMA),
        )


class RemoteOpenAI:
    """Any server that speaks OpenAI's completions and runs somewhere."""

    keeps_texts = True

    def __init__(self, url: str, session: aiohttp.ClientSession, rule: StopRule) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._session = session
        self._rule = rule
        self._model = str(_fetch(f"{self._url}/v1/models")["data"][0]["id"])
        self.name = f"{self._model} at {urlsplit(self._url).netloc}"
        self.most_writers = ANY_NUMBER

    @contextlib.asynccontextmanager
    async def serve(self, capacity: Capacity) -> AsyncIterator[StartedServer]:
        """Nothing to start."""
        clients = _openai_clients(self._session, self._url, self._model, self._rule)
        yield StartedServer(self.name, clients, tree_of(self._url), Description(started="by somebody else"))


class TransformersServer:
    """`transformers serve`, which computes every prompt anew or, with continuous batching, shares whole pages of it."""

    most_writers = FEW_WRITERS
    keeps_texts = False

    def __init__(self, folder: Path, batching: bool, session: aiohttp.ClientSession, rule: StopRule) -> None:
        self.name = BATCHING if batching else TRANSFORMERS
        self._folder = folder
        self._batching = batching
        self._session = session
        self._rule = rule

    @contextlib.asynccontextmanager
    async def serve(self, capacity: Capacity) -> AsyncIterator[StartedServer]:
        """Start it."""
        port = free_port()
        command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(self._folder)]
        command += ["--host", HOST, "--port", str(port), "--log-level", "error"]
        command += ["--continuous-batching", *CACHE_FLAGS] if self._batching else []
        url = f"http://{HOST}:{port}"
        async with answering(command, f"{url}/health") as (tree, start_s):
            yield StartedServer(
                self.name,
                _openai_clients(self._session, url, str(self._folder), self._rule),
                tree,
                Description(
                    stored_precision(self._folder),
                    f"transformers {_version('transformers')}, torch {_version('torch')}",
                    "its cache held to a tenth of the memory" if self._batching else "default settings",
                ),
                ours=True,
                start_s=start_s,
                keeps_texts=self.keeps_texts,
            )


class VllmServer:
    """vLLM's server, with its cache of prefixes, in the precision it chooses."""

    name = VLLM
    most_writers = ANY_NUMBER
    keeps_texts = True

    def __init__(self, folder: Path, session: aiohttp.ClientSession, rule: StopRule) -> None:
        self._folder = folder
        self._session = session
        self._rule = rule

    @contextlib.asynccontextmanager
    async def serve(self, capacity: Capacity) -> AsyncIterator[StartedServer]:
        """Start it."""
        port = free_port()
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(self._folder)]
        command += ["--host", HOST, "--port", str(port), "--enable-prefix-caching"]
        command += ["--max-model-len", str(capacity.context_tokens), "--gpu-memory-utilization", VLLM_MEMORY_SHARE]
        url = f"http://{HOST}:{port}"
        async with answering(command, f"{url}/health") as (tree, start_s):
            yield StartedServer(
                self.name,
                _openai_clients(self._session, url, str(self._folder), self._rule),
                tree,
                Description(version=f"vLLM {_version('vllm')}", started="told how long texts get"),
                ours=True,
                start_s=start_s,
            )


def describe_afterword(url: str) -> Description:
    """What an Afterword server says about itself."""
    try:
        state = _fetch(f"{url}/healthz")
    except (urllib.error.URLError, ValueError):
        state = {}
    version_of = f"afterword {_version('afterword')}, torch {_version('torch')}"
    return Description(str(state.get("dtype", UNKNOWN)), version_of, "default settings")


def describe_llama(url: str, started: str, version: str | None = None) -> Description:
    """What a llama.cpp server says about itself at `/props`, but for the version if that is given."""
    try:
        props = _fetch(f"{url.rstrip('/')}/props")
    except (urllib.error.URLError, ValueError):
        props = {}
    build = version or props.get("build_info") or UNKNOWN
    return Description(str(props.get("model_ftype") or UNKNOWN), f"llama.cpp {build}", started)


def stored_precision(folder: Path) -> str:
    """The precision of a model's weights as they are stored, which is the one transformers loads them in."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return str(config.get("dtype") or config.get("torch_dtype") or UNKNOWN)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def _llama_clients(
    session: aiohttp.ClientSession, url: str, rule: StopRule
) -> Callable[[int], Awaitable[ServerClient]]:
    async def client(number: int) -> ServerClient:
        return HttpClient(session, url, LlamaDialect(number, MAX_TOKENS), rule)

    return client


def _openai_clients(
    session: aiohttp.ClientSession, url: str, model: str, rule: StopRule
) -> Callable[[int], Awaitable[ServerClient]]:
    async def client(number: int) -> ServerClient:
        return HttpClient(session, url, OpenAIDialect(model, MAX_TOKENS), rule)

    return client


def _fetch(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=FETCH_WITHIN_S) as answer:
        page: dict[str, Any] = json.load(answer)
        return page
