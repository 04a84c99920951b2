"""The key/value tensors of all slots. Only storage: `slots` knows what the rows of a slot mean."""

from __future__ import annotations

import torch
from torch import Tensor

from afterword.worker.cache.layout import Layout


class KeyValues:
    """Per attention layer, keys `[slots, kv_heads, rows, key_dim]` and values `[slots, kv_heads, rows, value_dim]`.

    The memory is reserved but not touched: on a CPU a page takes memory only once a token was written into it.
    """

    def __init__(self, layout: Layout, slots: int, rows: int) -> None:
        self.slots = slots
        self.rows = rows
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        for layer in layout.layers:
            for tensors, width in ((self.keys, layer.key_dim), (self.values, layer.value_dim)):
                shape = (slots, layer.kv_heads, rows, width)
                tensors[layer.index] = torch.empty(shape, dtype=layout.kept_dtype, device=layout.device)

    def compact(self, slot: int, start: int, rows: list[int]) -> None:
        """Move `rows` (rising, none below its target) of a slot to `start` and onward, so that they lie in order."""
        moved = [(at, row) for at, row in enumerate(rows, start) if at != row]
        if not moved:
            return
        first = moved[0][0]
        for tensors in (self.keys, self.values):
            for tensor in tensors.values():
                held = tensor[slot]
                source = torch.tensor([row for _, row in moved], device=held.device)
                held[:, first : first + len(moved)] = held.index_select(1, source)
