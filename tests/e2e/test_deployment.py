"""The configurations in `examples/deployment` are right: nginx in front of a real server, and the unit for systemd."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from ..surroundings import lacking

DEPLOYMENT = Path(__file__).parents[2] / "examples" / "deployment"
START_WITHIN_S = 30
CONNECTIONS = 20  # what nginx.conf allows for one address

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a self-signed certificate for localhost."""
    folder = tmp_path_factory.mktemp("certificate")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def nginx(server: Any, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """nginx with the example's configuration in front of the server; the port it listens on."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        lacking("needs nginx and openssl")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    example = (DEPLOYMENT / "nginx.conf").read_text("utf-8")
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "    listen [::]:443 ssl;\n": "",
        "server_name editor.example;": "server_name localhost;",
        "/etc/ssl/editor.example": str(certificate),
        "http://127.0.0.1:8765": server.url.replace("ws://", "http://").removesuffix("/v1"),
    }
    for old, new in changes.items():
        assert old in example
        example = example.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{example}}}\n"
    )
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE)
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=START_WITHIN_S)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once something listens on a port; there is no event to wait for instead."""
    end = time.monotonic() + START_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"nginx did not start:\n{process.communicate()[1].decode()}")


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate / "fullchain.pem"))


async def test_ghost_text_comes_through_nginx(nginx: int, certificate: Path) -> None:
    url = f"wss://localhost:{nginx}/v1"
    async with connect(url, subprotocols=["afterword.v1"], ssl=trusting(certificate), proxy=None) as socket:  # type: ignore[list-item]
        await socket.send('{"type": "hello"}')
        await socket.send('{"type": "open", "doc": "a", "rev": 1, "before": "The capital of France is", "after": ""}')
        await socket.send('{"type": "suggest", "doc": "a", "id": 1, "rev": 1}')
        frames = [await socket.recv()]
        while '"done"' not in frames[-1]:
            frames.append(await socket.recv())
    assert '"welcome"' in frames[0]
    assert " Paris" in frames[-1]


async def test_nginx_limits_the_connections_of_one_address(nginx: int, certificate: Path) -> None:
    url, context = f"wss://localhost:{nginx}/v1", trusting(certificate)
    connections: list[ClientConnection] = []
    try:
        for _ in range(CONNECTIONS):
            connections.append(await connect(url, subprotocols=["afterword.v1"], ssl=context, proxy=None))  # type: ignore[list-item]
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, subprotocols=["afterword.v1"], ssl=context, proxy=None)  # type: ignore[list-item]
        assert refused.value.response.status_code == 503
    finally:
        await asyncio.gather(*(one.close() for one in connections))


def test_systemd_accepts_the_unit() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze")
    command = [program, "verify", "--man=no", str(DEPLOYMENT / "afterword.service")]
    done = subprocess.run(command, capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "is not executable: No such file" not in line]
    assert [line for line in complaints if "afterword.service" in line] == []


def test_the_prometheus_example_names_the_default_address() -> None:
    (job,) = yaml.safe_load((DEPLOYMENT / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    assert re.fullmatch(r"127\.0\.0\.1:\d+", target)
    assert job["authorization"].keys() == {"credentials_file"}
