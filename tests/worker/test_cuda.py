"""What only a GPU can show: recorded steps compute what plain ones do, and a model is served from it as from anywhere.

Without a GPU all of it is skipped, saying so. The same code, unrecorded, is tested in `test_static_step`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from afterword.engine.api import Progress, Request
from afterword.engine.options import EngineOptions
from afterword.worker.cache.key_values import KeyValues
from afterword.worker.engine_core import EngineCore
from afterword.worker.loading import load_core
from afterword.worker.model.cuda_graphs import RecordedStepRunner
from afterword.worker.model.runner import Runner
from afterword.worker.model.step import Span, Step

from .conftest import FAMILIES, Model, Rig, open_model

pytestmark = pytest.mark.cuda

CACHE_ROWS = 300


@pytest.fixture(params=FAMILIES)
def on_gpu(request: pytest.FixtureRequest, tiny_model_folder: Callable[..., Path]) -> Model:
    """A small model of every family in turn, in bfloat16 on the GPU."""
    return open_model(request.param, tiny_model_folder(request.param), "cuda", "bfloat16")


def span(slot: int, start: int, tokens: list[int]) -> Span:
    places = list(range(start, start + len(tokens)))
    return Span(slot, slot, start, tokens, places, list(range(len(tokens))))


def test_recorded_steps_compute_what_plain_steps_compute(on_gpu: Model) -> None:
    plain_caches, caches = (KeyValues(on_gpu.layout, 4, CACHE_ROWS) for _ in range(2))
    recorded = RecordedStepRunner(on_gpu.model)
    recorded.prepare(caches, on_gpu.layout, capture=True)
    ways = ((plain_caches, Runner(on_gpu.model).forward), (caches, recorded.forward))
    text = random.Random(7).choices(range(on_gpu.layout.vocabulary), k=48)
    for own, forward in ways:
        forward(Step(own, [span(slot, 0, text[: 12 * (slot + 1)]) for slot in range(4)]))
    for at, rows in enumerate((4, 3, 1, 4, 2, 1)):  # of different sizes, one after the other and back
        one, other = (
            forward(Step(own, [span(slot, 12 * (slot + 1) + at, [text[at]]) for slot in range(4)][:rows]))
            for own, forward in ways
        )
        torch.testing.assert_close(one, other, rtol=6e-2, atol=6e-2)


def test_a_recorded_step_gives_the_same_again(on_gpu: Model) -> None:
    caches = KeyValues(on_gpu.layout, 1, CACHE_ROWS)
    recorded = RecordedStepRunner(on_gpu.model)
    recorded.prepare(caches, on_gpu.layout, capture=True)
    text = [5, 6, 7, 8]
    first = recorded.forward(Step(caches, [span(0, 0, text)]))
    recorded.forward(Step(caches, [span(0, 4, [9])]))
    assert torch.equal(recorded.forward(Step(caches, [span(0, 0, text)])), first)


def test_a_model_is_loaded_onto_the_gpu_with_recorded_steps_and_writes(
    tiny_model_folder: Callable[..., Path], make_rig: Callable[[EngineCore], Rig]
) -> None:
    told: list[Progress] = []
    loaded = load_core(EngineOptions(folder=tiny_model_folder("llama"), name="tiny", device="cuda"), told.append)
    assert loaded.ready.device.startswith("cuda")
    assert loaded.ready.dtype == "bfloat16"
    assert "recording small steps" in {progress.stage for progress in told}
    rig = make_rig(loaded.core)
    run = rig.write(1, [40, 77, 120, 33], limit_tokens=8)
    assert len(rig.tokens(run)) == 8 or rig.outcome(run) == "end"
    assert rig.started(run).computed == 4


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two NVIDIA GPUs")
def test_an_engine_on_the_second_gpu_keeps_to_it(tiny_model_folder: Callable[..., Path]) -> None:
    loaded = load_core(EngineOptions(folder=tiny_model_folder("llama"), name="tiny", device="cuda:1"))
    assert loaded.ready.device == "cuda:1"
    loaded.core.submit(Request("somebody", 1, 1, [40, 77], limit_tokens=2))
    while not loaded.core.idle:
        loaded.core.step()
    assert {tensor.device.index for tensor in loaded.core.caches.keys.values()} == {1}
    assert torch.cuda.memory_allocated(0) == 0
