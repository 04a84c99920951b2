"""Attention over slots: the function that transformers calls in every layer of every model.

What lives here: writing new keys and values into the slots, and attending per span over a contiguous view of its slot.
No mask function is registered under our name, so transformers builds no mask; causality is ours.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from afterword.worker.model.step import Span, Step

NAME = "afterword"
STEP_ARGUMENT = "afterword_step"


class OtherStep(Protocol):
    """Something other than a `Step` that computes attention itself."""

    def attend(self, module: Module, query: Tensor, key: Tensor, value: Tensor, arguments: dict[str, Any]) -> Tensor:
        """Compute one call; returns `[1, tokens, heads, value_dim]`."""
        ...


def attention(
    module: Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    afterword_step: Step | OtherStep | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """One layer's attention for a step.

    `query` `[1, heads, rows, key_dim]`, `key` `[1, kv_heads, rows, key_dim]`, `value` `[1, kv_heads, rows, value_dim]`,
    rows packed as the step's spans say (rows after the last span are padding). `softcap` bounds scores as in Gemma 2;
    `s_aux` are attention sinks, one per head, as in gpt-oss. Returns `[1, rows, heads, value_dim]`.
    """
    if not isinstance(afterword_step, Step):
        if afterword_step is None:
            raise RuntimeError(f"attention {NAME!r} needs a step; call the model through the runner")
        arguments = {"attention_mask": attention_mask, "scaling": scaling, "sliding_window": sliding_window} | others
        arguments |= {"softcap": softcap, "s_aux": s_aux}
        return afterword_step.attend(module, query, key, value, arguments), None
    step = afterword_step
    step.checkpoint()
    layer: int = module.layer_idx  # type: ignore[assignment]
    keys, values = step.caches.keys[layer], step.caches.values[layer]
    if scaling is None:
        scaling = query.shape[-1] ** -0.5
    spans = step.spans
    heads, rows = query.shape[1:3]
    if len(spans) == 1 and len(spans[0].tokens) == rows:
        return _attend(spans[0], query, key, value, keys, values, scaling, sliding_window, softcap, s_aux), None
    out = query.new_zeros(1, rows, heads, values.shape[-1])
    at = 0
    for span in spans:
        until = at + len(span.tokens)
        if not span.skipped:
            part = slice(at, until)
            out[:, part] = _attend(
                span, query[:, :, part], key[:, :, part], value[:, :, part],
                keys, values, scaling, sliding_window, softcap, s_aux,
            )  # fmt: skip
        at = until
    return out, None


def _attend(
    span: Span,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    keys: Tensor,
    values: Tensor,
    scaling: float,
    window: int | None,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    """One span's attention in one layer; `[1, rows, heads, value_dim]`, a view with heads before rows in memory."""
    held_keys, held_values = keys[span.slot], values[span.slot]
    start, end = span.start, span.end
    held_keys[:, start:end] = key[0]
    held_values[:, start:end] = value[0]
    _, heads, rows, width = query.shape
    kv_heads = held_keys.shape[0]
    groups = heads // kv_heads
    first, bias = span.mask(window, groups, query)
    # Query heads that share keys become rows of one problem, so that keys are read once and never repeated.
    grouped = query.reshape(1, kv_heads, groups * rows, width)
    seen_keys, seen_values = held_keys[None, :, first:end], held_values[None, :, first:end]
    if softcap is None and sinks is None:
        mixed = scaled_dot_product_attention(grouped, seen_keys, seen_values, attn_mask=bias, scale=scaling)
    else:
        mixed = _spelled_out(grouped, seen_keys, seen_values, bias, scaling, softcap, sinks)
    return mixed.reshape(1, heads, rows, -1).transpose(1, 2)


def _spelled_out(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None,
    scaling: float,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    """Attention without a fused kernel, for models that bound their scores or have attention sinks."""
    scores = torch.matmul(query, key.transpose(2, 3)).float() * scaling
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if bias is not None:
        scores = scores + bias
    if sinks is not None:
        kv_heads, rows = query.shape[1:3]
        per_head = sinks.float().reshape(1, kv_heads, -1, 1)
        nothing = per_head.expand(-1, -1, -1, rows // per_head.shape[2]).reshape(1, kv_heads, rows, 1)
        weights = torch.softmax(torch.cat((scores, nothing), dim=-1), dim=-1)[..., :-1]
    else:
        weights = torch.softmax(scores, dim=-1)
    return torch.matmul(weights.to(value.dtype), value)


AttentionInterface.register(NAME, attention)
