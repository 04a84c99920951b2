"""The README's examples do what it says, against a real server."""

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

README = Path(__file__).parents[2] / "README.md"
RUN_WITHIN_S = 120

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

DRIVER = """
import { GhostText } from "./ghost-text.mjs";

const painted = [];
const ghost = new GhostText(process.argv[2], (text) => painted.push(text));
const until = async (condition) => { while (!condition()) await new Promise((next) => setTimeout(next, 10)); };
const check = (condition, what) => { if (!condition) { console.error(`not so: ${what}`); process.exit(1); } };

ghost.changed("The old lighthouse stood at the", "");
await until(() => ghost.ghost().length > 8);
const first = ghost.ghost();
const asked = ghost.id;

ghost.changed("The old lighthouse stood at the" + first.slice(0, 3), "");
check(ghost.ghost().startsWith(first.slice(3)), "typing what it says leaves the rest");
check(ghost.id === asked, "typing what it says asks for nothing");

const taken = ghost.accept(4);
check(taken === first.slice(3, 7), "accepting takes what was shown");
check(ghost.before === "The old lighthouse stood at the" + first.slice(0, 7), "what was accepted is in the text");

ghost.changed("Thank you 🙂 for", " letter");
ghost.changed("Thank you 🙃 for your", " letter");
await until(() => ghost.words);
await until(() => ghost.ghost());

ghost.changed("The capital of France is", "");
await until(() => ghost.ghost().startsWith(" Paris"));

ghost.socket.close();
await until(() => !ghost.ready);
ghost.changed("The capital of Germany is", "");
await until(() => ghost.ready && ghost.ghost().startsWith(" Berlin"));
check(painted.includes(""), "what is out of date is wiped");
console.log("all so");
process.exit(0);
"""


def example(name: str) -> str:
    """The code that stands in the README under a mark with this name."""
    found = re.search(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found, f"the README has no example {name}"
    return found.group(1)


async def run(*command: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        capture_output=True,
        text=True,
        timeout=RUN_WITHIN_S,
        env={**os.environ, "TERM": "dumb"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "says"), [("plain.py", r"\[(stop|length); \d+ tokens"), ("client.py", r"took '\s?\w+', ")]
)
async def test_a_python_client_gets_ghost_text(server: Any, tmp_path: Path, name: str, says: str) -> None:
    program = tmp_path / name
    program.write_text(example(name))
    assert re.search(says, await run(sys.executable, str(program), server.url))


async def test_a_program_writes_on_without_a_server(builtin_model_folder: Path, tmp_path: Path) -> None:
    program = tmp_path / "local.py"
    program.write_text(example("local.py"))
    story, capital = (await run(sys.executable, str(program))).strip().splitlines()
    assert len(story) > 10
    assert capital.startswith(" Paris")


async def test_the_javascript_client_follows_what_is_typed(server: Any, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    flags = ["--experimental-websocket"] if await run(node, "--version") < "v22" else []
    try:
        await run(node, *flags, "-e", "WebSocket")
    except AssertionError:
        pytest.skip("needs a Node with WebSocket, 20.10 or later")
    (tmp_path / "ghost-text.mjs").write_text(example("ghost-text.js"))
    (tmp_path / "driver.mjs").write_text(DRIVER)
    assert "all so" in await run(node, *flags, str(tmp_path / "driver.mjs"), server.url)


def test_what_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8"))
    assert links
    assert not [link for link in links if not (README.parent / link).exists()]
