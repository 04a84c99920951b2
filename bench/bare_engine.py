"""The engine's core in this process, loaded as a worker loads it, but without a server and with nothing else to do.

What lives here: everything that the benchmark takes from inside the engine, for `model` and `first_token`. The rest of
the benchmark measures over the wire.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from afterword.engine.options import EngineOptions
from afterword.models import ModelFiles
from afterword.models.files import read_json
from afterword.text.vocabulary import Vocabulary
from afterword.worker.engine_core import EngineCore
from afterword.worker.loading import load_core
from afterword.worker.model.step import Span, Step

from . import prose
from .report import median

READ_MIB = 256
READS = 7
SPARE_TOKENS = 512  # that the engine keeps for a document beyond its text
SPARE_MIB = 8  # and what it remembers beside it
BYTES_OF_FLOAT = 4


@dataclass(frozen=True, slots=True)
class Loss:
    """Cross entropy in nats, summed over so many tokens."""

    total: float
    tokens: int


class BareEngine:
    """A core with room for so many documents of so many tokens."""

    def __init__(self, files: ModelFiles, dtype: str, context_tokens: int, documents: int) -> None:
        """`dtype`: as the server's setting; `auto` is what it serves in by default."""
        options = EngineOptions(
            folder=files.folder,
            name=files.name,
            dtype=dtype,
            context_tokens=context_tokens,
            cache_mb=cache_mib(read_json(files.folder / "config.json"), documents, context_tokens),
        )
        loaded = load_core(options)
        self._core: EngineCore = loaded.core
        self.dtype = loaded.ready.dtype
        self.device = loaded.ready.device
        self._vocabulary = Vocabulary.from_folder(files.folder)
        self._ids: Sequence[int] = ()

    @property
    def kernels(self) -> str:
        """Which code runs a step, in words."""
        compiled = ".native." in type(self._core.runner).__module__
        return "Afterword's compiled kernels" if compiled else "torch's kernels"

    @property
    def description(self) -> str:
        """Precision, device and kernels."""
        return f"{self.dtype} on {self.device}, {self.kernels}"

    def encode(self, text: str) -> list[int]:
        """A text in tokens, as the engine would be given it."""
        return [*self._vocabulary.start_ids, *self._vocabulary.encode(text)]

    def fill(self, ids: Sequence[int]) -> None:
        """Put a text into the cache of every document, for `step_ms` to continue."""
        self._ids = ids[: self._core.config.context_tokens]
        self._forward(self._ids, lambda start, logits: None)
        for held in (self._core.caches.keys, self._core.caches.values):
            for tensor in held.values():
                tensor[1:] = tensor[:1]

    @property
    def filled_tokens(self) -> int:
        """How long the text is that `fill` was given."""
        return len(self._ids)

    def step_ms(self, documents: int, length: int) -> float:
        """Milliseconds of one step with one row of each of so many documents of so many tokens."""
        spans = [Span(slot, slot, length, [self._ids[length]], [length], [0]) for slot in range(documents)]
        began = time.perf_counter()
        logits = self._core.runner.forward(Step(self._core.caches, spans))
        logits[:, 0].tolist()  # the step is over when its logits can be read
        return (time.perf_counter() - began) * 1000

    def loss(self, ids: Sequence[int]) -> Loss:
        """What the model makes of a text, cut to the core's context."""
        ids = ids[: self._core.config.context_tokens]
        totals = []

        def take(start: int, logits: Tensor) -> None:
            targets = torch.tensor(ids[start + 1 : start + 1 + len(logits)], device=logits.device)
            entropy = torch.nn.functional.cross_entropy(logits[: len(targets)].float(), targets, reduction="sum")
            totals.append(entropy.item())

        self._forward(ids, take)
        return Loss(sum(totals), len(ids) - 1)

    def read_once_ms(self) -> float:
        """How long this machine takes to read as many bytes as the weights have, by reading a tensor over and over."""
        weights = self._core.runner.weight_bytes
        block = torch.ones(READ_MIB << 18, dtype=torch.float32, device=self._core.layout.device)
        times = []
        for _ in range(READS):
            began = time.perf_counter()
            block.sum().item()
            times.append((time.perf_counter() - began) * 1000)
        return median(times) * weights / (READ_MIB << 20)

    def _forward(self, ids: Sequence[int], take: Callable[[int, Tensor], None]) -> None:
        """Run the model over a text in the first slot, in spans as long as prefill has them.

        `take` gets the first position of each span and the logits after each of its tokens.
        """
        for start in range(0, len(ids), self._core.config.prefill_tokens):
            tokens = list(ids[start : start + self._core.config.prefill_tokens])
            rows = list(range(len(tokens)))
            span = Span(0, 0, start, tokens, [start + row for row in rows], rows)
            # The core takes requests, and none asks for the logits of its prompt; so its runner is asked directly.
            take(start, self._core.runner.forward(Step(self._core.caches, [span])))


def token_ids(engine: BareEngine) -> list[list[int]]:
    """The texts that are typed, in tokens."""
    return [engine.encode(text) for text in prose.texts()]


def cache_mib(config: Mapping[str, Any], documents: int, context_tokens: int) -> int:
    """Memory for caches that holds so many documents at once, by the model's `config.json`, in float32."""

    def number(name: str, default: int) -> int:
        value = config.get(name)
        return value if isinstance(value, int) else default

    heads = number("num_attention_heads", 1)
    head_dim = number("head_dim", number("hidden_size", 1) // heads)
    kv_heads = number("num_key_value_heads", heads)
    token_bytes = 2 * number("num_hidden_layers", 1) * kv_heads * head_dim * BYTES_OF_FLOAT
    document_mib = -(-(context_tokens + SPARE_TOKENS) * token_bytes >> 20) + SPARE_MIB
    return (documents + 1) * document_mib
