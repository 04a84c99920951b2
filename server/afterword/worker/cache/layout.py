"""What the caches of a model look like: shapes, sizes in bytes, and how many slots of what length a budget gives.

The shapes come from a short forward of the model (`model.probing`), not from its configuration: so families with
unusual heads work without a table of names.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

# More slots help nobody and make bookkeeping slow.
MAX_SLOTS = 256
# When the worker chooses the context length itself, it keeps room for at least this many documents.
WANTED_SLOTS = 8
# A chosen context length is a multiple of this.
CONTEXT_STEP_TOKENS = 256
# Longest context that the worker chooses by itself.
MAX_CONTEXT_TOKENS = 8192
# Rows of a slot beyond the longest prompt, where generated tokens go.
ROOM_TOKENS = 256
# Memory per slot for remembered logits, in rows of the vocabulary.
LOGITS_BYTES_PER_SLOT = 8 << 20
MIN_LOGITS_PER_SLOT = 4
MAX_LOGITS_PER_SLOT = 32


@dataclass(frozen=True, slots=True)
class LayerLayout:
    """One attention layer: its `layer_idx`, key/value heads, their widths, and its sliding window in tokens if any."""

    index: int
    kv_heads: int
    key_dim: int
    value_dim: int
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """All attention layers of a model, the type it computes in, and the size of its vocabulary (rows of logits).

    `cache_dtype`: the type its caches have, if not the same.
    """

    layers: tuple[LayerLayout, ...]
    dtype: torch.dtype
    device: torch.device
    vocabulary: int
    cache_dtype: torch.dtype | None = None

    @property
    def kept_dtype(self) -> torch.dtype:
        """The type of keys and values in the caches."""
        return self.cache_dtype or self.dtype

    @property
    def bytes_per_token(self) -> int:
        """Bytes of keys and values that one token takes over all layers."""
        return self.kept_dtype.itemsize * sum(
            layer.kv_heads * (layer.key_dim + layer.value_dim) for layer in self.layers
        )

    @property
    def logits_per_slot(self) -> int:
        """How many rows of logits a slot may remember."""
        fitting = LOGITS_BYTES_PER_SLOT // (self.vocabulary * self.dtype.itemsize)
        return max(MIN_LOGITS_PER_SLOT, min(MAX_LOGITS_PER_SLOT, fitting))

    def slot_bytes(self, rows: int) -> int:
        """Bytes of one slot of `rows` tokens, with the logits it may remember."""
        return rows * self.bytes_per_token + self.logits_per_slot * self.vocabulary * self.dtype.itemsize


def slots_for(layout: Layout, context_tokens: int, budget_bytes: int, room_tokens: int = ROOM_TOKENS) -> int:
    """Slots that fit into `budget_bytes`, each for prompts of `context_tokens` and `room_tokens` more; at least one."""
    return max(1, min(MAX_SLOTS, budget_bytes // layout.slot_bytes(context_tokens + room_tokens)))


def choose_context(layout: Layout, position_limit: int | None, budget_bytes: int) -> int:
    """A context length in tokens: as long as the model and `MAX_CONTEXT_TOKENS` allow while enough slots fit."""
    longest = MAX_CONTEXT_TOKENS if position_limit is None else min(MAX_CONTEXT_TOKENS, position_limit - ROOM_TOKENS)
    logits_bytes = layout.slot_bytes(0)
    fitting = (budget_bytes // WANTED_SLOTS - logits_bytes) // layout.bytes_per_token - ROOM_TOKENS
    fitting = max(CONTEXT_STEP_TOKENS, fitting // CONTEXT_STEP_TOKENS * CONTEXT_STEP_TOKENS)
    return max(1, min(longest, fitting))
