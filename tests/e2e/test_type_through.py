"""Typing what the ghost text says costs the model nothing, counted in its steps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from afterword.client import Client, connect
from afterword.config.settings import Settings
from afterword.engine.api import EngineEvent, Ready
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

OPENING = "The old lighthouse stood at the end of the pier. Every evening the keeper climbed the stairs and lit the"
QUIET_S = 0.5  # longer than any step


@dataclass
class Counted:
    """A client, and the engine behind it."""

    client: Client
    engine: InProcessEngine

    @property
    def steps(self) -> int:
        assert self.engine.core is not None
        return self.engine.core.counters.steps

    async def rest(self) -> int:
        """Steps run once the engine is idle."""
        while True:
            steps = self.steps
            await asyncio.sleep(QUIET_S)
            if self.steps == steps:
                return steps


@pytest.fixture
async def counted(builtin_model_folder: Path) -> AsyncIterator[Counted]:
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=builtin_model_folder, name="builtin")))
    options = Settings().changed(port=0)
    vocabulary = Vocabulary.from_folder(builtin_model_folder)
    ready = asyncio.Event()

    def watch(event: EngineEvent) -> None:
        if isinstance(event, Ready):
            ready.set()

    async with (
        running_server(options, engine, vocabulary, model="builtin", watch=watch) as server,
        connect(server.url) as client,
    ):
        await ready.wait()
        yield Counted(client, engine)


async def test_typing_the_ghost_text_runs_no_step(counted: Counted) -> None:
    document = await counted.client.open("story", OPENING)
    suggestion = document.suggest(max_tokens=8, stop="none")
    await suggestion.done()
    before = await counted.rest()
    assert before >= 8
    for character in suggestion.text[:10]:
        document.type(character)
    document.edit(delete=4)
    document.accept("word")
    await counted.client.ping()
    assert await counted.rest() == before
    assert suggestion.text.startswith(document.before[len(OPENING) :])


async def test_asking_again_with_each_such_keystroke_runs_no_step(counted: Counted) -> None:
    document = await counted.client.open("story", OPENING)
    suggestion = document.suggest(max_tokens=24, stop="none")
    await suggestion.done()
    before = await counted.rest()
    for character in suggestion.text[:6]:
        document.type(character)
        asked = document.suggest(max_tokens=2, stop="word")
        done = await asked.done()
        assert done.reason == "stop"
        assert suggestion.text.startswith(document.before[len(OPENING) :] + (done.text or ""))
    assert await counted.rest() == before


async def test_typing_along_while_it_is_written_costs_no_more_than_waiting(counted: Counted) -> None:
    start = await counted.rest()
    waited_for = (await counted.client.open("waited for", OPENING)).suggest(max_tokens=12, stop="none")
    await waited_for.done()
    price = await counted.rest() - start
    document = await counted.client.open("typed along", OPENING)
    suggestion = document.suggest(max_tokens=12, stop="none")
    async for piece in suggestion:
        if len(document.before) - len(OPENING) < 12:
            document.type(piece)
    await suggestion.done()
    assert suggestion.text.startswith(waited_for.text)
    extra_tokens = 12  # as the caret moves, as much more is written ahead of it
    assert await counted.rest() - start - price <= price + extra_tokens
