"""The way of a keystroke through the code: the picture of it in the docs, and how long it may be."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.walk.diagram import BEGIN, END, differences, draw, too_long, written
from bench.walk.walk import Call, Walk

ROOT = Path(__file__).parents[2]


def walk(*more: Call) -> Walk:
    gateway = [
        Call("MainThread", "afterword/gateway/connection.py", "Connection.run", 1),
        Call("MainThread", "afterword/session/session.py", "Session.receive", 2),
        Call("MainThread", "afterword/session/session.py", "Session.receive.<locals>.<genexpr>", 3),
        *more,
        Call("MainThread", "afterword/engine/worker_process.py", "WorkerProcess.data_received", 1),
        Call("MainThread", "afterword/session/session.py", "Session.on_generation", 2),
    ]
    return Walk(gateway, [Call("worker", "afterword/worker/core.py", "EngineCore.step", 1)])


def test_the_picture_has_each_file_of_each_stage_once() -> None:
    picture = draw(walk())
    assert picture.startswith(
        "One keystroke passes 6 functions in 4 files (3 of the gateway), at most 3 calls deep in the gateway."
    )
    assert picture.count("session/session.py") == 2, "on the way out, and on the way back"
    assert "Session.receive and 1 more" in picture


def test_a_picture_that_was_drawn_agrees_with_its_walk_and_with_no_other() -> None:
    page = written(f"before {BEGIN}old{END} after", walk())
    assert page.startswith("before ")
    assert page.endswith(" after")
    assert differences(walk(), page) == []
    longer = walk(Call("MainThread", "afterword/text/prompt.py", "PromptTokens.update", 3))
    assert differences(longer, page) == ["the picture lacks afterword/text/prompt.py"]
    assert differences(walk(), written(page, longer)) == [
        "afterword/text/prompt.py is in the picture, but not on the walk"
    ]


def test_a_page_without_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        written("nothing here", walk())


def test_a_walk_may_not_be_too_long() -> None:
    assert too_long(walk()) == []
    deep = Call("MainThread", "afterword/session/session.py", "Session.receive", 99)
    assert too_long(walk(deep)) == ["99 calls deep in the gateway, more than 12"]
    many = [Call("MainThread", f"afterword/{number}.py", f"f{number}", 1) for number in range(200)]
    assert too_long(walk(*many)) == ["206 functions, more than 160", "203 files in the gateway, more than 30"]


@pytest.mark.model
@pytest.mark.slow
async def test_the_walk_of_a_keystroke_is_as_the_docs_draw_it(builtin_model_folder: Path) -> None:
    command = [sys.executable, "-m", "bench.walk", "--check"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout + done.stderr
