"""What a browser gets of the page to write on: types, caching, compression, guards, and nothing from elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from afterword.gateway.server import RunningServer

from .peer import connected

Serving = Callable[..., AbstractAsyncContextManager[RunningServer]]

SCRIPT = b"console.log('ghost');\n" * 20_000
FONT = bytes(range(256)) * 8
SECRET = b"not for browsers"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built page, with a file beside it that is none of a browser's business."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / ".vite").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Afterword</title>" + "<p>words</p>" * 50)
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "main-a1b2.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-c3d4.css").write_text("body { color: black }")
    (folder / "assets" / "serif-e5f6.woff2").write_bytes(FONT)
    (folder / ".vite" / "manifest.json").write_bytes(SECRET)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    return folder


@pytest.fixture
async def site(serving: Serving, folder: Path) -> AsyncIterator[RunningServer]:
    async with serving(site=folder) as running:
        yield running


async def ask(
    server: RunningServer, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Answer to a plain request, and its body."""

    def talk() -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read()

    return await asyncio.to_thread(talk)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
        ("/assets/main-a1b2.js", "text/javascript; charset=utf-8"),
        ("/assets/main-c3d4.css", "text/css; charset=utf-8"),
        ("/assets/serif-e5f6.woff2", "font/woff2"),
    ],
)
async def test_each_file_comes_whole_and_with_its_type(
    site: RunningServer, folder: Path, path: str, content_type: str
) -> None:
    answer, body = await ask(site, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert body == (folder / (path.strip("/") or "index.html")).read_bytes()
    assert int(answer.headers["Content-Length"]) == len(body)


async def test_a_query_changes_nothing(site: RunningServer) -> None:
    assert (await ask(site, "/?from=mail"))[0].status == 200


async def test_what_has_a_digest_in_its_name_is_kept_for_good(site: RunningServer) -> None:
    for path in ("/assets/main-a1b2.js", "/assets/serif-e5f6.woff2"):
        caching = (await ask(site, path))[0].headers["Cache-Control"]
        assert "immutable" in caching
        assert "max-age=31536000" in caching


async def test_the_rest_is_asked_for_again_and_answered_briefly_if_it_is_the_same(
    site: RunningServer, serving: Serving, folder: Path
) -> None:
    first, _ = await ask(site, "/")
    assert first.headers["Cache-Control"] == "no-cache"
    tag = first.headers["ETag"]
    again, body = await ask(site, "/", If_None_Match=f'"other", {tag}')
    assert (again.status, body) == (304, b"")
    assert again.headers["ETag"] == tag
    assert again.headers["Cache-Control"] == "no-cache"
    assert (await ask(site, "/", If_None_Match='"other"'))[0].status == 200
    (folder / "index.html").write_text("<!doctype html><title>A newer one</title>")
    async with serving(site=folder) as newer:
        answer, body = await ask(newer, "/", If_None_Match=tag)
        assert (answer.status, body) == (200, b"<!doctype html><title>A newer one</title>")


async def test_files_travel_compressed_where_that_is_wanted_and_shorter(site: RunningServer) -> None:
    answer, body = await ask(site, "/assets/main-a1b2.js", Accept_Encoding="br, GZIP;q=0.8")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == SCRIPT
    for path, wanted in [
        ("/assets/main-a1b2.js", "br"),
        ("/assets/main-a1b2.js", "gzip;q=0"),
        ("/assets/serif-e5f6.woff2", "gzip"),
        ("/favicon.svg", "gzip"),
    ]:
        answer, body = await ask(site, path, Accept_Encoding=wanted)
        assert answer.headers["Content-Encoding"] is None, (path, wanted)
        assert int(answer.headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("path", ["/", "/assets/main-a1b2.js", "/nothing", "/healthz", "/v1"])
async def test_every_answer_tells_browsers_to_keep_to_this_server(site: RunningServer, path: str) -> None:
    headers = (await ask(site, path, Upgrade="websocket", Connection="Upgrade"))[0].headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert len(headers.get_all("Cache-Control", [])) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//secret.txt",
        "/assets/../index.html",
        "/.vite/manifest.json",
        "/assets",
        "/assets/",
        "/secret.txt",
        "/index.html%00",
        "/INDEX.HTML",
    ],
)
async def test_no_path_leads_anywhere_but_to_files_of_the_page(site: RunningServer, path: str) -> None:
    answer, body = await ask(site, path)
    assert answer.status == 404
    assert SECRET not in body
    assert b"The page to write on is at /" in body


async def test_head_tells_all_but_the_body(site: RunningServer) -> None:
    answer, body = await ask(site, "/assets/main-a1b2.js", "HEAD")
    assert (answer.status, body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(SCRIPT))


async def test_other_methods_are_turned_down(site: RunningServer) -> None:
    answer, _ = await ask(site, "/", "DELETE")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


async def test_a_page_that_was_not_built_says_how_to_build_it(serving: Serving, tmp_path: Path) -> None:
    async with serving(site=tmp_path / "nowhere") as server:
        assert not server.page
        answer, body = await ask(server, "/")
        assert answer.status == 404
        assert b"make page" in body
        assert b"/v1" in (await ask(server, "/assets/main-a1b2.js"))[1]


async def test_a_server_without_a_page_serves_none(serving: Serving) -> None:
    async with serving(site=None) as server:
        answer, body = await ask(server, "/")
        assert answer.status == 404
        assert b"page" not in body


async def test_the_page_may_open_a_websocket_and_is_there_when_all_connections_are_taken(
    serving: Serving, folder: Path
) -> None:
    async with serving(site=folder, max_connections=1) as server:
        assert server.page
        async with connected(server.url, origin=server.web) as peer:
            assert (await peer.hello())["type"] == "welcome"
            assert (await ask(server, "/"))[0].status == 200


async def test_a_slow_network_gets_files_whole(serving: Serving, folder: Path) -> None:
    book = SCRIPT * 20  # more than sockets hold
    (folder / "assets" / "book-0a1b.js").write_bytes(book)
    async with serving(site=folder, close_timeout_ms=50) as server:

        def read_slowly() -> bytes:
            with socket.socket() as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                slow.connect((server.host, server.port))
                slow.settimeout(30)
                slow.sendall(b"GET /assets/book-0a1b.js HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.5)
                return b"".join(iter(lambda: slow.recv(1 << 16), b""))

        got = await asyncio.to_thread(read_slowly)
        assert got.partition(b"\r\n\r\n")[2] == book
