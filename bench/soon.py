"""How soon the first token of a keystroke's answer comes, against one bare step of the same model.

A writer has about 700 characters of prose behind the caret and types on, a key each 200 ms, asking with each. Between
keys the bare model, in this process and at the same precision, is given one token after as many, with its cache warm;
that is the least work in which any server could answer, and what the times are set against.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any

from afterword.models import ModelFiles

from . import prose
from .report import Section, median, ms
from .servers import Served, in_process, two_processes
from .wire import Text, Wire

CONTEXT_CHARACTERS = 700
KEY_INTERVAL_S = 0.2
TEXTS = 3
KEYS = 60  # of each text
QUICK_KEYS = 20
KEYS_PER_ROUND = 10  # between two looks at the bare model
BARE_STEPS = 5
GOAL_RATIO = 1.5
REST_S = 0.05  # for the engine's threads to fall asleep before the bare model runs


class BareModel:
    """transformers as it comes: its own attention and cache, one token at a time."""

    def __init__(self, files: ModelFiles) -> None:
        import torch
        from tokenizers import Tokenizer
        from transformers import AutoModelForCausalLM

        loader: Any = AutoModelForCausalLM
        self._model = loader.from_pretrained(files.folder, dtype=torch.float32, local_files_only=True).eval()
        self._tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
        self._torch = torch

    def step_ms(self, context: str, steps: int) -> list[float]:
        """Milliseconds of each of so many single-token forwards after `context`."""
        from transformers import DynamicCache

        ids = self._torch.tensor([self._tokenizer.encode(context).ids])
        times = []
        with self._torch.inference_mode():
            cache = DynamicCache(config=self._model.config)
            self._model(ids[:, :-1], past_key_values=cache, use_cache=True, logits_to_keep=1)
            for _ in range(steps + 1):
                began = time.perf_counter()
                self._model(ids[:, -1:], past_key_values=cache, use_cache=True)
                times.append((time.perf_counter() - began) * 1000)
                cache.crop(-1)
        return times[1:]  # the first one warms up


async def measure(files: ModelFiles, model: str, quick: bool) -> list[Section]:
    """Both ways to serve, each with the bare model in between."""
    bare = await asyncio.to_thread(BareModel, files)
    sections = []
    async with in_process(files) as served:
        title = "Soon: keystroke to first token, engine in the process of the bare model"
        sections.append(await _type(served, bare, quick, title))
    async with two_processes(model) as served:
        sections.append(await _type(served, bare, quick, "Soon: keystroke to first token, server as one starts it"))
    return sections


async def _type(served: Served, bare: BareModel, quick: bool, title: str) -> Section:
    times: dict[str, list[float]] = defaultdict(list)
    bare_ms: list[float] = []
    usages: list[tuple[int, int]] = []
    silent = 0
    async with Wire(served.url) as wire:
        for number, whole in enumerate(prose.long_texts()[:TEXTS]):
            text = await wire.open(f"text {number}", whole[:CONTEXT_CHARACTERS])
            await wire.done(await wire.key(text, whole[CONTEXT_CHARACTERS]))  # fills the cache, and is not counted
            keys = whole[CONTEXT_CHARACTERS + 1 :][: QUICK_KEYS if quick else KEYS]
            for at in range(0, len(keys), KEYS_PER_ROUND):
                kinds = await _round(wire, text, keys[at : at + KEYS_PER_ROUND])
                for kind, first_ms, usage in kinds:
                    silent += first_ms is None
                    if first_ms is not None:
                        times[kind].append(first_ms)
                        usages.append(usage)
                bare_ms += await asyncio.to_thread(bare.step_ms, text.before, BARE_STEPS)
        errors = len(wire.errors)
    return _section(title, times, bare_ms, usages, silent, errors)


async def _round(wire: Wire, text: Text, keys: str) -> list[tuple[prose.Kind, float | None, tuple[int, int]]]:
    """Type some keys; the kind of each, the milliseconds to its first token, and tokens reused and computed."""
    kinds = []
    first = text.id + 1
    for key in keys:
        due = time.perf_counter() + KEY_INTERVAL_S
        ghost = text.newest.text if text.id else ""
        kinds.append(prose.kind_of(text.before, key, ghost))
        await wire.key(text, key)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    await wire.cancel(text)
    await wire.until(lambda: all(text.asked[id].dones for id in range(first, text.id + 1)))
    await asyncio.sleep(REST_S)
    results = []
    for id, kind in enumerate(kinds, first):
        asked = text.asked[id]
        assert asked.done is not None
        results.append((kind, asked.first_token_ms, (asked.done.usage.reused, asked.done.usage.computed)))
    return results


def _section(
    title: str,
    times: dict[str, list[float]],
    bare_ms: list[float],
    usages: list[tuple[int, int]],
    silent: int,
    errors: int,
) -> Section:
    section = Section(title)
    every = [value for values in times.values() for value in values]
    computed = [value for kind, values in times.items() if kind != prose.Kind.THROUGH for value in values]
    base = median(bare_ms)
    goal = f"at most {GOAL_RATIO} times the bare step"
    section.add("bare single-token forward", ms(bare_ms))
    ratio = median(every) / base
    section.add("all keystrokes", f"{ms(every)}, {ratio:.2f} times the bare step", goal, ratio <= GOAL_RATIO)
    ratio = median(computed) / base
    section.add(
        "those not typed through", f"{ms(computed)}, {ratio:.2f} times the bare step", goal, ratio <= GOAL_RATIO
    )
    for kind in prose.Kind:
        section.add(kind, f"{ms(times[kind])}, {median(times[kind]) / base:.2f} times")
    section.add(
        "prompt tokens, median",
        f"{median([u[0] for u in usages]):.0f} reused, {median([u[1] for u in usages]):.0f} computed",
    )
    section.add("keystrokes without text before the next key", str(silent))
    section.add("errors", str(errors), "none", errors == 0)
    section.raw = {"bare_ms": bare_ms, "first_token_ms": dict(times), "usage_reused_computed": usages}
    return section
