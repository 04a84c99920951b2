"""How soon the first token of a keystroke's answer comes, against one bare step of the same model.

A writer has about 700 characters of prose behind the caret and types on, a key each 200 ms, asking with each. Between
keys one row after as many tokens goes through the same runner, at the precision that serves, in this process and with
nothing around it. That is the least work in which any server could answer, and what the times are set against.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field

from afterword.models import ModelFiles

from . import prose
from .afterword_server import afterword_server
from .bare_engine import BareEngine
from .report import Section, median, ms
from .wire_client import OpenDocument, WireClient

CONTEXT_CHARACTERS = 700
KEY_INTERVAL_S = 0.2
TEXTS = 3
KEYS = 60  # of each text
QUICK_KEYS = 20
KEYS_PER_ROUND = 10  # between two looks at the bare model
BARE_STEPS = 5
BARE_CONTEXT_TOKENS = 512  # as much as the text may get
GOAL_RATIO = 1.5
REST_S = 0.05  # for the worker's threads to fall asleep before the bare model runs


@dataclass(slots=True)
class _Taken:
    """What was measured: first text by kind of key, bare steps, tokens reused and computed, keys without text."""

    first_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    bare_ms: list[float] = field(default_factory=list)
    usages: list[tuple[int, int]] = field(default_factory=list)
    silent: int = 0
    errors: int = 0


async def measure(files: ModelFiles, model: str, quick: bool) -> Section:
    """Type at a server as one starts it, with bare steps in between."""
    bare = await asyncio.to_thread(BareEngine, files, "auto", BARE_CONTEXT_TOKENS, 1)
    taken = _Taken()
    async with afterword_server(model) as server, WireClient(server.url) as wire:
        for number, whole in enumerate(prose.long_texts()[:TEXTS]):
            await asyncio.to_thread(bare.fill, bare.encode(whole[:CONTEXT_CHARACTERS]))
            document = await wire.open(f"text {number}", whole[:CONTEXT_CHARACTERS])
            await wire.done(await wire.key(document, whole[CONTEXT_CHARACTERS]))  # fills the cache, and does not count
            keys = whole[CONTEXT_CHARACTERS + 1 :][: QUICK_KEYS if quick else KEYS]
            for at in range(0, len(keys), KEYS_PER_ROUND):
                await _round(wire, document, keys[at : at + KEYS_PER_ROUND], taken)
                taken.bare_ms += await asyncio.to_thread(_bare_steps, bare)
        taken.errors = len(wire.errors)
    return _section(bare.description, taken)


def _bare_steps(bare: BareEngine) -> list[float]:
    length = bare.filled_tokens - 1
    bare.step_ms(1, length)  # warms up
    return [bare.step_ms(1, length) for _ in range(BARE_STEPS)]


async def _round(wire: WireClient, document: OpenDocument, keys: str, taken: _Taken) -> None:
    """Type some keys and note what they got."""
    kinds = []
    first = document.id + 1
    for key in keys:
        due = time.perf_counter() + KEY_INTERVAL_S
        ghost = document.newest.text if document.id else ""
        kinds.append(prose.kind_of(document.before, key, ghost))
        await wire.key(document, key)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    await wire.cancel(document)
    await wire.until(lambda: all(document.asked[id].dones for id in range(first, document.id + 1)))
    await asyncio.sleep(REST_S)
    for id, kind in enumerate(kinds, first):
        ask = document.asked[id]
        assert ask.done is not None
        if ask.first_token_ms is None:
            taken.silent += 1
        else:
            taken.first_ms[kind].append(ask.first_token_ms)
            taken.usages.append((ask.done.usage.reused, ask.done.usage.computed))


def _section(description: str, taken: _Taken) -> Section:
    section = Section("First token: from a keystroke to its first token, against a bare step")
    section.note = f"A bare step is one row through the runner that serves: {description}."
    every = [value for values in taken.first_ms.values() for value in values]
    others = [
        value for kind, values in taken.first_ms.items() if kind != prose.KeystrokeKind.THROUGH for value in values
    ]
    base = median(taken.bare_ms)
    goal = f"at most {GOAL_RATIO} times the bare step"
    section.add(f"bare step ({description})", ms(taken.bare_ms))
    ratio = median(every) / base
    section.add("all keystrokes", f"{ms(every)}, {ratio:.2f} times the bare step", goal, ratio <= GOAL_RATIO)
    ratio = median(others) / base
    section.add("those not typed through", f"{ms(others)}, {ratio:.2f} times the bare step", goal, ratio <= GOAL_RATIO)
    for kind in prose.KeystrokeKind:
        times = taken.first_ms[kind]
        section.add(kind, f"{ms(times)}, {median(times) / base:.2f} times" if times else ms(times))
    section.add(
        "prompt tokens, median",
        f"{median([reused for reused, _ in taken.usages]):.0f} reused, "
        f"{median([computed for _, computed in taken.usages]):.0f} computed (n {len(taken.usages)})",
    )
    section.add("keystrokes without text before the next key", str(taken.silent))
    section.add("errors", str(taken.errors), "none", taken.errors == 0)
    section.raw = {
        "bare_ms": taken.bare_ms,
        "bare": description,
        "first_token_ms": dict(taken.first_ms),
        "usage_reused_computed": taken.usages,
    }
    return section
