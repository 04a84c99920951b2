"""Cold paths: what is done to the text, and that a server is taken through all of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from bench import cold_paths, prose
from bench.cold_paths import ACTS, ColdTimes, mending, middle_of, one_text, with_typo
from bench.replay.afterword_client import AfterwordClient
from bench.replay.editor import EditorText
from bench.replay.script import opening
from bench.replay.server import Description, StartedServer
from bench.replay.servers import AFTERWORD, LLAMA
from bench.replay.typist import ServerClient

from afterword.config.settings import Settings
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.messages import Stop


def test_a_typo_is_mended_and_the_caret_is_back_where_it_was() -> None:
    right = "It was a quiet morning, and nobody was about."
    wrong, letter = with_typo(right, len(right) - 20)
    assert wrong != right
    text = EditorText(wrong)
    for keystroke in mending(20, letter):
        text = text.typed(keystroke)
    assert text == EditorText(right)


def test_the_middle_is_the_beginning_of_a_word() -> None:
    text = "one two three four five"
    assert text[middle_of(text) :] == "four five"


def test_texts_are_long_enough_and_no_two_repetitions_begin_alike() -> None:
    opened = [
        opening(prose.texts(), number, cold_paths.CHARACTERS, cold_paths.EDITION)
        for number in range(cold_paths.REPETITIONS)
    ]
    assert len({before[:40] for before, _ in opened}) == len(opened)
    assert all(len(before) > cold_paths.CHARACTERS and len(rest) > 1000 for before, rest in opened)


@pytest.mark.timeout(120)
async def test_a_server_is_taken_through_every_act(tiny_model_folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold_paths, "CHARACTERS", 600)
    folder = tiny_model_folder("qwen3")
    engine = InProcessEngine(EngineOptions(folder=folder, name="tiny"))
    async with running_server(
        Settings().changed(port=0), engine, Vocabulary.from_folder(folder), model="tiny"
    ) as server:

        async def client(number: int) -> ServerClient:
            return await AfterwordClient.connect(server.url, 8, Stop.SENTENCE)

        taken = await one_text(StartedServer(AFTERWORD, client, None), 0)
    assert list(taken) == [ACTS[0], ACTS[1], ACTS[2], ACTS[4], ACTS[3]]
    assert all(ms > 0 for ms in taken.values())


def test_each_act_stands_beside_llama_cpp_with_its_spread() -> None:
    cold = ColdTimes(
        {AFTERWORD: {ACTS[0]: [10.0, 20.0, 30.0]}, LLAMA: {ACTS[0]: [40.0, 40.0, math.inf]}},
        {LLAMA: Description("Q4_1", "llama.cpp b1")},
        ["vLLM could not be run: why"],
    )
    section, notes = cold_paths.sections(cold)
    assert section.table[1] == [ACTS[0], AFTERWORD, "unknown; unknown", "20 (10-30, n 3)", "0.50"]
    assert section.table[2] == [ACTS[0], LLAMA, "Q4_1; llama.cpp b1", "40 (40-never, n 3)", "1.00"]
    assert notes.figures[0].name == "vLLM could not be run: why"
    assert section.raw["cold_ms"] == {AFTERWORD: {ACTS[0]: [10.0, 20.0, 30.0]}, LLAMA: {ACTS[0]: [40.0, 40.0, None]}}
