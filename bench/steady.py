"""Whether a server holds out: eight writers typing at once, and many more open documents than there is cache for."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable

from afterword.models import ModelFiles

from . import prose
from .report import Section, ms
from .servers import Served, two_processes
from .wire import Asked, Text, Wire

WRITERS = 8
KEY_INTERVAL_S = 0.2
TYPING_S = 60.0
DOCUMENTS = 200
CONNECTIONS = 4
AT_ONCE = 8  # documents asked at the same time
MANY_S = 60.0
QUICK_S = 10.0
CACHE_MIB = 256
SETTLE_WITHIN_S = 60.0
OVERHEAD_MIB = 512  # of the engine's process beside weights and caches: torch, transformers, what a step needs
GLANCE_S = 0.5


async def measure(files: ModelFiles, model: str, quick: bool) -> list[Section]:
    """Both loads on one server with a small cache."""
    async with two_processes(model, f"--cache-mb={CACHE_MIB}") as served:
        peaks = Peaks(served)
        async with peaks.watching():
            writers = await _writers(served, QUICK_S if quick else TYPING_S)
            many = await _many_documents(served, QUICK_S if quick else MANY_S)
        many.raw["memory_mib"] = {"start": peaks.start_mib, "most": peaks.most_mib}
        weights_mib = sum(file.stat().st_size for file in files.folder.glob("*.safetensors")) / 2**20
        budget_mib = weights_mib + CACHE_MIB + OVERHEAD_MIB
        many.add("memory of the gateway", f"{peaks.start_mib[0]:.0f} MiB at the start, {peaks.most_mib[0]:.0f} at most")
        many.add(
            "memory of the engine",
            f"{peaks.start_mib[1]:.0f} MiB at the start, {peaks.most_mib[1]:.0f} at most; "
            f"weights {weights_mib:.0f}, cache {CACHE_MIB}",
            f"at most weights, cache and {OVERHEAD_MIB} MiB",
            peaks.most_mib[1] <= budget_mib,
        )
    return [writers, many]


class Peaks:
    """The memory of a server over time."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.start_mib = served.memory_mib()
        self.most_mib = self.start_mib

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep looking while the context lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            self._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(GLANCE_S)

    def _look(self) -> None:
        self.most_mib = [max(pair) for pair in zip(self.most_mib, self._served.memory_mib(), strict=True)]


async def _writers(served: Served, seconds: float) -> Section:
    section = Section(f"Steady: {WRITERS} writers, a key each {KEY_INTERVAL_S * 1000:.0f} ms, for {seconds:.0f} s")
    dice = random.Random(1)
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(Wire(served.url)) for _ in range(WRITERS)]
        deadline = time.perf_counter() + seconds
        await asyncio.gather(
            *(_type(wire, n, deadline, dice.uniform(0, KEY_INTERVAL_S)) for n, wire in enumerate(wires))
        )
        await _all_done(wires)
        _count(section, wires)
    return section


async def _type(wire: Wire, number: int, deadline: float, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    texts = prose.long_texts()
    whole = texts[number % len(texts)]
    start = 100 + 150 * (number // len(texts))
    text = await wire.open("text", whole[:start])
    due = time.perf_counter()
    for key in whole[start:]:
        if time.perf_counter() >= deadline:
            return
        await wire.key(text, key)
        due += KEY_INTERVAL_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


async def _many_documents(served: Served, seconds: float) -> Section:
    section = Section(f"Steady: {DOCUMENTS} open documents, {AT_ONCE} asked at a time, for {seconds:.0f} s")
    whole = "\n\n".join(prose.texts())
    dice = random.Random(2)
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(Wire(served.url)) for _ in range(CONNECTIONS)]
        texts: list[tuple[Wire, Text]] = []
        for number in range(DOCUMENTS):
            wire = wires[number % CONNECTIONS]
            start = dice.randrange(len(whole) - 400)
            texts.append((wire, await wire.open(f"text {number}", whole[start : start + 300])))
        dice.shuffle(texts)
        deadline = time.perf_counter() + seconds
        await asyncio.gather(*(_ask_in_turn(texts[n::AT_ONCE], deadline) for n in range(AT_ONCE)))
        await _all_done(wires)
        _count(section, wires)
    return section


async def _ask_in_turn(texts: list[tuple[Wire, Text]], deadline: float) -> None:
    """Ask one document after the other, each when the one before is done."""
    while True:
        for wire, text in texts:
            if time.perf_counter() >= deadline:
                return
            await wire.done(await wire.key(text, "s ", max_tokens=8))


async def _all_done(wires: Iterable[Wire]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_WITHIN_S):
            for wire in wires:
                for asked in _asked(wire):
                    await wire.done(asked)
                await wire.settle()  # for a second done of the same ask, should there be one


def _asked(wire: Wire) -> list[Asked]:
    return [asked for text in wire.texts.values() for asked in text.asked.values()]


def _count(section: Section, wires: list[Wire]) -> None:
    asked = [one for wire in wires for one in _asked(wire)]
    first = [one.first_token_ms for one in asked if one.first_token_ms is not None]
    reasons = Counter(str(one.done.reason) for one in asked if one.done is not None)
    amiss = sum(one.dones != 1 for one in asked)
    errors = Counter(str(error.code) for wire in wires for error in wire.errors)
    section.add("keystroke to first token", ms(first))
    section.add("answered with text before the next keystroke", f"{len(first)} of {len(asked)}")
    section.add("asks without exactly one done", str(amiss), "none", amiss == 0)
    failed = reasons["error"] + reasons["busy"]
    section.add("errors", str(errors.total() + failed), "none", not errors and not failed)
    section.raw = {"first_token_ms": first, "reasons": dict(reasons), "errors": dict(errors)}
