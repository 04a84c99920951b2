"""Whether a server with default settings holds out: eight writers at once, and more documents than its cache holds."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from afterword.models import ModelFiles

from . import prose
from .afterword_server import ServeProcess, afterword_server, default_cache_mib
from .processes import PeakMemory
from .report import Section, ms
from .wire_client import OpenDocument, WireClient

WRITERS = 8
KEY_INTERVAL_S = 0.2
TYPING_S = 60.0
DOCUMENTS = 200
CONNECTIONS = 4
AT_ONCE = 8  # documents asked at the same time
MANY_S = 60.0
QUICK_S = 10.0
SETTLE_WITHIN_S = 60.0
OVERHEAD_MIB = 512  # of the worker's process beside weights and caches: torch, transformers, what a step needs


async def measure(files: ModelFiles, model: str, quick: bool) -> list[Section]:
    """Both loads on one server with its default settings."""
    cache_mib = default_cache_mib()
    async with afterword_server(model) as server:
        memory = PeakMemory(server.memory_mib)
        async with memory.watching():
            writers = await _writers(server, QUICK_S if quick else TYPING_S)
            many = await _many_documents(server, QUICK_S if quick else MANY_S)
        many.raw["memory_mib"] = {"start": memory.start_mib, "most": memory.most_mib}
        weights_mib = sum(file.stat().st_size for file in files.folder.glob("*.safetensors")) / 2**20
        budget_mib = weights_mib + cache_mib + OVERHEAD_MIB
        gateway, worker = zip(memory.start_mib, memory.most_mib, strict=True)
        many.add("memory of the gateway", f"{gateway[0]:.0f} MiB at the start, {gateway[1]:.0f} at most")
        many.add(
            "memory of the worker",
            f"{worker[0]:.0f} MiB at the start, {worker[1]:.0f} at most; weights {weights_mib:.0f}, cache {cache_mib}",
            f"at most weights, cache and {OVERHEAD_MIB} MiB",
            worker[1] <= budget_mib,
        )
    return [writers, many]


async def _writers(server: ServeProcess, seconds: float) -> Section:
    section = Section(f"Steady: {WRITERS} writers, a key each {KEY_INTERVAL_S * 1000:.0f} ms, for {seconds:.0f} s")
    dice = random.Random(1)
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(WireClient(server.url)) for _ in range(WRITERS)]
        deadline = time.perf_counter() + seconds
        await asyncio.gather(
            *(_type(wire, n, deadline, dice.uniform(0, KEY_INTERVAL_S)) for n, wire in enumerate(wires))
        )
        await _all_done(wires)
        count_answers(section, wires)
    return section


async def _type(wire: WireClient, number: int, deadline: float, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    texts = prose.long_texts()
    whole = texts[number % len(texts)]
    start = 100 + 150 * (number // len(texts))
    document = await wire.open("text", whole[:start])
    due = time.perf_counter()
    for key in whole[start:]:
        if time.perf_counter() >= deadline:
            return
        await wire.key(document, key)
        due += KEY_INTERVAL_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


async def _many_documents(server: ServeProcess, seconds: float) -> Section:
    section = Section(
        f"Steady: {DOCUMENTS} open documents, {AT_ONCE} asked at a time, for {seconds:.0f} s, default settings"
    )
    whole = "\n\n".join(prose.texts())
    dice = random.Random(2)
    async with contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(WireClient(server.url)) for _ in range(CONNECTIONS)]
        documents: list[tuple[WireClient, OpenDocument]] = []
        for number in range(DOCUMENTS):
            wire = wires[number % CONNECTIONS]
            start = dice.randrange(len(whole) - 400)
            documents.append((wire, await wire.open(f"text {number}", whole[start : start + 300])))
        dice.shuffle(documents)
        deadline = time.perf_counter() + seconds
        await asyncio.gather(*(_ask_in_turn(documents[n::AT_ONCE], deadline) for n in range(AT_ONCE)))
        await _all_done(wires)
        count_answers(section, wires)
    return section


async def _ask_in_turn(documents: list[tuple[WireClient, OpenDocument]], deadline: float) -> None:
    """Ask one document after the other, each when the one before is done."""
    while True:
        for wire, document in documents:
            if time.perf_counter() >= deadline:
                return
            await wire.done(await wire.key(document, "s ", max_tokens=8))


async def _all_done(wires: Iterable[WireClient]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_WITHIN_S):
            for wire in wires:
                for ask in wire.asked:
                    await wire.done(ask)
                await wire.settle()  # for a second done of the same ask, should there be one


def count_answers(section: Section, wires: Sequence[WireClient]) -> None:
    """Add what became of everything that was asked for to a section."""
    asked = [ask for wire in wires for ask in wire.asked]
    first = [ask.first_token_ms for ask in asked if ask.first_token_ms is not None]
    reasons = Counter(str(ask.done.reason) for ask in asked if ask.done is not None)
    amiss = sum(ask.dones != 1 for ask in asked)
    errors = Counter(str(error.code) for wire in wires for error in wire.errors)
    section.add("keystroke to first token", ms(first))
    section.add("answered with text before the next keystroke", f"{len(first)} of {len(asked)}")
    section.add("asks without exactly one done", str(amiss), "none", amiss == 0)
    failed = reasons["error"] + reasons["busy"]
    section.add("errors", str(errors.total() + failed), "none", not errors and not failed)
    section.raw = {"first_token_ms": first, "reasons": dict(reasons), "errors": dict(errors)}
