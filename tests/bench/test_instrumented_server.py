"""What the benchmark knows of the server by name: functions on a keystroke's way, and counters at `/metrics`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench import prose
from bench.instrumented_server import instrumented_server, read_marks, read_steps
from bench.keystrokes import Typed, document_of
from bench.replay.http_client import http_session
from bench.replay.token_counter import AFTERWORD, TokenCounter
from bench.stages import BACK, OUT
from bench.wire_client import WireClient


@pytest.mark.timeout(180)
async def test_a_keystroke_leaves_every_mark_and_its_steps(tiny_model_folder: Any, tmp_path: Path) -> None:
    async with (
        instrumented_server(str(tiny_model_folder("qwen3")), tmp_path) as server,
        WireClient(server.url) as wire,
    ):
        document = await wire.open("text", prose.texts()[0][:200])
        for key in " th":
            await wire.done(await wire.key(document, key))
        async with http_session() as session:
            told = await TokenCounter(session, server.http_url, AFTERWORD).read()
        opened = (0, 1 << 62)
    marks = {mark for mark, _ in read_marks(tmp_path)}
    assert {*OUT, *BACK, "step begun", "step done", "message made", "frame made"} <= marks
    assert told is not None
    assert None not in (told.computed, told.written, told.ahead), "every counter that the replay reads is there"
    steps = read_steps(tmp_path)
    assert all(step.begun < step.done for step in steps)
    warmed_up = steps[0].documents
    ours = [step for step in steps if not step.documents & warmed_up]
    assert document_of(Typed([], [], opened), ours)
