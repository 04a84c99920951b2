"""The parts of the benchmark that decide something: kinds of keystrokes, statistics, counting, reports."""

from __future__ import annotations

import asyncio
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bench import prose, report, steady, wire_client
from bench.prose import KeystrokeKind

from afterword.config.settings import Settings
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way


@pytest.mark.parametrize(
    ("before", "key", "ghost", "kind"),
    [
        ("The c", "a", "at sat", KeystrokeKind.THROUGH),
        ("The cat", " ", " sat", KeystrokeKind.THROUGH),
        ("The c", "a", "orn", KeystrokeKind.INSIDE_WORD),
        ("The ", "c", "", KeystrokeKind.STARTS_WORD),
        ("The cat", " ", "s", KeystrokeKind.ENDS_WORD),
        ("The cat", ".", "", KeystrokeKind.ENDS_WORD),
    ],
)
def test_a_keystroke_is_told_by_what_it_does(before: str, key: str, ghost: str, kind: KeystrokeKind) -> None:
    assert prose.kind_of(before, key, ghost) is kind


def test_there_is_enough_to_type() -> None:
    assert len(prose.texts()) >= 3
    lengths = sorted(len(text) for text in prose.texts())
    assert lengths[0] < 400
    assert sum(lengths) > 12_000, "a context of 8,000 characters leaves enough to type"


def test_medians_and_percentiles() -> None:
    assert report.median([3, 1, 2]) == 2
    assert report.percentile(list(range(100)), 0.9) == 90
    assert report.percentile([5], 0.9) == 5
    assert report.median([]) != report.median([]), "of nothing there is none"


def test_beside_a_median_stand_its_spread_and_how_many_values_there_were() -> None:
    values = [float(value) for value in range(101)]
    assert report.spread(values, 0) == "50 (10-90, n 101)"
    assert report.ms(values) == "50.0 ms (10.0-90.0, n 101)"
    assert report.spread([1.0, 2.0, math.inf]) == "2.0 (1.0-never, n 3)"
    assert report.spread([]) == "none (n 0)"


def test_text_that_nobody_foresees_has_the_same_letters_in_the_same_words() -> None:
    text = prose.texts()[0]
    mixed = prose.unforeseen(text, 1)
    assert mixed != text
    assert mixed == prose.unforeseen(text, 1)
    assert mixed != prose.unforeseen(text, 2)
    words = [list(map(sorted, one.split())) for one in (text, mixed)]
    assert words[0] == words[1]


def test_a_missed_goal_is_not_hidden(tmp_path: Path) -> None:
    section = report.Section("Soon")
    section.add("all keystrokes", "99 ms", "at most 50 ms", met=False)
    machine = {"processor": "one", "memory": "2 GiB", "versions": "none"}
    assert "MISSED" in report.as_text(machine, [section])
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_figures(readme, report.as_markdown(machine, [section]))
    written = readme.read_text()
    assert "missed" in written
    assert "old" not in written
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    readme.write_text("nothing")
    with pytest.raises(ValueError, match="no place"):
        report.write_figures(readme, "")


@pytest.mark.timeout(60)
async def test_every_ask_is_counted_with_its_tokens_and_its_end(tiny_model_folder: Any) -> None:
    folder = tiny_model_folder("qwen3")
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=folder, name="tiny")))
    options = Settings().changed(port=0)
    async with (
        running_server(options, engine, Vocabulary.from_folder(folder), model="tiny") as server,
        wire_client.WireClient(server.url) as writer,
    ):
        text = await writer.open("text", "xy")
        asked = await writer.key(text, "z", max_tokens=8)
        await writer.done(asked)
        assert asked.first_token_ms is not None
        assert asked.done is not None
        assert asked.done.text == asked.text
        for key in "abc":
            await writer.key(text, key)
        await writer.cancel(text)
        async with asyncio.timeout(30):
            for one in text.asked.values():
                await writer.done(one)
        await writer.settle()
        section = report.Section("Steady")
        steady.count_answers(section, [writer])
        assert {figure.name: figure.met for figure in section.figures if figure.goal} == {
            "asks without exactly one done": True,
            "errors": True,
        }
        text.asked[1].dones = 2
        section = report.Section("Steady")
        steady.count_answers(section, [writer])
        assert any(figure.met is False for figure in section.figures)
