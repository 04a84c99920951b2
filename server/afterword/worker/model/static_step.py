"""A small step in tensors of fixed shapes, and attention over them, so that a GPU can run it as a recorded graph.

What lives here: where rows of a step come from and go to, in tensors that never change their place or size. Which
shapes there are, and what runs them, is in `cuda_graphs`.

Every row is a problem of its own: it writes its key and value into its slot and looks at the beginning of the slot
through its own mask. So prefixes, branches and drafts fit in any mixture, and none can be given up midway.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention

from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.layout import Layout
from afterword.worker.model.step import NO_ROW, Span, Step


class NotRecordable(Exception):
    """Steps of the model cannot be recorded; the message says why."""


class StaticStep:
    """Where rows of a step come from and go to, in tensors of fixed shapes. Each layer's attention calls `attend`.

    `tokens`, `positions` `[1, rows]`; `slots`, `places` `[rows]`: slot and row of the cache that each row fills;
    `bias[window]` `[rows, 1, 1, length]`: zero where a row may look in its slot, minus infinity elsewhere.
    """

    def __init__(self, caches: KeyValues, layout: Layout, rows: int, length: int) -> None:
        self.caches = caches
        self.rows = rows
        self.length = length
        # One tensor for all of them: each copy to a GPU has a price of its own, whatever its size.
        self._entries = torch.zeros(4, rows, dtype=torch.long, device=layout.device)
        self.tokens, self.positions = self._entries[0:1], self._entries[1:2]
        self.slots, self.places = self._entries[2], self._entries[3]
        self.bias = {
            window: torch.zeros(rows, 1, 1, length, dtype=layout.dtype, device=layout.device)
            for window in {layer.window for layer in layout.layers}
        }

    def fill(self, step: Step) -> None:
        """Enter the rows of a step. The rest of the rows repeat the first, and write the same as it."""
        spans = step.spans
        spare = self.rows - step.rows
        entries = [
            [token for span in spans for token in span.tokens],
            [position for span in spans for position in span.positions],
            [span.slot for span in spans for _ in span.tokens],
            [place for span in spans for place in range(span.start, span.end)],
        ]
        self._entries.copy_(torch.tensor([row + row[:1] * spare for row in entries]), non_blocking=True)
        for window, bias in self.bias.items():
            masks = torch.cat([self._mask(span, window, bias.dtype) for span in spans])
            bias[:, 0, 0].copy_(torch.cat((masks, masks[:1].expand(spare, -1))), non_blocking=True)

    def attend(self, module: Module, query: Tensor, key: Tensor, value: Tensor, arguments: dict[str, Any]) -> Tensor:
        """One layer's attention; shapes as for `attention.attention`."""
        if arguments["softcap"] is not None or arguments["s_aux"] is not None:
            raise NotRecordable(f"{type(module).__name__} bounds its scores or has attention sinks")
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

    def _mask(self, span: Span, window: int | None, dtype: torch.dtype) -> Tensor:
        """What the rows of a span may look at, `[rows, length]`."""
        first, seen = span.mask(window, 1, torch.empty(0, dtype=dtype))
        mask = torch.full((len(span.tokens), self.length), NO_ROW, dtype=dtype)
        mask[:, first : span.end] = 0 if seen is None else seen
        return mask
