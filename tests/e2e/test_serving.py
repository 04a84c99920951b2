"""`afterword serve` as a program: how it starts, which models it takes, how it lives on, and how it ends."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from afterword.client import Refused, connect
from afterword_protocol.messages import Notice

pytestmark = pytest.mark.timeout(400)

START_BOUND_S = 120  # a hang bound; the benchmark measures what it is


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        status: int = answer.status
        return status


def changed_at(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.mark.parametrize("family", ["gpt2", "qwen3"])
async def test_a_model_of_another_family_is_served_from_a_folder(
    start_server: Any, tiny_model_folder: Any, family: str
) -> None:
    server = start_server(f"--model={tiny_model_folder(family)}")
    async with connect(server.url) as client:
        document = await client.open("text", "xyz")
        suggestion = document.suggest(max_tokens=8, stop="none", temperature=2, seed=3)
        done = await suggestion.done()
        assert done.reason in ("length", "end", "repetition")
        assert done.usage.generated > 0
        document.type(" The dog")
        assert (await document.suggest(max_tokens=8).done()).usage.reused > 0
    assert server.stop() == 0


async def test_a_token_is_asked_for_where_one_is_set(start_server: Any, tiny_model_folder: Any) -> None:
    server = start_server(f"--model={tiny_model_folder('llama')}", environment={"AFTERWORD_TOKEN": "secret"})
    with pytest.raises(Refused, match="4401"):
        async with connect(server.url, token="guess"):
            pass
    async with connect(server.url, token="secret") as client:
        await client.ping()
    assert "secret" not in "".join(server.log)


async def test_a_page_of_another_site_is_turned_away(start_server: Any, tiny_model_folder: Any) -> None:
    server = start_server(f"--model={tiny_model_folder('llama')}", "--origins=https://editor.example")
    with pytest.raises(Refused, match="403"):
        async with connect(server.url, origin="https://other.example"):
            pass
    async with connect(server.url, origin="https://editor.example") as client:
        await client.ping()


async def test_health_is_told_over_http(start_server: Any, tiny_model_folder: Any) -> None:
    server = start_server(f"--model={tiny_model_folder('llama')}")
    web = server.url.replace("ws://", "http://").removesuffix("/v1")
    assert await asyncio.to_thread(status_of, f"{web}/healthz") == 200
    assert await asyncio.to_thread(status_of, f"{web}/readyz") == 200


async def test_an_engine_that_is_killed_costs_no_connection(start_server: Any, tiny_model_folder: Any) -> None:
    server = start_server(f"--model={tiny_model_folder('qwen3')}")
    notices: asyncio.Queue[Notice] = asyncio.Queue()
    async with connect(server.url, on_notice=notices.put_nowait) as client:
        document = await client.open("text", "xyz")
        epoch = client.epoch
        suggestion = document.suggest(max_tokens=256, stop="none")
        first = server.engine.pid
        server.engine.kill()
        assert (await suggestion.done()).reason in ("error", "length"), "it may just have finished"
        assert (await notices.get()).kind == "engine_lost"
        document.type(" The dog")
        done = await document.suggest(max_tokens=4, stop="none", temperature=2, seed=3).done()
        assert done.reason in ("length", "end", "repetition")
        assert (await notices.get()).kind == "engine_restarted"
        assert client.epoch == epoch, "the connection is the same"
        assert server.engine.pid != first


@pytest.mark.model
async def test_a_killed_engine_comes_back_with_the_built_in_model(
    start_server: Any, builtin_model_folder: Path
) -> None:
    server = start_server()
    async with connect(server.url) as client:
        document = await client.open("story", "Once upon a time")
        suggestion = document.suggest(max_tokens=200, stop="none")
        async for _ in suggestion:
            break
        server.engine.kill()
        assert (await suggestion.done()).reason == "error"
        document.type(" there was")
        done = await document.suggest(max_tokens=4, stop="none").done()
        assert done.reason == "length"
        assert done.usage.reused == 0


@pytest.mark.model
async def test_a_second_start_converts_nothing(start_server: Any, builtin_model_folder: Path) -> None:
    files = changed_at(builtin_model_folder)
    async with asyncio.timeout(START_BOUND_S):
        server = await asyncio.to_thread(start_server)
    assert changed_at(builtin_model_folder) == files
    assert "convert" not in "".join(server.log).lower()
    assert server.stop() == 0


async def test_nothing_written_is_logged(start_server: Any, tiny_model_folder: Any) -> None:
    server = start_server(f"--model={tiny_model_folder('qwen3')}", "--log-level=debug")
    async with connect(server.url) as client:
        document = await client.open("diary", "xyzzy plugh", preface="frobozz")
        document.type(" grue")
        await document.suggest(max_tokens=4).done()
        await client.ping()
    server.stop()
    log = "".join(server.log)
    assert log
    for word in ("xyzzy", "plugh", "frobozz", "grue", "diary"):
        assert word not in log
