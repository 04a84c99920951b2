"""What a plain HTTP request gets, and who may open a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from afterword.engine.api import Lost, Progress
from afterword.gateway.server import RunningServer

from .fake_engine import READY, FakeEngine
from .peer import connected, greeted

Serving = Callable[..., AbstractAsyncContextManager[RunningServer]]


async def get(server: RunningServer, path: str, head: str = "") -> tuple[int, str]:
    """Status and body of a plain request."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n{head}\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    top, _, body = answer.partition("\r\n\r\n")
    return int(top.split()[1]), body


async def refused(server: RunningServer, **options: Any) -> tuple[int, str]:
    """Status and body with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        async with connected(server.url, **options):
            pass
    response = refusal.value.response
    return response.status_code, bytes(response.body).decode()


async def test_a_client_that_offers_the_subprotocol_is_let_in(server: RunningServer) -> None:
    async with connected(server.url, subprotocols=("something.else", "afterword.v1")) as peer:
        assert peer.socket.subprotocol == "afterword.v1"


@pytest.mark.parametrize("offered", [(), ("afterword.v2",), ("AFTERWORD.V1",)])
async def test_a_client_that_does_not_is_told_so(server: RunningServer, offered: tuple[str, ...]) -> None:
    options: dict[str, Any] = {"subprotocols": offered}
    status, body = await refused(server, **options)
    assert status == 400
    assert "afterword.v1" in body


async def test_a_page_of_the_same_host_is_let_in(server: RunningServer) -> None:
    async with connected(server.url, origin=f"http://{server.host}:3000") as peer:
        assert (await peer.hello())["type"] == "welcome"


async def test_a_page_of_a_foreign_host_is_refused(server: RunningServer) -> None:
    status, body = await refused(server, origin="https://evil.example")
    assert status == 403
    assert "origin" in body


async def test_a_listed_page_is_let_in_and_others_are_not(serving: Serving) -> None:
    async with serving(origins=("https://write.example",)) as server:
        async with connected(server.url, origin="https://write.example") as peer:
            assert (await peer.hello())["type"] == "welcome"
        status, _ = await refused(server, origin=f"http://{server.host}")
        assert status == 403


@pytest.mark.parametrize("path", ["/", "/v2", "/v1/", "/../etc/passwd", "/favicon.ico"])
async def test_elsewhere_there_is_nothing(server: RunningServer, path: str) -> None:
    status, body = await get(server, path)
    assert status == 404
    assert "/v1" in body


async def test_a_query_does_not_matter(server: RunningServer) -> None:
    async with connected(f"{server.url}?from=somewhere") as peer:
        assert (await peer.hello())["type"] == "welcome"


async def test_a_browser_window_at_the_address_is_told_it_needs_a_websocket(server: RunningServer) -> None:
    status, _ = await get(server, "/v1")
    assert status == 426


async def test_more_than_one_origin_is_refused(server: RunningServer) -> None:
    head = "Upgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://a.example\r\nOrigin: http://127.0.0.1\r\n"
    status, _ = await get(server, "/v1", head)
    assert status == 400


async def test_healthz_tells_how_the_engine_starts_and_when_it_answers(serving: Serving, engine: FakeEngine) -> None:
    engine._ready = False
    async with serving() as server:
        status, body = await get(server, "/healthz")
        assert status == 503
        assert json.loads(body) == {
            "status": "starting",
            "model": "scripted",
            "stage": "warming up",
            "fraction": 0.25,
        }
        assert (await get(server, "/readyz"))[0] == 503
        engine.emit(READY)
        status, body = await get(server, "/healthz?verbose=1")
        assert status == 200
        assert json.loads(body) == {"status": "ready", "model": "scripted", "device": "cpu", "dtype": "float32"}
        assert (await get(server, "/readyz"))[0] == 200


async def test_healthz_tells_when_the_engine_is_lost_or_refuses_its_model(
    server: RunningServer, engine: FakeEngine
) -> None:
    engine.emit(Lost("it was killed"))
    assert (await get(server, "/healthz"))[0] == 503
    engine.emit(Progress("loading weights"))
    assert json.loads((await get(server, "/healthz"))[1])["stage"] == "loading weights"
    engine.fail("no such model")
    status, body = await get(server, "/healthz")
    assert status == 503
    assert json.loads(body) == {"status": "failed", "model": "scripted", "reason": "no such model"}


async def test_one_connection_too_many_is_refused_until_another_goes(serving: Serving) -> None:
    async with serving(max_connections=2) as server:
        async with greeted(server.url), greeted(server.url):
            status, body = await refused(server)
            assert status == 503
            assert "connections" in body
            assert (await get(server, "/healthz"))[0] == 200
        async with greeted(server.url):
            pass


async def test_who_sends_no_request_is_not_waited_for(serving: Serving) -> None:
    async with serving(handshake_timeout_ms=50) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        writer.close()
