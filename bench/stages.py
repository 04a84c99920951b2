"""Where the time of one keystroke goes: from the writer's socket through both processes and back, stage by stage.

One writer types a key each 200 ms and asks with each: after a piece of prose, words of mixed-up letters, because most
of prose is written by the model before it is typed. Looked at are keystrokes for which the model had to take a step
before their first text; what they took beside it is what the server costs. A word that is no token of the model may
take it several steps, with their own cost between them, so those keystrokes are told apart.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from . import prose
from .instrumented_server import instrumented_server, read_marks
from .report import Section, median, ms, spread
from .wire_client import WireClient

CONTEXT_CHARACTERS = 700
KEY_INTERVAL_S = 0.2
TEXTS = 3
KEYS = 100  # of each text
QUICK_KEYS = 30
SEED = 4
GOAL_MS = 3.0
STEPS = "the model's step"

# What a keystroke goes through, in order, each stage with where that is. All steps are one stage, and what lies before
# and between them is another.
STAGES = (
    ("socket to gateway, frame read", "client, gateway"),
    ("edit and suggest decoded and judged", "gateway"),
    ("text to tokens", "gateway"),
    ("request encoded and written", "gateway"),
    ("line to the worker, request decoded", "worker"),
    ("taken in and planned", "worker"),
    (STEPS, "worker"),
    ("token chosen", "worker"),
    ("event encoded, line back", "worker, gateway"),
    ("event decoded, token to text", "gateway"),
    ("what may be shown is judged", "gateway"),
    ("frame encoded", "gateway"),
    ("frame written, socket to client, frame decoded", "client"),
)
STEPS_AT = [stage for stage, _ in STAGES].index(STEPS)
# Marks that end a stage, on the way out in their order, and on the way back from its end.
OUT = ("frame read", "text given", "prompt made", "request sent", "request read")
BACK = ("text made", "events read", "tokens chosen")
NEVER = 1 << 63


@dataclass(frozen=True, slots=True)
class TimedKey:
    """A keystroke: when it was sent and when its first text came, in nanoseconds."""

    sent: int
    received: int


async def measure(model: str, quick: bool) -> Section:
    """Type, then match what both processes noted to the keystrokes."""
    with tempfile.TemporaryDirectory() as folder:
        async with instrumented_server(model, Path(folder)) as server:
            keys = await _type(server.url, QUICK_KEYS if quick else KEYS)
        marks = read_marks(Path(folder))
    paths = [path for key in keys if (path := path_of(key, marks)) is not None]
    return _section(paths, len(keys))


@dataclass(frozen=True, slots=True)
class KeyPath:
    """How many steps of the model a keystroke took, and the time of each stage, in ms."""

    steps: int
    stages_ms: Sequence[float]

    @property
    def all_ms(self) -> float:
        """From the keystroke to its first text."""
        return sum(self.stages_ms)

    @property
    def beside_ms(self) -> float:
        """The same without the steps."""
        return self.all_ms - self.stages_ms[STEPS_AT]


def path_of(key: TimedKey, marks: Sequence[tuple[str, int]]) -> KeyPath | None:
    """What a keystroke went through; None if it was answered without the engine. `marks` rise.

    Steps count from the moment when the request had come: one may have begun before, if the writer types what is being
    written ahead.
    """
    within = [(mark, at) for mark, at in marks if key.sent <= at <= key.received]
    out = [key.sent]
    for mark in OUT:
        out.append(_first(within, mark, out[-1]))
    # Several frames may have left by then, and what they were made of may have come in several pieces: the path back is
    # found from its end.
    message = _last(within, "message made", _last(within, "frame made", key.received))
    frame = _first(within, "frame made", message)
    back = [message]
    for mark in BACK:
        back.append(_last(within, mark, back[-1]))
    back.reverse()
    request, chosen = out[-1], back[0]
    if not 0 < request <= chosen:
        return None
    begins = [max(at, request) for mark, at in marks if mark == "step begun" and at <= chosen]
    ends = [at for mark, at in marks if mark == "step done" and at <= chosen]
    steps = [end - begin for begin, end in zip(begins, ends, strict=False) if end > begin]
    done = max(request, ends[-1]) if ends else request
    before = [after - before for before, after in pairwise(out)]
    after = [after - before for before, after in pairwise([done, *back, frame, key.received])]
    times = [*before, done - request - sum(steps), sum(steps), *after]
    return KeyPath(len(steps), [time / 1e6 for time in times])


def _first(marks: Sequence[tuple[str, int]], mark: str, start: int) -> int:
    """When a mark was passed first from `start` on; far in the future if never."""
    return next((at for name, at in marks if name == mark and at >= start), NEVER)


def _last(marks: Sequence[tuple[str, int]], mark: str, end: int) -> int:
    """When a mark was passed last until `end`; 0 if never."""
    return next((at for name, at in reversed(marks) if name == mark and at <= end), 0)


def _section(paths: Sequence[KeyPath], keys: int) -> Section:
    section = Section("One keystroke, stage by stage: one writer, text written anew")
    stepped = [path for path in paths if path.steps == 1]
    longer = [path for path in paths if path.steps > 1]
    held = [path for path in paths if path.steps == 0]
    for at, (stage, where) in enumerate(STAGES):
        times = [path.stages_ms[at] for path in stepped]
        section.add(stage, f"{spread(times, 2)} ms, {where}")
    beside = [path.beside_ms for path in stepped]
    section.add("all of it", ms([path.all_ms for path in stepped]))
    section.add("all but the step", ms(beside), f"at most {GOAL_MS:.0f} ms", median(beside) <= GOAL_MS)
    section.add("all but the steps, where there were several", ms([path.beside_ms for path in longer]))
    section.add("all of it, where no step was needed", ms([path.all_ms for path in held]))
    section.add("keystrokes looked at", f"{len(paths)} of {keys} that were answered")
    section.raw = {"paths": [[path.steps, *path.stages_ms] for path in paths], "overhead_ms": beside}
    return section


async def _type(url: str, keys: int) -> list[TimedKey]:
    """Type into all texts; the keystrokes that got text before the next."""
    typed = []
    async with WireClient(url) as wire:
        for number, whole in enumerate(unforeseen_from(text) for text in prose.long_texts()[:TEXTS]):
            text = await wire.open(f"text {number}", whole[:CONTEXT_CHARACTERS])
            await wire.done(await wire.key(text, whole[CONTEXT_CHARACTERS]))  # fills the cache, and is not counted
            # WireClient has its own clock, that of a counter; this much lies between it and that of the marks.
            ahead = time.monotonic_ns() - time.perf_counter_ns()
            for key in whole[CONTEXT_CHARACTERS + 1 :][:keys]:
                due = time.perf_counter() + KEY_INTERVAL_S
                asked = await wire.key(text, key)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                if asked.first_token is not None:
                    typed.append(TimedKey(int(asked.sent * 1e9) + ahead, int(asked.first_token * 1e9) + ahead))
            await wire.close(text)
    return typed


def unforeseen_from(text: str) -> str:
    """The text, but with the letters mixed within each word that will be typed."""
    start = text.index(" ", CONTEXT_CHARACTERS) + 1
    return text[:start] + prose.unforeseen(text[start:], SEED)
