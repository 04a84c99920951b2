"""How soon `done` comes once the writer has typed something else or cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from . import prose
from .afterword_server import afterword_server
from .report import Section, ms, percentile
from .wire_client import OpenDocument, WireClient

TEXTS = 3  # one after the other
ROUNDS = 20
QUICK_ROUNDS = 5
GOAL_MS = 20.0
GOAL_SHARE = 0.9
INTO_PREFILL_S = 0.15  # the long text takes ten times as long to read
TOKENS_INTO_DECODE = 3
ANSWER_WITHIN_S = 30.0

Act = Callable[[WireClient, OpenDocument], Awaitable[None]]


async def measure(model: str, quick: bool) -> Section:
    """Diverging edits and cancels, while a long text is read and while text is written."""
    section = Section("Cancellation: from a diverging edit or a cancel to done")
    rounds = QUICK_ROUNDS if quick else ROUNDS
    whole = "\n\n".join(prose.long_texts()[:TEXTS])
    async with afterword_server(model) as served, WireClient(served.url) as wire:
        acts: dict[str, Act] = {"diverging edit": diverge, "cancel": _cancel}
        for name, act in acts.items():
            prefill = [await _during_prefill(wire, whole, f"{name} {n}", act) for n in range(rounds)]
            decode = [await during_decode(wire, whole, f"{name} {n}", act) for n in range(rounds)]
            for when, times in (("long prefill", prefill), ("decode", decode)):
                worst = max(times)
                section.add(f"{name} during {when}", f"{ms(times)}, worst {worst:.1f} ms", _goal(), _met(times))
                section.raw[f"{name} during {when}"] = times
        section.add("errors", str(len(wire.errors)), "none", not wire.errors)
    return section


def _goal() -> str:
    return f"{GOAL_SHARE:.0%} within {GOAL_MS:.0f} ms"


def _met(times: list[float]) -> bool:
    return percentile(times, GOAL_SHARE) <= GOAL_MS


async def _during_prefill(wire: WireClient, whole: str, mark: str, act: Act) -> float:
    # Each text begins differently, so that nothing of it is in any cache.
    document = await wire.open("long", f"{mark}. {whole}")
    await wire.key(document, " ")
    await asyncio.sleep(INTO_PREFILL_S)
    if document.newest.tokens:
        raise RuntimeError("the text was read before it could be interrupted; this machine needs a longer one")
    took = await _until_done(wire, document, act)
    await wire.close(document)
    return took


async def during_decode(wire: WireClient, whole: str, mark: str, act: Act) -> float:
    """Milliseconds from an act to `done`, while a suggestion is written. `mark` makes the text one of its own."""
    document = await wire.open("short", f"{mark}. {whole[:200]}")
    while True:
        asked = await wire.key(document, " and", max_tokens=64)
        await wire.tokens(asked, TOKENS_INTO_DECODE)
        if not asked.dones:
            break  # else the model had little to say; ask for more
    took = await _until_done(wire, document, act)
    await wire.close(document)
    return took


async def _until_done(wire: WireClient, document: OpenDocument, act: Act) -> float:
    newest = document.newest
    began = time.perf_counter()
    await act(wire, document)
    async with asyncio.timeout(ANSWER_WITHIN_S):
        await wire.until(lambda: newest.dones > 0)
    assert newest.done_at is not None
    return (newest.done_at - began) * 1000


async def diverge(wire: WireClient, document: OpenDocument) -> None:
    """Type what no suggestion says."""
    await wire.type(document, "¶")


async def _cancel(wire: WireClient, document: OpenDocument) -> None:
    await wire.cancel(document)
