"""Finding out what a model's attention is like: two tokens are run through it, and its calls are recorded.

What lives here: what a recorded call says about a layer, and which calls our attention cannot answer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel

from afterword.worker.cache.layout import LayerLayout, Layout
from afterword.worker.errors import UnsupportedModelError
from afterword.worker.model.runner import Runner

# Arguments that models pass to attention and that change nothing here: bookkeeping of other implementations.
HARMLESS = frozenset(
    {"dropout", "position_ids", "is_causal", "use_cache", "cache_position", "position_embeddings", "return_dict"}
    | {"output_attentions", "output_hidden_states", "output_router_logits", "hidden_states", "deterministic"}
    | {"cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k", "layer_idx", "past_key_values"}
)
KNOWN = frozenset({"attention_mask", "scaling", "sliding_window", "softcap", "s_aux"})


class Probe:
    """Records the layers whose attention is called, and computes it plainly for a single short text."""

    def __init__(self) -> None:
        self.layers: list[LayerLayout] = []
        self.dtype: torch.dtype = torch.float32

    def attend(self, module: Module, query: Tensor, key: Tensor, value: Tensor, arguments: dict[str, Any]) -> Tensor:
        """Record one call. Raises `UnsupportedModelError` if it asks for what our attention does not do."""
        index = getattr(module, "layer_idx", None)
        name = type(module).__name__
        if not isinstance(index, int):
            raise UnsupportedModelError(f"its attention ({name}) does not say which layer it belongs to")
        for argument, given in arguments.items():
            if given is not None and argument not in KNOWN | HARMLESS:
                raise UnsupportedModelError(f"its attention ({name}) needs {argument!r}, which is not supported")
        if arguments["attention_mask"] is not None:
            raise UnsupportedModelError(
                f"it makes its own attention mask ({name}); only plain causal attention is supported"
            )
        causal = arguments.get("is_causal")
        if causal is False or (causal is None and getattr(module, "is_causal", True) is False):
            raise UnsupportedModelError(f"its attention ({name}) is not causal")
        self.layers.append(
            LayerLayout(index, key.shape[1], key.shape[3], value.shape[3], arguments.get("sliding_window"))
        )
        self.dtype = key.dtype
        groups = query.shape[1] // key.shape[1]
        return scaled_dot_product_attention(
            query,
            key.repeat_interleave(groups, 1),
            value.repeat_interleave(groups, 1),
            is_causal=True,
            scale=arguments["scaling"],
        ).transpose(1, 2)


def probe(model: PreTrainedModel) -> Layout:
    """The layout of a model that was loaded with our attention. Raises `UnsupportedModelError`."""
    probing = Probe()
    runner = Runner(model)
    try:
        logits = runner.call([0, 0], [0, 1], None, probing)
    except UnsupportedModelError:
        raise
    except Exception as error:
        raise UnsupportedModelError(f"a trial run of two tokens failed ({type(error).__name__}: {error})") from error
    indices = [layer.index for layer in probing.layers]
    if not indices:
        raise UnsupportedModelError("it does not use the attention interface of transformers")
    if len(set(indices)) != len(indices):
        raise UnsupportedModelError(
            "its layers call attention more than once each, so their caches cannot be told apart"
        )
    config = model.config.get_text_config()
    layers = getattr(config, "num_hidden_layers", len(indices))
    if len(indices) < layers:
        raise UnsupportedModelError(f"only {len(indices)} of its {layers} layers use the attention interface")
    _check_windows(config, probing.layers)
    return Layout(tuple(probing.layers), probing.dtype, runner.device, logits.shape[-1])


def _check_windows(config: Any, layers: list[LayerLayout]) -> None:
    """A model with sliding layers must pass the window to its attention: its own masks are not made."""
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        silent = bool(getattr(config, "sliding_window", None)) and all(layer.window is None for layer in layers)
    else:
        silent = any(kinds[layer.index] == "sliding_attention" and layer.window is None for layer in layers)
    if silent:
        raise UnsupportedModelError(
            "it has layers with a sliding window that do not pass the window to their attention"
        )
