"""What `examples/` offers to copy does what it says, against a real server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..surroundings import lacking

EXAMPLES = Path(__file__).parents[2] / "examples"
DRIVER = Path(__file__).parent / "ghost_text_driver.mjs"
RUN_WITHIN_S = 120

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]


async def run(*command: object) -> str:
    """What a program prints; it must end well."""
    done = await asyncio.to_thread(
        subprocess.run,
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=RUN_WITHIN_S,
        env={**os.environ, "TERM": "dumb"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
async def node() -> list[str]:
    """The command of a Node that has WebSocket."""
    program = shutil.which("node")
    if program is None:
        lacking("needs Node")
    flags = ["--experimental-websocket"] if await run(program, "--version") < "v22" else []
    try:
        await run(program, *flags, "-e", "WebSocket")
    except AssertionError:
        lacking("needs a Node with WebSocket, 20.10 or later")
    return [program, *flags]


@pytest.mark.parametrize(
    ("name", "says"), [("plain.py", r"\[(stop|length); \d+ tokens"), ("client.py", r"took '\s?\w+', ")]
)
async def test_a_python_client_gets_ghost_text(server: Any, name: str, says: str) -> None:
    assert re.search(says, await run(sys.executable, EXAMPLES / "python" / name, server.url))


async def test_a_program_completes_texts_without_a_server(builtin_model_folder: Path) -> None:
    story, capital = (await run(sys.executable, EXAMPLES / "python" / "local.py")).strip().splitlines()
    assert len(story) > 10
    assert capital.startswith(" Paris")


async def test_the_javascript_client_follows_what_is_typed(server: Any, node: list[str]) -> None:
    assert "all so" in await run(*node, DRIVER, server.url)


async def test_the_javascript_client_completes_a_text_in_a_terminal(server: Any, node: list[str]) -> None:
    text = "The capital of France is"
    printed = await run(*node, EXAMPLES / "javascript" / "terminal.js", text, server.url)
    assert re.fullmatch(re.escape(text) + r" Paris.*   \[\w+\]\n", printed)


async def test_the_shell_script_tells_how_a_server_is(server: Any) -> None:
    if shutil.which("curl") is None:
        lacking("needs curl")
    address = server.url.replace("ws://", "http://").removesuffix("/v1")
    printed = await run("sh", EXAMPLES / "http" / "status.sh", address)
    assert len(re.findall(r'"status": ?"ready"', printed)) == 2
    assert re.search(r"^afterword_connections \d", printed, re.MULTILINE)
