"""How keystrokes are answered: typed through, without a step of the model, or with one; in prose and in what nobody
foresees.

The replay's writers type at a server that notes its steps (`instrumented_server`). The client knows which keys were
typed through: the ghost text began with the key, and more of it was left. The server knows its steps: a key needed one
if a step that computed rows of its document, still wanted at its end, ended between the key and its first text. All
other keys that were answered got text that the server had already, or could choose from what it remembers.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .instrumented_server import NotedStep, instrumented_server, read_steps
from .replay.afterword_client import AfterwordClient
from .replay.outcomes import PROSE, UNFORESEEN, Load, Outcome
from .replay.server import StartedServer
from .replay.servers import AFTERWORD, MAX_TOKENS
from .replay.stop_rule import StopRule
from .replay.tables import TEXT_TITLES
from .replay.trials import open_all, type_all, typists_at
from .replay.typist import ClientKind, ServerClient
from .report import Section, median, spread

CONTEXT_CHARACTERS = 300
GAP_MS = 200
WRITERS = (1, 8)
SECONDS = {1: 40.0, 8: 15.0}  # of typing, by writers
QUICK_SECONDS = {1: 10.0, 8: 5.0}
EDITION = 1_000_000  # far from those of the replay, so that no text begins as one there does


class Answered(StrEnum):
    """How a keystroke got its first text."""

    THROUGH = "typed through"
    WITHOUT_STEP = "answered without a step"
    WITH_STEP = "needed a step"
    NOT = "no answer before the next key"


@dataclass(frozen=True, slots=True)
class Typed:
    """What one writer typed. `pressed`: nanoseconds of the system's monotonic clock, one for each outcome.

    `opened`: from when to when the document was opened.
    """

    outcomes: Sequence[Outcome]
    pressed: Sequence[int]
    opened: tuple[int, int]


async def measure(model: str, quick: bool, stop: str) -> Section:
    """Type prose, and text that nobody foresees, with one writer and with several."""
    seconds = QUICK_SECONDS if quick else SECONDS
    loads = [
        Load(writers, CONTEXT_CHARACTERS, GAP_MS, ClientKind.PLAIN, text)
        for text in (PROSE, UNFORESEEN)
        for writers in WRITERS
    ]
    typed: dict[Load, list[Typed]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with instrumented_server(model, Path(folder)) as process:

            async def client(number: int) -> ServerClient:
                return await AfterwordClient.connect(process.url, MAX_TOKENS, StopRule(stop).stop)

            server = StartedServer(AFTERWORD, client, process.tree)
            for number, load in enumerate(loads):
                typed[load] = await _type(server, load, EDITION + number, seconds[load.writers])
                await server.rest()
        steps = read_steps(Path(folder))
    return _section({load: ways_of(writers, steps) for load, writers in typed.items()})


def ways_of(writers: Sequence[Typed], steps: Sequence[NotedStep]) -> list[tuple[Answered, float]]:
    """How each keystroke of some writers was answered, and after how many milliseconds. `steps` rise."""
    ways = []
    for typed in writers:
        document = document_of(typed, steps)
        ends = [step.done for step in steps if document in step.documents]
        for outcome, pressed in zip(typed.outcomes, typed.pressed, strict=True):
            ways.append((way_of(outcome, pressed, ends), outcome.answer_ms))
    return ways


def document_of(typed: Typed, steps: Sequence[NotedStep]) -> str:
    """The worker's name for a writer's document: the one whose first step began while it was opened.

    Raises LookupError unless there is exactly one; documents are opened one after another, so there is.
    """
    began, ended = typed.opened
    seen = {name for step in steps if step.begun < began for name in step.documents}
    new = {name for step in steps if began <= step.begun <= ended for name in step.documents} - seen
    if len(new) != 1:
        raise LookupError(f"{len(new)} documents were new while one was opened")
    return new.pop()


def way_of(outcome: Outcome, pressed: int, step_ends: Sequence[int]) -> Answered:
    """How a keystroke was answered, by the ends of its document's steps; times are nanoseconds."""
    if outcome.answer_ms == float("inf"):
        return Answered.NOT
    if outcome.typed_through:
        return Answered.THROUGH
    answered = pressed + outcome.answer_ms * 1e6
    return Answered.WITH_STEP if any(pressed < end < answered for end in step_ends) else Answered.WITHOUT_STEP


async def _type(server: StartedServer, load: Load, edition: int, seconds: float) -> list[Typed]:
    async with typists_at(server, load, edition, seconds) as (typists, scripts):
        await open_all(typists)
        await type_all(typists, scripts, load)
    return [
        Typed(
            typist.outcomes,
            [_monotonic(at) for at in typist.pressed],
            (_monotonic(typist.opened[0]), _monotonic(typist.opened[1])),
        )
        for typist in typists
    ]


def _monotonic(perf_counter_s: float) -> int:
    """A time of the counter that clients use, on the clock of the marks."""
    return int(perf_counter_s * 1e9) + time.monotonic_ns() - time.perf_counter_ns()


def _section(ways: dict[Load, list[tuple[Answered, float]]]) -> Section:
    section = Section("Keystrokes, by how they were answered: afterword, plain client, a key each 200 ms")
    section.table = [["text", "writers", "keystrokes that were", "share", "to first text, ms: median (10th-90th, n)"]]
    shares: dict[str, dict[str, dict[str, float]]] = {}
    for load, answered in ways.items():
        for way in Answered:
            times = [ms for one, ms in answered if one is way]
            share = len(times) / len(answered)
            if times or way is not Answered.NOT:
                cells = [TEXT_TITLES[load.text], str(load.writers), str(way), f"{share:.0%}", spread(times)]
                section.table.append(cells)
            shares.setdefault(load.text, {}).setdefault(str(load.writers), {})[str(way)] = share
        every = [ms for _, ms in answered]
        section.table.append([TEXT_TITLES[load.text], str(load.writers), "all", "100%", spread(every)])
    section.raw = {
        "shares": shares,
        "keystrokes": [
            {"text": load.text, "writers": load.writers, "how": str(way), "ms": None if ms == float("inf") else ms}
            for load, answered in ways.items()
            for way, ms in answered
        ],
        "medians_ms": {
            f"{load.text} {load.writers} {way}": median([ms for one, ms in answered if one is way])
            for load, answered in ways.items()
            for way in (Answered.THROUGH, Answered.WITHOUT_STEP, Answered.WITH_STEP)
            if any(one is way for one, _ in answered)
        },
    }
    return section
