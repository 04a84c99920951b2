"""Weights of 8 bits by torch's kernels: near the weights they were made of, whichever kernel multiplies them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import Linear
from transformers.pytorch_utils import Conv1D

from afterword.engine.options import EngineOptions
from afterword.worker.loading import load_core, load_model
from afterword.worker.model.int8 import KERNELS, MEASURED_ROWS, Int8Kernels, Int8Linear, in_halves, quantize, unpacked

from .conftest import FAMILIES, Rig


def layer(bias: bool = True) -> Linear:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = Linear(64, 48, bias=bias)
    return made.requires_grad_(False)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_every_kernel_multiplies_as_the_layer_did(kernel, bias: bool, rows: int) -> None:
    plain = layer(bias)
    inputs = torch.linspace(-1, 1, rows * 64).reshape(1, rows, 64)
    ours = Int8Linear(plain, Int8Kernels({1: kernel}))(inputs)
    assert ours.shape == (1, rows, 48)
    assert float((ours - plain(inputs)).abs().max()) < 0.02


def test_weights_whose_inputs_come_first_are_turned() -> None:
    plain = Conv1D(48, 64).requires_grad_(False)
    inputs = torch.linspace(-1, 1, 64)[None]
    ours = Int8Linear(plain, Int8Kernels({1: unpacked}))(inputs)
    torch.testing.assert_close(ours, plain(inputs), atol=0.01, rtol=0)


def test_an_output_without_weights_stays_zero() -> None:
    plain = layer(bias=False)
    plain.weight[5] = 0
    assert Int8Linear(plain, Int8Kernels())(torch.ones(2, 64))[:, 5].abs().max() == 0


def test_kernels_are_chosen_by_rows() -> None:
    kernels = Int8Kernels({1: in_halves, 16: unpacked})
    assert [kernels.of(rows) for rows in (1, 15, 16, 500)] == [in_halves, in_halves, unpacked, unpacked]
    kernels.measure(torch.ones(48, 64, dtype=torch.int8), torch.ones(48))
    assert kernels.of(1) in KERNELS
    assert set(kernels.choices) <= set(MEASURED_ROWS)


def test_all_weights_of_a_model_are_rounded(tiny_model_folder: Callable[..., Path]) -> None:
    for family in FAMILIES:
        model = load_model(tiny_model_folder(family), "cpu", "float32")
        assert quantize(model) > 10
        assert not any(isinstance(module, Linear | Conv1D) for module in model.modules())


def test_a_model_that_is_not_compiled_for_writes_in_int8(tiny_model_folder: Callable[..., Path]) -> None:
    loaded = load_core(EngineOptions(folder=tiny_model_folder("gpt2"), name="tiny", device="cpu"))
    assert loaded.ready.dtype == "int8"
    rig = Rig(loaded.core)
    assert len(rig.tokens(rig.write(1, [5, 6, 7], limit_tokens=4))) == 4
