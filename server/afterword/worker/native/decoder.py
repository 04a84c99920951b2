"""A transformers model packed for the compiled code: which families it serves, and where their weights go.

What lives here: reading a loaded model. `checks.self_test` compares the result with a plain forward of the model before
anybody is served.
"""

from __future__ import annotations

import ctypes
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear, Module
from transformers import PreTrainedModel

from afterword.worker.cache.layout import Layout
from afterword.worker.native.build import NativeUnavailable
from afterword.worker.native.library import Activation, Layer, Matrix, Model, WeightKind

# Families whose layers are: norm, attention with rotary embeddings, norm, gated feed-forward. Gemma's norms add one
# to their weights.
FAMILIES = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma3_text"})
ONE_IS_ADDED = frozenset({"gemma3_text"})
ACTIVATIONS = {"silu": Activation.SILU, "gelu_pytorch_tanh": Activation.GELU_TANH}
# Kinds of rotary embedding that do not depend on the length of the text.
STEADY_ROPES = frozenset({"default", "linear", "llama3", "yarn"})
WIDTHS = frozenset({16, 32, 64, 80, 96, 128, 256})
PANEL = 16  # as in matrix.h


class NativeDecoder:
    """Weights of a model as the compiled code reads them, and the model's state during a step (`handle`)."""

    def __init__(
        self,
        library: ctypes.CDLL,
        model: PreTrainedModel,
        layout: Layout,
        kind: WeightKind,
        positions: int,
        threads: int,
    ) -> None:
        """Pack a float32 model for texts of up to `positions` tokens; `check` must have passed it."""
        self.library = library
        self.kind = kind
        self.vocabulary = layout.vocabulary
        self.layers = len(layout.layers)
        self._kept: list[Tensor] = []  # memory that the structures point into
        self._one_is_added = model.config.model_type in ONE_IS_ADDED
        self._packing: list[Future[None]] = []
        with ThreadPoolExecutor(threads) as self._workers, torch.inference_mode():
            self._layers = (Layer * self.layers)(*self._read_layers(model, layout, positions))
            self._model = self._read_model(model, layout)
            for work in self._packing:
                work.result()
        self._packing.clear()
        self.weight_bytes = sum(tensor.nbytes for tensor in self._kept)
        self.handle = library.afterword_new(ctypes.byref(self._model), threads)
        weakref.finalize(self, library.afterword_free, self.handle)

    def _read_model(self, model: PreTrainedModel, layout: Layout) -> Model:
        config, base = model.config, model.model
        embedding = self._matrix(base.embed_tokens.weight)
        head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
        tied = head.weight.data_ptr() == base.embed_tokens.weight.data_ptr()
        attention = base.layers[0].self_attn
        return Model(
            hidden=config.hidden_size,
            heads=config.num_attention_heads,
            kv_heads=layout.layers[0].kv_heads,
            width=layout.layers[0].key_dim,
            intermediate=config.intermediate_size,
            layers=self.layers,
            rotary=self._rotary,
            activation=ACTIVATIONS[_activation(config)],
            epsilon=config.rms_norm_eps,
            attention_scale=attention.scaling,
            embedding_scale=float(getattr(base.embed_tokens, "scalar_embed_scale", 1.0)),
            final_norm=self._norm(base.norm),
            embedding=embedding,
            head=embedding if tied else self._matrix(head.weight, head.bias),
            layer=self._layers,
        )

    def _read_layers(self, model: PreTrainedModel, layout: Layout, positions: int) -> list[Layer]:
        ropes: dict[str | None, tuple[int, int]] = {}
        kinds = getattr(model.config, "layer_types", None)
        read = []
        for index, layer in enumerate(model.model.layers):
            local = kinds[index] if kinds and model.config.model_type in ONE_IS_ADDED else None
            if local not in ropes:
                ropes[local] = self._rope(model.model.rotary_emb, positions, local)
            read.append(self._read_layer(layer, ropes[local], layout.layers[index].window or 0))
        return read

    def _read_layer(self, layer: Module, rope: tuple[int, int], window: int) -> Layer:
        attention: Any = layer.self_attn
        mlp: Any = layer.mlp
        sandwiched = hasattr(layer, "pre_feedforward_layernorm")
        mlp_norm = layer.pre_feedforward_layernorm if sandwiched else layer.post_attention_layernorm
        return Layer(
            qkv=self._joined(attention.q_proj, attention.k_proj, attention.v_proj),
            out=self._joined(attention.o_proj),
            gate=self._joined(mlp.gate_proj),
            up=self._joined(mlp.up_proj),
            down=self._joined(mlp.down_proj),
            attention_norm=self._norm(layer.input_layernorm),
            after_attention_norm=self._norm(layer.post_attention_layernorm) if sandwiched else None,
            mlp_norm=self._norm(mlp_norm),
            after_mlp_norm=self._norm(layer.post_feedforward_layernorm) if sandwiched else None,
            query_norm=self._norm(getattr(attention, "q_norm", None)),
            key_norm=self._norm(getattr(attention, "k_norm", None)),
            cosines=rope[0],
            sines=rope[1],
            window=window,
        )

    def _joined(self, *linears: Linear) -> Matrix:
        """Matrices with the same input as one."""
        weights = torch.cat([linear.weight for linear in linears]) if len(linears) > 1 else linears[0].weight
        biases: list[Tensor] = [linear.bias for linear in linears if linear.bias is not None]
        return self._matrix(weights, torch.cat(biases) if biases else None)

    def _matrix(self, weights: Tensor, bias: Tensor | None = None) -> Matrix:
        """Pack `[outputs, inputs]`; the packing itself is left to the threads."""
        weights = weights.detach().float().contiguous()
        outputs, inputs = weights.shape
        matrix = Matrix(outputs=outputs, inputs=inputs, kind=self.kind)
        packed = torch.empty(
            self.library.afterword_packed_items(outputs, inputs),
            dtype=torch.float32 if self.kind is WeightKind.FLOAT32 else torch.int8,
        )
        scales = torch.zeros(-(-outputs // PANEL) * PANEL)
        matrix.data, matrix.scales = self._keep(packed), self._keep(scales)
        if bias is not None:
            matrix.bias = self._keep(torch.cat((bias.detach().float(), torch.zeros(len(scales) - outputs))))

        def pack(weights: Tensor) -> None:
            self.library.afterword_pack(weights.data_ptr(), ctypes.byref(matrix), packed.data_ptr(), scales.data_ptr())

        self._packing.append(self._workers.submit(pack, weights))
        return matrix

    def _norm(self, norm: Any) -> int | None:
        if norm is None:
            return None
        weights = norm.weight.detach().float()
        return self._keep(weights + 1 if self._one_is_added else weights.clone())

    def _rope(self, rotary: Any, positions: int, kind: str | None) -> tuple[int, int]:
        """Tables `[positions, rotary]` of cosines and sines, as the model's own code makes them."""
        places = torch.arange(positions)[None]
        tables = rotary(torch.zeros(1), places, kind) if kind else rotary(torch.zeros(1), places)
        self._rotary = tables[0].shape[-1]
        cosines, sines = (self._keep(table[0].float().contiguous()) for table in tables)
        return cosines, sines

    def _keep(self, tensor: Tensor) -> int:
        self._kept.append(tensor)
        return tensor.data_ptr()


def _activation(config: Any) -> str:
    return str(getattr(config, "hidden_act", None) or config.hidden_activation)


def check(model: PreTrainedModel, layout: Layout) -> None:
    """Raises `NativeUnavailable`, naming what the compiled code does not support in this model."""
    config: Any = model.config
    if config.model_type not in FAMILIES:
        raise NativeUnavailable(f"the compiled code does not serve models of the family {config.model_type!r}")
    ropes = getattr(config, "rope_parameters", None) or {}
    kinds = [ropes] if "rope_type" in ropes else [kind for kind in ropes.values() if isinstance(kind, dict)]
    shapes = {(layer.kv_heads, layer.key_dim, layer.value_dim) for layer in layout.layers}
    width = layout.layers[0].key_dim
    reasons = {
        f"the rotation {sorted({str(kind.get('rope_type')) for kind in kinds})}": any(
            kind.get("rope_type") not in STEADY_ROPES for kind in kinds
        ),
        "layers of different shapes": len(shapes) > 1 or width != layout.layers[0].value_dim,
        f"heads of width {width}": width not in WIDTHS,
        f"a hidden width of {config.hidden_size}": config.hidden_size % PANEL != 0,
        "this feed-forward": config.intermediate_size % PANEL != 0,
        "bounded scores": bool(getattr(config, "attn_logit_softcapping", None)),
        "bounded logits": bool(getattr(config, "final_logit_softcapping", None)),
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    if found is None and _activation(config) not in ACTIVATIONS:
        found = f"the activation {_activation(config)!r}"
    if found is not None:
        raise NativeUnavailable(f"the compiled code does not serve {found}")
