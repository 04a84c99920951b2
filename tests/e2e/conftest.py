"""Whole servers, started as anybody starts them, and a writer on a bare socket who knows nothing but the protocol."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import psutil
import pytest
from websockets.asyncio.client import connect

START_WITHIN_S = 240
STOP_WITHIN_S = 30


class Server:
    """`afterword serve` as a process; ready when constructed."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "afterword", "serve", "--port=0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.log: list[str] = []
        self._ready = threading.Event()
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
        ]
        for reader in self._readers:
            reader.start()
        if not self._ready.wait(START_WITHIN_S) or self.url is None:
            self.stop()
            raise RuntimeError("the server did not start:\n" + "".join(self.log))

    @property
    def url(self) -> str | None:
        """Where it listens, once it says so."""
        found = re.search(r"editors\s+(ws://\S+)", "".join(self.log))
        return found.group(1) if found else None

    @property
    def engine(self) -> psutil.Process:
        """The engine's process."""
        (engine,) = psutil.Process(self._process.pid).children()
        return engine

    @property
    def gateway(self) -> psutil.Process:
        """The gateway's process."""
        return psutil.Process(self._process.pid)

    def stop(self) -> int:
        """End it as a service manager would; returns its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        for reader in self._readers:
            reader.join(STOP_WITHIN_S)
        return status

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.log.append(line)
            if self.url:
                self._ready.set()
        self._ready.set()


class PlainWriter:
    """JSON over a WebSocket, and everything that came back."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.received: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._socket = await connect(self._url, subprotocols=["afterword.v1"])  # type: ignore[list-item]
        await self.send(type="hello")
        self._reader = asyncio.create_task(self._read())
        await self.first("welcome")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._reader

    async def send(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def first(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first message of a kind, with these fields; waits for it."""
        while True:
            for message in self.received:
                if message["type"] == kind and fields.items() <= message.items():
                    return message
            if self._reader.done():
                raise ConnectionError(f"the connection ended before {kind} {fields}")
            self._news.clear()
            await self._news.wait()

    def all(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """All messages of a kind, with these fields, so far."""
        return [message for message in self.received if message["type"] == kind and fields.items() <= message.items()]

    async def _read(self) -> None:
        async for frame in self._socket:
            self.received.append(json.loads(frame))
            self._news.set()
        self._news.set()


StartServer = Callable[..., Server]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start a server: `start_server("--model=...")`; it is stopped after the test."""
    servers: list[Server] = []

    def start(*arguments: str, **options: Any) -> Server:
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(builtin_model_folder: Path) -> Iterator[Server]:
    """A server with the built-in model, shared by the tests of a file."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def plain_writer() -> type[PlainWriter]:
    """`async with plain_writer(url) as writer`."""
    return PlainWriter
