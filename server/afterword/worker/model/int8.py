"""8-bit weights with torch's own kernels, for models and machines that the compiled code does not serve.

What lives here: linear layers whose weights are bytes times a scale for each output, and the choice of the kernel that
multiplies them, by measuring once at load for each number of rows. The kernels round differently, so a row's result may
change in the third digit with the number of rows that share its step; the compiled code in `native` has no such limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from statistics import median

import torch
from torch import Tensor
from torch.nn import Linear, Module
from torch.nn.functional import linear
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

# Numbers of rows at which kernels are measured; between two of them the choice for the lower one holds.
MEASURED_ROWS = (1, 2, 4, 8, 16, 32, 64)
RUNS = 5
LARGEST = 127

Multiply = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of float32 inputs `[rows, inputs]`, int8 weights `[outputs, inputs]` and scales `[outputs]`: `[rows, outputs]`."""


def in_halves(inputs: Tensor, weights: Tensor, scales: Tensor) -> Tensor:
    """Inputs rounded to bfloat16, weights read as bytes: best while reading weights is what takes the time."""
    return torch._weight_int8pack_mm(inputs.bfloat16(), weights, scales.bfloat16()).float()


def unpacked(inputs: Tensor, weights: Tensor, scales: Tensor) -> Tensor:
    """Weights made floats first, which pays where many rows share them."""
    return linear(inputs, weights.float()) * scales


KERNELS: tuple[Multiply, ...] = (in_halves, unpacked)


class Int8Kernels:
    """The kernel for each number of rows, shared by all layers of a model."""

    def __init__(self, choices: dict[int, Multiply] | None = None) -> None:
        """`choices`: kernels by the least number of rows they are for; 1 must be among them."""
        self.choices = choices or {1: in_halves}

    def of(self, rows: int) -> Multiply:
        """The kernel for this many rows."""
        return self.choices[max(least for least in self.choices if least <= rows)]

    def measure(self, weights: Tensor, scales: Tensor) -> None:
        """Choose by timing all kernels on these weights."""
        self.choices = {}
        for rows in MEASURED_ROWS:
            inputs = torch.ones(rows, weights.shape[1])
            self.choices[rows] = min(KERNELS, key=lambda kernel: _seconds(kernel, inputs, weights, scales))
        for fewer, more in pairwise(MEASURED_ROWS):
            if self.of(fewer) is self.choices[more]:
                del self.choices[more]


class Int8Linear(Module):
    """A linear layer with 8-bit weights, one scale for each output (the largest weight is 127 times it)."""

    def __init__(self, layer: Linear | Conv1D, kernels: Int8Kernels) -> None:
        """Round the weights of a layer in float32."""
        super().__init__()
        weight = layer.weight.T if isinstance(layer, Conv1D) else layer.weight  # which has inputs first
        scales = weight.abs().amax(1) / LARGEST
        whole = (weight / scales.clamp(min=torch.finfo(torch.float32).tiny)[:, None]).round().to(torch.int8)
        self.weight: Tensor
        self.scales: Tensor
        self.bias: Tensor | None
        self.register_buffer("weight", whole.contiguous())
        self.register_buffer("scales", scales)
        self.register_buffer("bias", layer.bias)
        self._kernels = kernels

    def forward(self, inputs: Tensor) -> Tensor:
        """`[..., inputs]` to `[..., outputs]`, both float32."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        out = self._kernels.of(len(rows))(rows, self.weight, self.scales)
        return (out if self.bias is None else out + self.bias).reshape(*inputs.shape[:-1], -1)


@torch.inference_mode()
def quantize(model: PreTrainedModel) -> int:
    """Give all linear layers of a float32 model 8-bit weights, in place; returns how many there were."""
    kernels = Int8Kernels()
    largest: Int8Linear | None = None
    found = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, Linear | Conv1D)]
    for name, layer in found:
        rounded = Int8Linear(layer, kernels)
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, rounded)
        if "head" not in own and (largest is None or rounded.weight.numel() > largest.weight.numel()):
            largest = rounded
    if largest is not None:
        kernels.measure(largest.weight, largest.scales)
    return len(found)


def is_quantized(model: PreTrainedModel) -> bool:
    """Whether some layer of the model has 8-bit weights."""
    return any(isinstance(layer, Int8Linear) for layer in model.modules())


def _seconds(kernel: Multiply, inputs: Tensor, weights: Tensor, scales: Tensor) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        kernel(inputs, weights, scales)
        times.append(time.perf_counter() - began)
    return median(times)
