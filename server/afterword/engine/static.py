"""Small steps as work of fixed shapes, so that a GPU can run them as one recorded graph.

What lives here: a step of few rows written into tensors that never change their place or size, attention over them,
and the programs that run it. On a GPU a program is recorded once as a CUDA graph and then launched as a whole, because
for a small model launching hundreds of kernels takes longer than the kernels; elsewhere the same code runs unrecorded,
which is how it is tested. What to compute is decided in `core` and `plan`, as for any other step.

A program is made for so many rows over so much of a slot; a step takes the smallest that holds it. Every row is a
problem of its own: it writes its key and value into its slot and looks at its slot's beginning through its own mask.
So spans, branches and proposals of any mixture fit, and none can be given up midway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel

from .attention import STEP_ARGUMENT
from .caches import KeyValues
from .layout import Layout
from .runner import Runner
from .steps import NO_ROW, Span, Step

# Rows of the programs. A step of more rows is no small one: the time its kernels take hides their launching.
ROWS = (1, 2, 4, 8, 16, 32)
# The shortest program looks at this many tokens of a slot, each further one at twice as many.
FEWEST_TOKENS = 256
# Runs before recording, in which libraries choose kernels and take memory, as CUDA graphs ask for.
WARM_UP_RUNS = 3

Forward = Callable[[Tensor, Tensor, "StaticStep"], Tensor]
"""Calls the model with tokens `[1, rows]`, positions `[1, rows]` and what its attention gets; logits of every row."""


class NotStatic(Exception):
    """The model asks for attention that is not given in fixed shapes; the message says which."""


class StaticStep:
    """Where rows of a step come from and go to, in tensors of fixed shapes. Attention calls `attend` in every layer.

    `tokens`, `positions` `[1, rows]`; `slots`, `places` `[rows]`: slot and row of the cache that each row fills;
    `bias[window]` `[rows, 1, 1, length]`: zero where a row may look in its slot, minus infinity elsewhere.
    """

    def __init__(self, caches: KeyValues, layout: Layout, rows: int, length: int) -> None:
        self.caches = caches
        self.rows = rows
        self.length = length
        device = layout.device
        self.tokens = torch.zeros(1, rows, dtype=torch.long, device=device)
        self.positions = torch.zeros(1, rows, dtype=torch.long, device=device)
        self.slots = torch.zeros(rows, dtype=torch.long, device=device)
        self.places = torch.zeros(rows, dtype=torch.long, device=device)
        self.bias = {
            window: torch.zeros(rows, 1, 1, length, dtype=layout.dtype, device=device)
            for window in {layer.window for layer in layout.layers}
        }

    def fill(self, step: Step) -> None:
        """Enter the rows of a step. Rows left over repeat the first, and write what it writes."""
        spans = step.spans
        spare = self.rows - step.rows
        self._enter(self.tokens[0], [token for span in spans for token in span.tokens], spare)
        self._enter(self.positions[0], [position for span in spans for position in span.positions], spare)
        self._enter(self.slots, [span.slot for span in spans for _ in span.tokens], spare)
        self._enter(self.places, [place for span in spans for place in range(span.start, span.end)], spare)
        for window, bias in self.bias.items():
            masks = torch.cat([self._mask(span, window, bias.dtype) for span in spans])
            bias[:, 0, 0].copy_(torch.cat((masks, masks[:1].expand(spare, -1))), non_blocking=True)

    def attend(self, module: Module, query: Tensor, key: Tensor, value: Tensor, arguments: dict[str, Any]) -> Tensor:
        """One layer's attention; shapes as for `attention.attention`."""
        if arguments["softcap"] is not None or arguments["s_aux"] is not None:
            raise NotStatic(f"{type(module).__name__} bounds its scores or has sinks")
        layer: int = module.layer_idx  # type: ignore[assignment]
        keys, values = self.caches.keys[layer], self.caches.values[layer]
        keys[self.slots, :, self.places] = key[0].transpose(0, 1)
        values[self.slots, :, self.places] = value[0].transpose(0, 1)
        heads, rows, width = query.shape[1:]
        kv_heads = keys.shape[1]
        # One problem per row and key head; the query heads that share keys are its rows.
        grouped = query[0].transpose(0, 1).reshape(rows, kv_heads, heads // kv_heads, width)
        mixed = scaled_dot_product_attention(
            grouped,
            keys[:, :, : self.length].index_select(0, self.slots),
            values[:, :, : self.length].index_select(0, self.slots),
            attn_mask=self.bias[arguments["sliding_window"]],
            scale=arguments["scaling"],
        )
        return mixed.reshape(1, rows, heads, -1)

    @staticmethod
    def _enter(tensor: Tensor, entries: list[int], spare: int) -> None:
        tensor.copy_(torch.tensor(entries + entries[:1] * spare), non_blocking=True)

    def _mask(self, span: Span, window: int | None, dtype: torch.dtype) -> Tensor:
        """What the rows of a span may look at, `[rows, length]`."""
        first, seen = span.mask(window, 1, torch.empty(0, dtype=dtype))
        mask = torch.full((len(span.tokens), self.length), NO_ROW, dtype=dtype)
        mask[:, first : span.end] = 0 if seen is None else seen
        return mask


@dataclass(slots=True)
class Program:
    """A step of fixed shapes ready to run: `launch` computes the logits of every row from what `step` holds."""

    step: StaticStep
    launch: Callable[[], Tensor]


class StaticPrograms:
    """Programs by their shapes. `record`: whether to record them as CUDA graphs, which share one pool of memory."""

    def __init__(self, forward: Forward, caches: KeyValues, layout: Layout, *, record: bool) -> None:
        self._forward = forward
        self._caches = caches
        self._layout = layout
        self._record = record
        self._pool: Any = None
        self._programs: dict[tuple[int, int], Program] = {}
        self._lengths: list[int] = []
        length = FEWEST_TOKENS
        while length < caches.rows:
            self._lengths.append(length)
            length *= 2
        self._lengths.append(caches.rows)

    @torch.inference_mode()
    def prepare(self, told: Callable[[float], None] = lambda _: None) -> None:
        """Make all programs; `told` hears how far that is, 0 to 1. The slots must be empty: recording writes there."""
        # Rows of a slot that a mask hides count nothing, but nothing times what happens to be in memory may be NaN.
        for tensor in (*self._caches.keys.values(), *self._caches.values.values()):
            tensor.zero_()
        shapes = [(rows, length) for rows in reversed(ROWS) for length in reversed(self._lengths)]
        for done, (rows, length) in enumerate(shapes):
            told(done / len(shapes))
            step = StaticStep(self._caches, self._layout, rows, length)
            self._programs[rows, length] = Program(step, self._recorded(step) if self._record else self._plain(step))

    @torch.inference_mode()
    def run(self, step: Step) -> Tensor | None:
        """Logits `[rows, vocabulary]` of every row of a step, good until the next; None if no program holds it."""
        end = max(span.end for span in step.spans)
        rows = next((rows for rows in ROWS if rows >= step.rows), 0)
        length = next(length for length in self._lengths if length >= end)
        program = self._programs.get((rows, length))
        if program is None:
            return None
        program.step.fill(step)
        return program.launch()

    def _plain(self, step: StaticStep) -> Callable[[], Tensor]:
        return lambda: self._forward(step.tokens, step.positions, step)

    def _recorded(self, step: StaticStep) -> Callable[[], Tensor]:
        """Record the step as a CUDA graph."""
        call = self._plain(step)
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_RUNS):
                call()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            logits = call()
        self._pool = self._pool or graph.pool()

        def launch() -> Tensor:
            graph.replay()
            return logits

        return launch


class StaticRunner:
    """Runs small steps as programs of fixed shapes, and all others as they come."""

    def __init__(self, plain: Runner, programs: StaticPrograms) -> None:
        self._plain = plain
        self._programs = programs

    def forward(self, step: Step) -> Tensor:
        """Run a step; returns `[wanted, vocabulary]`, the wanted rows of its spans in order. May raise StepDropped."""
        if step.rows > ROWS[-1]:
            return self._plain.forward(step)
        step.checkpoint()
        logits = self._programs.run(step)
        if logits is None:
            return self._plain.forward(step)
        wanted = []
        at = 0
        for span in step.spans:
            wanted += [at + offset for offset in span.wanted]
            at += len(span.tokens)
        return logits[torch.tensor(wanted, dtype=torch.long, device=logits.device)]


def forward_of(model: PreTrainedModel) -> Forward:
    """How programs call a transformers model that was loaded with our attention."""

    def forward(tokens: Tensor, positions: Tensor, step: StaticStep) -> Tensor:
        arguments: dict[str, Any] = {STEP_ARGUMENT: step}
        logits: Tensor = model(input_ids=tokens, position_ids=positions, use_cache=False, **arguments).logits[0]
        return logits

    return forward
