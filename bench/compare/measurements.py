"""What is measured of a checkout: its server from the outside, by its command line, its WebSocket and `/metrics`.

What lives here: one function for each measurement. Each takes a server that runs and gives back values by figure.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from afterword_protocol.messages import Reason, Stop

from .. import prose
from ..afterword_server import ServeProcess
from ..cancellation import diverge, during_decode
from ..replay.script import opening
from ..replay.token_counter import TOLD_EACH_S, total
from ..wire_client import TimedAsk, WireClient

KEY_INTERVAL_S = 0.2
CONTEXT_CHARACTERS = 300
WRITERS = {1: 60, 8: 40}  # keys of each, by number of writers
OPEN_CHARACTERS = 6000
OPENINGS = 4
DIVERGENCES = 12
IDLE_SETTLE_S = 2.0
IDLE_WATCHED_S = 8.0
IDLE_CLIENTS = 8
DOCUMENTS = (1, 4, 8, 16, 64)  # that write at the same time
STEP_TOKENS = 24
STEP_REPETITIONS = 3
STEP_CONNECTIONS = 4
ROOM = ("--context-tokens=512", "--cache-mb=4096")  # for 64 documents at once
ANSWER_WITHIN_S = 60.0
FETCH_WITHIN_S = 5.0
NO_ANSWER = frozenset({Reason.SUPERSEDED, Reason.DIVERGED, Reason.CANCELLED, Reason.BUSY, Reason.ERROR, Reason.STALE})
STEP_SECONDS = "afterword_engine_step_seconds"

Values = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """`measure`: of a server, in the round of a number. `arguments`: further ones of the server that it needs.

    `about_s`: how long it takes.
    """

    measure: Callable[[ServeProcess, int], Awaitable[Values]]
    about_s: float
    arguments: tuple[str, ...] = ()


async def start(server: ServeProcess, number: int) -> Values:
    """How long the server took to start."""
    return {"start to ready": [server.start_s * 1000]}


async def idle(server: ServeProcess, number: int) -> Values:
    """Processor time while nobody types, in parts per thousand of a core."""
    await asyncio.sleep(IDLE_SETTLE_S)
    values = {"idle, no connection": [await _share(server)]}
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(IDLE_CLIENTS):
            wire = await stack.enter_async_context(WireClient(server.url))
            document = await wire.open("text", "Nobody types here.")
            await wire.done(await wire.key(document, " "))
        await asyncio.sleep(IDLE_SETTLE_S)
        values[f"idle, {IDLE_CLIENTS} silent connections"] = [await _share(server)]
    return values


async def typed_prose(server: ServeProcess, number: int) -> Values:
    """Keystroke to first text in prose."""
    return {
        f"key in prose, {_writers(writers)}": await _typing(server, number, writers, keys, lambda text, seed: text)
        for writers, keys in WRITERS.items()
    }


async def typed_unforeseen(server: ServeProcess, number: int) -> Values:
    """Keystroke to first text in words with their letters mixed."""
    return {
        f"key in text nobody foresees, {_writers(writers)}": await _typing(
            server, number, writers, keys, prose.unforeseen
        )
        for writers, keys in WRITERS.items()
    }


async def opened(server: ServeProcess, number: int) -> Values:
    """From opening a long text to the first text at its end."""
    times = []
    async with WireClient(server.url) as wire:
        for at in range(OPENINGS):
            before, _ = opening(prose.texts(), at, OPEN_CHARACTERS, _edition(number))
            began = time.perf_counter()
            document = await wire.open(f"text {at}", before)
            ask = await wire.suggest(document, since=began)
            await wire.done(ask)
            times.append(answer_ms(ask))
            await wire.close(document)
    return {f"open {OPEN_CHARACTERS:,} characters": times}


async def diverged(server: ServeProcess, number: int) -> Values:
    """From an edit that diverges, while text is written, to `done`."""
    whole = prose.long_texts()[0]
    async with WireClient(server.url) as wire:
        times = [await during_decode(wire, whole, f"{number} {at}", diverge) for at in range(DIVERGENCES)]
    return {"diverging edit to done": times}


async def steps(server: ServeProcess, number: int) -> Values:
    """Time of a step, and of a suggestion of each, while so many documents write at the same time."""
    values: Values = {}
    for documents in DOCUMENTS:
        name = f"{documents} document{'s' if documents > 1 else ''} at once"
        means, whole = await _writing_at_once(server, documents, _edition(number) + documents)
        values[f"step, {name}"] = means
        values[f"{STEP_TOKENS} tokens each, {name}"] = whole
    return {figure: times for figure, times in values.items() if times}


MEASUREMENTS: Mapping[str, Measurement] = {
    "start": Measurement(start, 0),
    "idle": Measurement(idle, 22),
    "prose": Measurement(typed_prose, 24),
    "unforeseen": Measurement(typed_unforeseen, 25),
    "open": Measurement(opened, 8),
    "diverge": Measurement(diverged, 6),
    "steps": Measurement(steps, 50, ROOM),
}


def answer_ms(ask: TimedAsk) -> float:
    """Until there was text, or the word that there is none; infinite if neither came."""
    if ask.first_token_ms is not None:
        return ask.first_token_ms
    if ask.done is None or ask.done_at is None or ask.done.reason in NO_ANSWER:
        return math.inf
    return (ask.done_at - ask.sent) * 1000


async def _typing(
    server: ServeProcess, number: int, writers: int, keys: int, change: Callable[[str, int], str]
) -> list[float]:
    """Type at a steady pace with so many writers; the milliseconds of each key's answer."""
    dice = random.Random(writers)
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(WireClient(server.url)) for _ in range(writers)]

        async def write(at: int, wire: WireClient, delay_s: float) -> list[float]:
            before, to_type = opening(prose.texts(), at, CONTEXT_CHARACTERS, _edition(number))
            to_type = change(to_type, at)
            document = await wire.open("text", before)
            await wire.done(await wire.key(document, to_type[0]))  # fills the cache, and does not count
            await asyncio.sleep(delay_s)
            asked = []
            due = time.perf_counter()
            for key in to_type[1 : keys + 1]:
                asked.append(await wire.key(document, key))
                due += KEY_INTERVAL_S
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            times = [answer_ms(ask) for ask in asked]
            await wire.cancel(document)
            return times

        delays = [dice.uniform(0, KEY_INTERVAL_S) for _ in wires]
        every = await asyncio.gather(*(write(at, *pair) for at, pair in enumerate(zip(wires, delays, strict=True))))
    return [time_ms for times in every for time_ms in times]


async def _writing_at_once(server: ServeProcess, documents: int, edition: int) -> tuple[list[float], list[float]]:
    """Mean steps, and times until all of so many suggestions were whole, in ms; no steps if they are not told."""
    means, whole = [], []
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(WireClient(server.url)) for _ in range(STEP_CONNECTIONS)]
        opened_documents = []
        for at in range(documents):
            before, _ = opening(prose.texts(), at, CONTEXT_CHARACTERS, edition)
            wire = wires[at % len(wires)]
            document = await wire.open(f"text {at}", before)
            await wire.done(await wire.suggest(document, max_tokens=1))
            opened_documents.append((wire, document))
        for _ in range(STEP_REPETITIONS):
            for wire, document in opened_documents:
                await wire.type(document, "and ")
            for wire in wires:
                await wire.settle()
            await asyncio.sleep(TOLD_EACH_S)
            before_steps = await asyncio.to_thread(_steps_so_far, server)
            began = time.perf_counter()
            asked = [
                (wire, await wire.suggest(document, STEP_TOKENS, Stop.NONE, since=began))
                for wire, document in opened_documents
            ]
            async with asyncio.timeout(ANSWER_WITHIN_S):
                for wire, ask in asked:
                    await wire.done(ask)
            whole.append(max((ask.done_at or math.inf) - began for _, ask in asked) * 1000)
            await asyncio.sleep(TOLD_EACH_S)
            after_steps = await asyncio.to_thread(_steps_so_far, server)
            if before_steps and after_steps and after_steps[1] > before_steps[1]:
                spent_s, count = (after - before for after, before in zip(after_steps, before_steps, strict=True))
                means.append(1000 * spent_s / count)
    return means, whole


def _steps_so_far(server: ServeProcess) -> tuple[float, float] | None:
    """Seconds of all steps and their number, as the server counts them; None if it does not."""
    try:
        with urllib.request.urlopen(f"{server.http_url}/metrics", timeout=FETCH_WITHIN_S) as answer:
            page = answer.read().decode()
    except OSError:
        return None
    seconds, count = (total(page, [f"{STEP_SECONDS}_{part}"]) for part in ("sum", "count"))
    return None if seconds is None or count is None else (seconds, count)


async def _share(server: ServeProcess) -> float:
    before = server.cpu_s()
    await asyncio.sleep(IDLE_WATCHED_S)
    return 1000 * (server.cpu_s() - before) / IDLE_WATCHED_S


def _edition(number: int) -> int:
    """A number that begins the texts of a round, so that they are the same for both sides and no other round's."""
    return 3_000_000 + 1000 * number


def _writers(count: int) -> str:
    return f"{count} writer{'' if count == 1 else 's'}"


def named(names: Sequence[str]) -> dict[str, Measurement]:
    """The measurements of these names, all if there are none, in their order."""
    return {name: one for name, one in MEASUREMENTS.items() if not names or name in names}
