"""How a server goes away: in order when it is asked to, at once when it is asked twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from afterword.config.settings import Settings
from afterword.gateway.auth import InsecureBindError
from afterword.gateway.server import RunningServer, running_server
from afterword.text.vocabulary import Vocabulary

from .fake_engine import FakeEngine
from .peer import HANG_S, Peer, connected, greeted
from .test_handshake import get

Serving = Callable[..., AbstractAsyncContextManager[RunningServer]]
SCRIPT = Path(__file__).with_name("scripted_server.py")


@dataclass
class Program:
    """A server in its own process."""

    process: asyncio.subprocess.Process
    url: str

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(HANG_S):
            return (await self.process.stdout.readline()).decode().strip()

    async def status(self) -> int:
        async with asyncio.timeout(HANG_S):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def program(tokenizer: Path, behaviour: str) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(tokenizer), behaviour, stdout=asyncio.subprocess.PIPE
    )
    try:
        started = Program(process, "")
        started.url = await started.line()
        yield started
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def suggesting(peer: Peer) -> None:
    """Get a suggestion under way."""
    await peer.open("The quick brown fox")
    await peer.suggest()
    assert (await peer.receive())["type"] == "token"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_asked_to_stop_it_lets_suggestions_end_and_closes(
    tiny_tokenizer_file: Path, number: signal.Signals
) -> None:
    async with program(tiny_tokenizer_file, "behaves") as server:
        async with greeted(server.url) as peer, greeted(server.url) as idle:
            await suggesting(peer)
            server.send(number)
            notice = await peer.receive()
            assert notice == {"type": "notice", "kind": "draining", "grace_ms": 60_000}
            _, done = await peer.until_done()
            assert done["reason"] == "end"
            assert done["text"] == " jumps over the lazy dog"
            assert (await peer.close_code())[0] == 1001
            assert (await idle.receive())["kind"] == "draining"
            assert (await idle.close_code())[0] == 1001
        assert await server.line() == "engine closed"
        assert await server.status() == 0


async def test_a_suggestion_that_does_not_end_within_the_grace_does_not_keep_it(tiny_tokenizer_file: Path) -> None:
    async with program(tiny_tokenizer_file, "never ends") as server:
        async with greeted(server.url) as peer:
            await suggesting(peer)
            server.send(signal.SIGTERM)
            assert (await peer.close_code())[0] == 1001
        assert await server.status() == 0


async def test_asked_twice_it_ends_at_once(tiny_tokenizer_file: Path) -> None:
    async with program(tiny_tokenizer_file, "behaves") as server, greeted(server.url) as peer:
        await suggesting(peer)
        server.send(signal.SIGINT)
        assert (await peer.receive_type("notice"))["kind"] == "draining"
        server.send(signal.SIGINT)
        assert await server.status() == 128 + signal.SIGINT


async def test_a_refused_model_ends_it_with_the_reason(tiny_tokenizer_file: Path) -> None:
    async with program(tiny_tokenizer_file, "refuses") as server:
        assert await server.line() == "no such model"
        assert await server.status() == 1


async def test_while_it_drains_nobody_new_is_let_in_and_readyz_says_so(serving: Serving, engine: FakeEngine) -> None:
    engine.automatic = False
    async with serving() as server, greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        request = await engine.requested()
        draining = asyncio.create_task(server.hub.drain(60_000))
        assert (await peer.receive())["kind"] == "draining"
        with pytest.raises(InvalidStatus) as refusal:
            async with connected(server.url):
                pass
        assert refusal.value.response.status_code == 503
        assert (await get(server, "/healthz"))[0] == 200
        status, body = await get(server, "/readyz")
        assert status == 503
        assert json.loads(body)["status"] == "draining"
        await peer.open("Another text", doc="b")
        await peer.suggest("b")
        done = await peer.receive_type("done")
        assert (done["doc"], done["reason"]) == ("b", "busy")
        engine.write(request)
        assert (await peer.until_done())[1]["reason"] == "end"
        assert (await peer.close_code())[0] == 1001
        await draining


async def test_the_end_of_a_server_inside_a_program_closes_its_connections_and_its_engine(
    serving: Serving, engine: FakeEngine
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with serving() as server:
            peer = await stack.enter_async_context(greeted(server.url))
        assert (await peer.close_code())[0] == 1001
        assert engine.closed
        with pytest.raises(ConnectionRefusedError):
            async with connected(server.url):
                pass


async def test_it_does_not_stand_open_to_other_machines_without_a_token(
    vocabulary: Vocabulary, engine: FakeEngine
) -> None:
    with pytest.raises(InsecureBindError):
        async with running_server(Settings().changed(host="0.0.0.0", port=0), engine, vocabulary, model="scripted"):
            pass
    options = Settings().changed(host="0.0.0.0", port=0, tokens=("secret",))
    async with (
        running_server(options, engine, vocabulary, model="scripted") as server,
        greeted(f"ws://127.0.0.1:{server.port}/v1", token="secret") as peer,
    ):
        assert await peer.answers()


async def test_an_address_in_use_is_an_error_and_no_engine_is_started(
    server: RunningServer, vocabulary: Vocabulary
) -> None:
    unused = FakeEngine(vocabulary)
    with pytest.raises(OSError, match="in use"):
        async with running_server(Settings().changed(port=server.port), unused, vocabulary, model="scripted"):
            pass
    assert unused._sink is None
