"""Where the time of one keystroke goes: from the writer's socket through both processes and back, stage by stage.

One writer types prose, a key each 200 ms, and asks with each. Looked at are keystrokes for which text had to be written
anew; those typed as the ghost text said are answered without leaving the gateway. What such a keystroke took beside the
step of the model that brought its first text is what the server costs. Some need no step, as the engine still holds
what follows.
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
    ("free", "steps in flight, until they give up or are done", "engine"),
    ("step begun", "taken in and planned", "engine"),
    ("step done", STEP, "engine"),
    ("tokens chosen", "token chosen", "engine"),
    ("events read", "event encoded, line back", "engine, gateway"),
    ("text made", "event decoded, token to text", "gateway"),
    ("message made", "what may be shown is judged", "gateway"),
    ("frame made", "frame encoded", "gateway"),
    ("received", "frame written, socket to client, frame decoded", "client"),
)
OUT = ("frame read", "text given", "prompt made", "wish sent", "wish read")
STEP_AT = [stage for _, stage, _ in STAGES].index(STEP)  # in a way, where the step begins
NEVER = 1 << 63
BACK = ("text made", "events read", "tokens chosen")


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
    marks.sort(key=lambda mark: mark[1])
    ways = [way for key in keys if (way := way_of(key, marks)) is not None]
    return _section(ways, len(keys))


def way_of(key: Key, marks: Sequence[tuple[str, int]]) -> list[int] | None:
    """When a keystroke passed each mark, from its sending on; None if it was answered without the engine.

    `marks` rise. The step is the one after which the tokens were chosen; if it had begun before the wish came, which
    happens when the writer types what is being written ahead, its part from then on counts. If there was no step, it
    took no time.
    """
    within = [(mark, at) for mark, at in marks if key.sent <= at <= key.received]
    out = [key.sent]
    for mark in OUT:
        out.append(_first(within, mark, out[-1]))
    # Several frames may have left by then, and what they were made of may have come in several pieces: the way back is
    # found from its end.
    message = _last(within, "message made", _last(within, "frame made", key.received))
    frame = _first(within, "frame made", message)
    back = [message]
    for mark in BACK:
        back.append(_last(within, mark, back[-1]))
    back.reverse()
    wish, chosen = out[-1], back[0]
    if not 0 < wish <= chosen:
        return None
    done = _last(within, "step done", chosen)
    if done <= wish:
        return [*out, wish, chosen, chosen, *back, frame, key.received]
    begun = max(wish, _last(marks, "step begun", done))
    free = max(wish, _last(marks, "step done", begun))
    return [*out, free, begun, done, *back, frame, key.received]


def _first(marks: Sequence[tuple[str, int]], mark: str, start: int) -> int:
    """When a mark was passed first from `start` on; far in the future if never."""
    return next((at for name, at in marks if name == mark and at >= start), NEVER)


def _last(marks: Sequence[tuple[str, int]], mark: str, end: int) -> int:
    """When a mark was passed last until `end`; 0 if never."""
    return next((at for name, at in reversed(marks) if name == mark and at <= end), 0)


def _section(ways: Sequence[Sequence[int]], keys: int) -> Section:
    section = Section("One keystroke, stage by stage: one writer, text written anew")
    stages: dict[str, list[float]] = {stage: [] for _, stage, _ in STAGES}
    stepped = [way for way in ways if way[STEP_AT + 1] > way[STEP_AT]]
    held = [(way[-1] - way[0]) / 1e6 for way in ways if way[STEP_AT + 1] == way[STEP_AT]]
    for way in stepped:
        for (_, stage, _), (before, after) in zip(STAGES, pairwise(way), strict=True):
            stages[stage].append((after - before) / 1e6)
    totals = [(way[-1] - way[0]) / 1e6 for way in stepped]
    beside = [total - step for total, step in zip(totals, stages[STEP], strict=True)]
    flying = [(way[STEP_AT - 1] - way[STEP_AT - 2]) / 1e6 for way in stepped]
    for _, stage, where in STAGES:
        times = stages[stage]
        section.add(stage, f"{median(times):.2f} ms (90th percentile {percentile(times, 0.9):.2f}), {where}")
    section.add("all of it", ms(totals))
    section.add("all but the step", ms(beside), f"at most {GOAL_MS:.0f} ms", median(beside) <= GOAL_MS)
    server = [rest - wait for rest, wait in zip(beside, flying, strict=True)]
    section.add("all but the step and those in flight before", ms(server))
    section.add("all of it, where no step was needed", ms(held))
    section.add("keystrokes looked at", f"{len(ways)} of {keys} that were answered")
    section.raw = {"stages_ms": stages, "total_ms": totals, "held_ms": held, "server_ms": server}
    section.raw["overhead_ms"] = median(beside)
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
