"""The model without its server: the time of one step for one document and for many, and its loss on prose.

The core is the one that the worker runs, loaded in this process in the same way. A step is timed as a keystroke causes
it at the least: one row is computed for each document, after all the text that its cache holds.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

from afterword.models import ModelFiles

from .bare_engine import BareEngine, Loss, token_ids
from .plot import Panel
from .report import Section, median, ms

DOCUMENTS = (1, 2, 4, 8, 16, 32, 64)
QUICK_DOCUMENTS = (1, 8, 32)
TOKENS = 128  # of each document
LENGTHS = (128, 1024, 2048)  # tokens of a single document
STEPS = 30
QUICK_STEPS = 12
ROUNDS = 3  # through all sizes, so that a busy moment of the machine does not fall on one of them alone
LOSS_TOKENS = 1 << 20  # of each text, all
QUICK_LOSS_TOKENS = 128
GOAL_MS = 25.0
GOAL_RATIO = 1.8
GOAL_LOSS = 0.005
FULL = "float32"


async def measure(files: ModelFiles, quick: bool) -> list[Section]:
    """Steps and loss in the precision that is the default here, and the loss in float32."""
    return await asyncio.to_thread(_measure, files, quick)


def panels(sections: Sequence[Section]) -> list[Panel]:
    """Step time against the number of documents."""
    for section in sections:
        steps: Any = section.raw.get("step_ms")
        if steps:
            line = [(float(documents), median(times)) for documents, times in steps.items()]
            return [Panel("One step, one row of each document", "documents", "ms, median", {"afterword": line})]
    return []


def _measure(files: ModelFiles, quick: bool) -> list[Section]:
    engine = BareEngine(files, "auto", max(LENGTHS) + 1, max(DOCUMENTS))
    ids = token_ids(engine)
    section = Section(f"The model: {engine.description}")
    engine.fill([token for text in ids for token in text])
    count = QUICK_STEPS if quick else STEPS
    documents = QUICK_DOCUMENTS if quick else DOCUMENTS
    steps = _rounds(engine, {number: (number, TOKENS) for number in documents}, count)
    fitting = [length for length in LENGTHS if length < engine.filled_tokens]
    lengths = _rounds(engine, {length: (1, length) for length in fitting}, count)
    one, eight = median(steps[1]), median(steps[8])
    section.add("one step, one row", ms(steps[1]), f"at most {GOAL_MS:.0f} ms", one <= GOAL_MS)
    section.add(
        "one step, one row of each of 8 documents",
        f"{ms(steps[8])}, {eight / one:.2f} times one row",
        f"at most {GOAL_RATIO} times one row",
        eight <= GOAL_RATIO * one,
    )
    for number, times in steps.items():
        if number not in (1, 8):
            section.add(f"one step, {number} documents", f"{ms(times)}, {median(times) / number:.1f} ms for each")
    for length, times in lengths.items():
        section.add(f"one step, one row after {length} tokens", ms(times))
    reading = engine.read_once_ms()
    section.add("reading the weights once would take", f"{reading:.1f} ms, {reading / one:.0%} of a step")
    section.raw = {"step_ms": steps, "length_ms": lengths, "read_once_ms": reading, "dtype": engine.dtype}
    limit = QUICK_LOSS_TOKENS if quick else LOSS_TOKENS
    losses = [engine.loss(text[:limit]) for text in ids]
    dtype = engine.dtype
    del engine
    gc.collect()
    return [section, _loss_section(files, ids, dtype, losses, limit)]


def _rounds(engine: BareEngine, sizes: dict[int, tuple[int, int]], steps: int) -> dict[int, list[float]]:
    """Milliseconds of so many steps of each size (documents and their tokens), in turns."""
    times: dict[int, list[float]] = {key: [] for key in sizes}
    for _ in range(ROUNDS):
        for key, size in sizes.items():
            engine.step_ms(*size)  # the first one warms up
            times[key] += [engine.step_ms(*size) for _ in range(steps // ROUNDS)]
    return times


def _loss_section(files: ModelFiles, ids: list[list[int]], dtype: str, losses: list[Loss], limit: int) -> Section:
    section = Section("The model's loss on the prose that is typed here")
    section.raw = {"dtype": dtype, "loss": [(one.total, one.tokens) for one in losses]}
    mean = _mean(losses)
    section.add(f"loss in {dtype}", f"{mean:.4f} ({sum(one.tokens for one in losses)} tokens)")
    if dtype == FULL:
        section.add(f"against {FULL}", "nothing to compare: it is the default here")
        return section
    full_engine = BareEngine(files, FULL, max(LENGTHS) + 1, 1)
    full = [full_engine.loss(text[:limit]) for text in ids]
    del full_engine
    gc.collect()
    section.raw[f"loss_{FULL}"] = [(one.total, one.tokens) for one in full]
    worse = mean / _mean(full) - 1
    section.add(f"loss in {FULL}", f"{_mean(full):.4f}")
    section.add(f"{dtype} against {FULL}", f"{worse:+.2%}", f"at most {GOAL_LOSS:.1%} worse", worse <= GOAL_LOSS)
    section.raw["worse"] = worse
    return section


def _mean(losses: Sequence[Loss]) -> float:
    return sum(one.total for one in losses) / sum(one.tokens for one in losses)
