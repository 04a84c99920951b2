"""Several engines behind one server, each in a process of its own, as for several GPUs; here they share the CPU."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from afterword.config.settings import Settings
from afterword.engine.api import EngineEvent, Ready
from afterword.engine.client import EngineClient
from afterword.engine.options import EngineOptions
from afterword.engine.router import EngineRouter, engine_of
from afterword.gateway.server import RunningServer, running_server
from afterword.text.vocabulary import Vocabulary

from .peer import greeted
from .test_metrics import figures, until

START_WITHIN_S = 120  # two processes that import torch at once

pytestmark = pytest.mark.slow


@pytest.fixture
def pool(tiny_model_folder: Callable[..., Path]) -> EngineRouter:
    folder = tiny_model_folder("llama", readable=True)
    options = EngineOptions(folder=folder, name="tiny", device="cpu,cpu", context_tokens=256, cache_mb=16, threads=1)
    made = engine_of(options)
    assert isinstance(made, EngineRouter)
    return made


@pytest.fixture
async def server(pool: EngineRouter, tiny_model_folder: Callable[..., Path]) -> AsyncIterator[RunningServer]:
    """A server once both engines answer."""
    vocabulary = Vocabulary.from_folder(tiny_model_folder("llama", readable=True))
    ready: set[int] = set()
    both = asyncio.Event()

    def watch(event: EngineEvent) -> None:
        if isinstance(event, Ready):
            ready.add(event.engine)
            if len(ready) == 2:
                both.set()

    async with running_server(Settings().changed(port=0), pool, vocabulary, model="tiny", watch=watch) as running:
        await asyncio.wait_for(both.wait(), START_WITHIN_S)
        yield running


async def test_documents_are_spread_and_outlive_the_engine_that_had_them(
    server: RunningServer, pool: EngineRouter
) -> None:
    async with greeted(server.url) as peer:
        for number in range(4):
            await peer.open(f"Text number {number}", doc=str(number))
            await peer.suggest(doc=str(number), max_tokens=4)
            text, done = await peer.until_done()
            assert text
            assert done["reason"] == "length"
        for engine in (0, 1):
            found = await until(server, f"afterword_engine_used{{engine={engine}}}", 2)
            assert found[f"afterword_engine_up{{engine={engine}}}"] == 1
            assert found[f"afterword_engine_step_seconds_count{{engine={engine}}}"] > 0

        dying = pool._engines[0]
        assert isinstance(dying, EngineClient)
        assert dying.pid is not None
        os.kill(dying.pid, signal.SIGKILL)
        found = await until(server, "afterword_engine_restarts_total{engine=0}", 1)
        assert found["afterword_engine_up{engine=0}"] == 0
        assert found["afterword_engine_up{engine=1}"] == 1
        for number in range(4):
            await peer.edit(" and on", doc=str(number))
            await peer.suggest(doc=str(number), max_tokens=4)
            text, done = await peer.until_done()
            assert text, "the other engine reads the text anew"
            assert done["reason"] == "length"
        found = await until(server, "afterword_engine_used{engine=1}", 4)
        assert found["afterword_connections"] == 1

        # It is back in a while, and takes the next document.
        async with asyncio.timeout(START_WITHIN_S):
            await until_up(server)
        await peer.open("A fifth", doc="5")
        await peer.suggest(doc="5", max_tokens=4)
        assert (await peer.until_done())[0]
        await until(server, "afterword_engine_used{engine=0}", 1)


async def until_up(server: RunningServer) -> None:
    while (await figures(server))["afterword_engine_up{engine=0}"] != 1:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
