"""What the gateway's tests share: a server around a scripted engine, on the event loop that servers run on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from afterword.config.settings import Settings
from afterword.gateway.http.static_files import BUILT_PAGE
from afterword.gateway.server import RunningServer, running_server
from afterword.text.vocabulary import Vocabulary

from .fake_engine import FakeEngine


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def vocabulary(tiny_tokenizer_file: Path) -> Vocabulary:
    return Vocabulary.from_file(tiny_tokenizer_file)


@pytest.fixture
async def engine(vocabulary: Vocabulary) -> FakeEngine:
    return FakeEngine(vocabulary)


@pytest.fixture
def serving(
    vocabulary: Vocabulary, engine: FakeEngine
) -> Callable[..., contextlib.AbstractAsyncContextManager[RunningServer]]:
    """`serving(**changes)`: a server with these settings around the fixture `engine`; `site` is the page it serves."""

    def make(site: Path | None = None, **changes: Any) -> contextlib.AbstractAsyncContextManager[RunningServer]:
        settings = Settings().changed(port=0, page=site is not None, **changes)
        return running_server(settings, engine, vocabulary, model="scripted", page_folder=site or BUILT_PAGE)

    return make


@pytest.fixture
async def server(
    serving: Callable[..., contextlib.AbstractAsyncContextManager[RunningServer]],
) -> AsyncIterator[RunningServer]:
    """A server with the usual options."""
    async with serving() as running:
        yield running
