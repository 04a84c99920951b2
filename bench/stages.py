"""Where the time of one keystroke goes: from the writer's socket through both processes and back, stage by stage.

One writer types prose, a key each 200 ms, and asks with each. Of the keystrokes that the cache could not answer, those
are looked at whose first text came with their first step of the model: what they took beside that step is what the
server costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from . import marked, prose
from .processes import START_WITHIN_S, running
from .report import Section, median, ms, percentile
from .servers import ADDRESS
from .wire import Wire

CONTEXT_CHARACTERS = 700
KEY_INTERVAL_S = 0.2
TEXTS = 3
KEYS = 100  # of each text
QUICK_KEYS = 40
GOAL_MS = 3.0
STEP = "the step of the model"

# The marks that a keystroke passes, in order, each with the stage that ends there and where that takes place.
STAGES = (
    ("frame read", "socket to gateway, frame read", "client, gateway"),
    ("text given", "edit and suggest decoded and judged", "gateway"),
    ("prompt made", "text to tokens", "gateway"),
    ("wish sent", "wish encoded and written", "gateway"),
    ("wish read", "line to the engine, wish decoded", "engine"),
    ("step begun", "taken in, a step before given up, planned", "engine"),
    ("step done", STEP, "engine"),
    ("tokens chosen", "token chosen", "engine"),
    ("events read", "event encoded, line back", "engine, gateway"),
    ("text made", "event decoded, token to text", "gateway"),
    ("message made", "what may be shown is judged", "gateway"),
    ("frame sent", "frame encoded and written", "gateway"),
    ("received", "socket to client, frame decoded", "client"),
)
OUT_AND_BACK = tuple(mark for mark, *_ in STAGES[:9])
ON_THE_DESK = ("text made", "message made")
SENT = "frame sent"


@dataclass(frozen=True, slots=True)
class Key:
    """A keystroke: when it was sent and when its first text came, in nanoseconds."""

    sent: int
    received: int


async def measure(model: str, quick: bool) -> Section:
    """Type, then match what both processes noted to the keystrokes."""
    with tempfile.TemporaryDirectory() as folder:
        async with _served(model, Path(folder)) as url:
            keys = await _type(url, QUICK_KEYS if quick else KEYS)
        marks = [*marked.read(Path(folder), marked.GATEWAY), *marked.read(Path(folder), marked.ENGINE)]
    ways = [way for key in keys if (way := way_of(key, marks)) is not None]
    return _section(ways, len(keys))


def way_of(key: Key, marks: Sequence[tuple[str, int]]) -> list[int] | None:
    """When a keystroke passed each mark, from its sending on; None if its first text was not that of its first step."""
    within = sorted((at, mark) for mark, at in marks if key.sent <= at <= key.received)
    way = [key.sent]
    for mark in OUT_AND_BACK:
        found = next((at for at, name in within if name == mark and at >= way[-1]), None)
        if found is None:
            return None
        way.append(found)
    sent = next((at for at, name in within if name == SENT and at >= way[-1]), None)
    since = [(at, name) for at, name in within if sent is not None and way[-1] < at <= sent]
    # Had its events brought no text, it would have come with the next ones.
    if sent is None or any(name == OUT_AND_BACK[-1] for _, name in since):
        return None
    for mark in ON_THE_DESK:  # once for each event: the last one is that of the text
        times = [at for at, name in since if name == mark]
        if not times:
            return None
        way.append(times[-1])
    return [*way, sent, key.received]


def _section(ways: Sequence[Sequence[int]], keys: int) -> Section:
    section = Section("One keystroke, stage by stage: one writer, the first step gives the first text")
    stages: dict[str, list[float]] = {stage: [] for _, stage, _ in STAGES}
    for way in ways:
        for (_, stage, _), (before, after) in zip(STAGES, pairwise(way), strict=True):
            stages[stage].append((after - before) / 1e6)
    totals = [(way[-1] - way[0]) / 1e6 for way in ways]
    beside = [total - step for total, step in zip(totals, stages[STEP], strict=True)]
    for _, stage, where in STAGES:
        times = stages[stage]
        section.add(stage, f"{median(times):.2f} ms (90th percentile {percentile(times, 0.9):.2f}), {where}")
    section.add("all of it", ms(totals))
    section.add("all but the step", ms(beside), f"at most {GOAL_MS:.0f} ms", median(beside) <= GOAL_MS)
    section.add("keystrokes looked at", f"{len(ways)} of {keys} that were answered")
    section.raw = {"stages_ms": stages, "total_ms": totals, "overhead_ms": median(beside)}
    return section


async def _type(url: str, keys: int) -> list[Key]:
    """Type into all texts; the keystrokes that got text before the next."""
    typed = []
    async with Wire(url) as wire:
        for number, whole in enumerate(prose.long_texts()[:TEXTS]):
            text = await wire.open(f"text {number}", whole[:CONTEXT_CHARACTERS])
            await wire.done(await wire.key(text, whole[CONTEXT_CHARACTERS]))  # fills the cache, and is not counted
            # Wire has its own clock, that of a counter; this much lies between it and that of the marks.
            ahead = time.monotonic_ns() - time.perf_counter_ns()
            for key in whole[CONTEXT_CHARACTERS + 1 :][:keys]:
                due = time.perf_counter() + KEY_INTERVAL_S
                asked = await wire.key(text, key)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                if asked.first_token is not None:
                    typed.append(Key(int(asked.sent * 1e9) + ahead, int(asked.first_token * 1e9) + ahead))
            await wire.close(text)
    return typed


@contextlib.asynccontextmanager
async def _served(model: str, folder: Path) -> AsyncIterator[str]:
    """The address of a server that notes. It has written its marks when the context ends."""
    command = [sys.executable, "-m", "bench.marked", marked.GATEWAY, "--port=0", f"--model={model}"]
    async with running(command, {marked.MARKS_VARIABLE: str(folder)}) as program:
        async with asyncio.timeout(START_WITHIN_S):
            url = await program.until_says(ADDRESS)
        yield url
