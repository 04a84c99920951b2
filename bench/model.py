"""The model without its server: the time of one step for one document and for many, and its loss on prose.

The core is the one that the engine's process runs, loaded in this one in the same way. A step is timed as a keystroke
causes it at the least: one row is computed for each document, after all the text that its cache holds.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from afterword.engine.options import EngineOptions
from afterword.models import ModelFiles
from afterword.models.files import read_json
from afterword.text.vocabulary import Vocabulary
from afterword.worker.core import EngineCore
from afterword.worker.loading import Loaded, load_core
from afterword.worker.model.step import Span, Step

from . import prose
from .plot import Panel
from .replay.hosts import Room, cache_mib
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
READ_MIB = 256
READS = 7
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
    loaded = load(files, "auto", max(LENGTHS) + 1, max(DOCUMENTS))
    ids = token_ids(files)
    section = Section(f"The model: {loaded.ready.dtype} on {loaded.ready.device}")
    timed = Timed(loaded.core, [token for text in ids for token in text])
    steps = timed.by_documents(QUICK_DOCUMENTS if quick else DOCUMENTS, QUICK_STEPS if quick else STEPS)
    lengths = timed.by_length(LENGTHS, QUICK_STEPS if quick else STEPS)
    one, eight = median(steps[1]), median(steps[8])
    section.add("one step, one row", ms(steps[1]), f"at most {GOAL_MS:.0f} ms", one <= GOAL_MS)
    section.add(
        "one step, one row of each of 8 documents",
        f"{ms(steps[8])}, {eight / one:.2f} times one row",
        f"at most {GOAL_RATIO} times one row",
        eight <= GOAL_RATIO * one,
    )
    for documents, times in steps.items():
        if documents not in (1, 8):
            section.add(f"one step, {documents} documents", f"{ms(times)}, {median(times) / documents:.1f} ms for each")
    for length, times in lengths.items():
        section.add(f"one step, one row after {length} tokens", ms(times))
    reading = read_once_ms(loaded.core)
    section.add(
        "reading the weights once would take",
        f"{reading:.1f} ms, {reading / one:.0%} of a step",
    )
    section.raw = {"step_ms": steps, "length_ms": lengths, "read_once_ms": reading, "dtype": loaded.ready.dtype}
    limit = QUICK_LOSS_TOKENS if quick else LOSS_TOKENS
    losses = [loss(loaded.core, text[:limit]) for text in ids]
    dtype = loaded.ready.dtype
    del loaded, timed
    gc.collect()
    return [section, _loss_section(files, ids, dtype, losses, limit)]


def _loss_section(files: ModelFiles, ids: list[list[int]], dtype: str, losses: list[Loss], limit: int) -> Section:
    section = Section("The model's loss on the prose that is typed here")
    section.raw = {"dtype": dtype, "loss": [(one.total, one.tokens) for one in losses]}
    mean = _mean(losses)
    section.add(f"loss in {dtype}", f"{mean:.4f} ({sum(one.tokens for one in losses)} tokens)")
    if dtype == FULL:
        section.add(f"against {FULL}", "nothing to compare: it is the default here")
        return section
    full_core = load(files, FULL, max(LENGTHS) + 1, 1).core
    full = [loss(full_core, text[:limit]) for text in ids]
    del full_core
    gc.collect()
    section.raw[f"loss_{FULL}"] = [(one.total, one.tokens) for one in full]
    worse = mean / _mean(full) - 1
    section.add(f"loss in {FULL}", f"{_mean(full):.4f}")
    section.add(f"{dtype} against {FULL}", f"{worse:+.2%}", f"at most {GOAL_LOSS:.1%} worse", worse <= GOAL_LOSS)
    section.raw["worse"] = worse
    return section


class Timed:
    """Times steps of a core that has nothing else to do."""

    def __init__(self, core: EngineCore, ids: Sequence[int]) -> None:
        """Put a text into the cache of every slot."""
        self._core = core
        self._ids = ids[: core.config.context_tokens]
        forward(core, self._ids, lambda start, logits: None)
        for held in (core.caches.keys, core.caches.values):
            for tensor in held.values():
                tensor[1:] = tensor[:1]

    def by_documents(self, counts: Sequence[int], steps: int) -> dict[int, list[float]]:
        """Milliseconds of steps that compute one row of each of so many documents."""
        return self._rounds({count: (count, TOKENS) for count in counts}, steps)

    def by_length(self, lengths: Sequence[int], steps: int) -> dict[int, list[float]]:
        """Milliseconds of steps that compute one row of a document of so many tokens."""
        return self._rounds({length: (1, length) for length in lengths if length < len(self._ids)}, steps)

    def step_ms(self, documents: int, length: int) -> float:
        """Milliseconds of one step with one row of each of so many documents of so many tokens."""
        spans = [Span(slot, slot, length, [self._ids[length]], [length], [0]) for slot in range(documents)]
        began = time.perf_counter()
        logits = self._core._runner.forward(Step(self._core.caches, spans))
        logits[:, 0].tolist()  # the step is over when its logits can be read
        return (time.perf_counter() - began) * 1000

    def _rounds(self, sizes: dict[int, tuple[int, int]], steps: int) -> dict[int, list[float]]:
        times: dict[int, list[float]] = {key: [] for key in sizes}
        for _ in range(ROUNDS):
            for key, size in sizes.items():
                self.step_ms(*size)  # the first one warms up
                times[key] += [self.step_ms(*size) for _ in range(steps // ROUNDS)]
        return times


def forward(core: EngineCore, ids: Sequence[int], take: Callable[[int, Tensor], None]) -> None:
    """Run the model over a text in the first slot, in spans as long as prefill has them.

    `take` gets the first position of each span and the logits after each of its tokens.
    """
    for start in range(0, len(ids), core.config.step_tokens):
        tokens = list(ids[start : start + core.config.step_tokens])
        rows = list(range(len(tokens)))
        span = Span(0, 0, start, tokens, [start + row for row in rows], rows)
        # A core answers requests, and no request asks for the logits of its prompt; so its runner is asked directly.
        take(start, core._runner.forward(Step(core.caches, [span])))


@dataclass(frozen=True, slots=True)
class Loss:
    """Cross entropy in nats, summed over so many tokens."""

    total: float
    tokens: int


def loss(core: EngineCore, ids: Sequence[int]) -> Loss:
    """What the model makes of a text, cut to the core's context."""
    ids = ids[: core.config.context_tokens]
    totals = []

    def take(start: int, logits: Tensor) -> None:
        targets = torch.tensor(ids[start + 1 : start + 1 + len(logits)], device=logits.device)
        entropy = torch.nn.functional.cross_entropy(logits[: len(targets)].float(), targets, reduction="sum")
        totals.append(entropy.item())

    forward(core, ids, take)
    return Loss(sum(totals), len(ids) - 1)


def read_once_ms(core: EngineCore) -> float:
    """How long this machine takes to read as many bytes as the weights have, by reading a tensor over and over."""
    weights = core._runner.weight_bytes
    block = torch.ones(READ_MIB << 18, dtype=torch.float32, device=core.layout.device)
    times = []
    for _ in range(READS):
        began = time.perf_counter()
        block.sum().item()
        times.append((time.perf_counter() - began) * 1000)
    return median(times) * weights / (READ_MIB << 20)


def load(files: ModelFiles, dtype: str, context_tokens: int, documents: int) -> Loaded:
    """A core with room for so many documents."""
    options = EngineOptions(
        folder=files.folder,
        name=files.name,
        dtype=dtype,
        context_tokens=context_tokens,
        cache_mb=_cache_mb(files.folder, context_tokens, documents),
    )
    return load_core(options)


def _cache_mb(folder: Path, context_tokens: int, documents: int) -> int:
    return cache_mib(read_json(folder / "config.json"), Room(documents, context_tokens))


def token_ids(files: ModelFiles) -> list[list[int]]:
    """The texts in tokens, each as the engine would be given it."""
    vocabulary = Vocabulary.from_folder(files.folder)
    return [[*vocabulary.start_ids, *vocabulary.encode(text)] for text in prose.texts()]


def _mean(losses: Sequence[Loss]) -> float:
    return sum(one.total for one in losses) / sum(one.tokens for one in losses)
