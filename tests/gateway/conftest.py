"""What the gateway's tests share: a server around a scripted engine, on the event loop that servers run on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from afterword.gateway.options import GatewayOptions
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
    """`serving(**options)`: a server with these options around the fixture `engine`."""

    def make(**options: Any) -> contextlib.AbstractAsyncContextManager[RunningServer]:
        return running_server(GatewayOptions(model="scripted", port=0, **options), engine, vocabulary)

    return make


@pytest.fixture
async def server(
    serving: Callable[..., contextlib.AbstractAsyncContextManager[RunningServer]],
) -> AsyncIterator[RunningServer]:
    """A server with the usual options."""
    async with serving() as running:
        yield running
