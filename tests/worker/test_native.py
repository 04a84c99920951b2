"""The compiled code: what it computes is what transformers computes, and no row depends on what shares its step."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from copy import deepcopy
from ctypes import CDLL
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from afterword.engine.options import EngineOptions
from afterword.worker.cache.key_values import KeyValues
from afterword.worker.config import CoreConfig
from afterword.worker.decoding.sampling import Sampler
from afterword.worker.engine_core import EngineCore
from afterword.worker.loading import load_core
from afterword.worker.model.checks import plain_logits
from afterword.worker.model.step import Span, Step
from afterword.worker.native import build
from afterword.worker.native.build import NativeUnavailable, compiled
from afterword.worker.native.decoder import NativeDecoder
from afterword.worker.native.kernels import NativeKernels
from afterword.worker.native.library import WeightKind, opened
from afterword.worker.native.runner import NativeRunner, NativeSampler

from ..surroundings import lacking
from .conftest import Model, Rig, open_model

# Families that the compiled code serves, and what of their configurations takes another way through it.
SERVED = {
    "llama": {},
    "llama-biased": {"attention_bias": True, "mlp_bias": True},
    "llama-wide": {"intermediate_size": 1200},  # more inputs than are summed in whole numbers at once
    "llama-yarn": {"rope_parameters": {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 4.0}},
    "mistral": {"sliding_window": 12},
    "qwen2": {},
    "qwen3": {},
    "gemma3_text": {},
}
POSITIONS = 128
choose = Sampler().choose
TOLERANCE = 1e-4
# For other processors than this one; what this one cannot run is not tried.
TARGETS = {
    "native": ("-march=native",),
    "avx512": ("-mavx512f", "-mavx512bw", "-mavx2", "-mfma", "-mf16c"),
    "avx2": ("-mavx2", "-mfma", "-mf16c"),
    "plain": (),
}


@pytest.fixture(autouse=True, scope="module")
def compiler() -> None:
    """These tests compile."""
    if shutil.which("c++") is None and shutil.which("g++") is None:
        lacking("there is no C++ compiler")


@pytest.fixture(params=SERVED, scope="module")
def served(request: pytest.FixtureRequest, tiny_model_folder: Callable[..., Path]) -> Model:
    family = request.param.partition("-")[0]
    return open_model("llama", tiny_model_folder(family, **SERVED[request.param]))


def library_for(target: str) -> CDLL:
    features = build._features().split()
    missing = [
        flag[2:] for flag in TARGETS[target] if flag.startswith("-m") and "=" not in flag and flag[2:] not in features
    ]
    if missing:
        pytest.skip(f"this processor has no {', '.join(missing)}")
    return opened(compiled(target=TARGETS[target]))


def runner(
    model: Model, kind: WeightKind = WeightKind.FLOAT32, threads: int = 2, target: str = "native"
) -> NativeRunner:
    return NativeRunner(NativeDecoder(library_for(target), model.model, model.layout, kind, POSITIONS, threads))


def caches(model: Model, kind: WeightKind = WeightKind.FLOAT32) -> KeyValues:
    half = torch.float16 if kind is WeightKind.INT8 else None
    return KeyValues(replace(model.layout, cache_dtype=half), 4, POSITIONS)


def span(slot: int, start: int, tokens: list[int]) -> Span:
    places = list(range(start, start + len(tokens)))
    return Span(slot, slot, start, tokens, places, list(range(len(tokens))))


def some_tokens(model: Model, count: int, seed: int = 1) -> list[int]:
    return random.Random(seed).choices(range(model.layout.vocabulary), k=count)


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


def test_float32_logits_are_those_of_transformers(served: Model) -> None:
    tokens = some_tokens(served, 50)
    ours = runner(served).forward(Step(caches(served), [span(0, 0, tokens)]))
    assert difference(ours, plain_logits(served.model, tokens)) < TOLERANCE


def test_int8_logits_are_those_of_transformers_with_the_same_weights(served: Model) -> None:
    tokens = some_tokens(served, 50)
    ours = runner(served, WeightKind.INT8).forward(Step(caches(served, WeightKind.INT8), [span(0, 0, tokens)]))
    rounded = deepcopy(served.model)
    with torch.no_grad():
        for weights in rounded.parameters():
            if weights.dim() == 2:
                scales = weights.abs().amax(1, keepdim=True) / 127
                weights.copy_((weights / scales.clamp(min=1e-30)).round() * scales)
    # Keys and values are halves, and there are as many roundings as layers.
    assert difference(ours, plain_logits(rounded, tokens)) < 3e-2


@pytest.mark.parametrize("kind", WeightKind)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_row_is_the_same_to_the_bit_whatever_shares_its_step(served: Model, kind: WeightKind, threads: int) -> None:
    tokens, others = some_tokens(served, 40), some_tokens(served, 40, seed=2)
    whole = runner(served, kind).forward(Step(caches(served, kind), [span(0, 0, tokens)]))
    shared = caches(served, kind)
    native = runner(served, kind, threads)
    got = []
    dice = random.Random(3)
    at = 0
    while at < len(tokens):
        until = min(len(tokens), at + dice.randint(1, 14))
        other = dice.randint(0, 20)
        beside = [span(1, other, others[other : other + dice.randint(1, 9)])] if at % 2 else []
        got.append(native.forward(Step(shared, [span(3, at, tokens[at:until]), *beside]))[: until - at])
        at = until
    assert torch.equal(torch.cat(got), whole)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", WeightKind)
def test_other_processors_get_the_same_answers(served: Model, kind: WeightKind, target: str) -> None:
    tokens, others = some_tokens(served, 45), some_tokens(served, 20, seed=2)
    native = runner(served, kind, target=target)
    ours = native.forward(Step(caches(served, kind), [span(0, 0, tokens)]))
    theirs = runner(served, kind).forward(Step(caches(served, kind), [span(0, 0, tokens)]))
    # In int8, some processors count in whole numbers and some in floats, which differ by rounding of the inputs only.
    assert difference(ours, theirs) < (TOLERANCE if kind is WeightKind.FLOAT32 else 1e-2)
    shared = caches(served, kind)
    parts = [native.forward(Step(shared, [span(3, 0, tokens[:1])]))]
    parts.append(native.forward(Step(shared, [span(3, 1, tokens[1:8]), span(1, 0, others)]))[:7])
    parts.append(native.forward(Step(shared, [span(3, 8, tokens[8:])])))
    assert torch.equal(torch.cat(parts), ours)


def core(model: Model, kind: WeightKind) -> EngineCore:
    layout = replace(model.layout, cache_dtype=torch.float16) if kind is WeightKind.INT8 else model.layout
    config = CoreConfig(slots=3, context_tokens=96, room_tokens=POSITIONS - 96, prefill_tokens=16)
    banned = model.vocabulary.banned_ids | model.vocabulary.eos_ids
    return EngineCore(model.model, model.vocabulary.token_bytes, (), banned, config, layout, runner(model, kind))


@pytest.mark.parametrize("kind", WeightKind)
def test_texts_of_a_core_are_the_same_alone_and_in_company(served: Model, kind: WeightKind) -> None:
    prompts = {document: some_tokens(served, 7 * document, seed=document) for document in (1, 2, 3)}
    alone = {}
    for document, tokens in prompts.items():
        rig = Rig(core(served, kind))
        run = rig.write(document, tokens, limit_tokens=12, alternatives=document)
        alone[document] = [rig.tokens(run, alternative) for alternative in range(document)]
    rig = Rig(core(served, kind))
    runs = {
        document: rig.ask(document, tokens, limit_tokens=12, alternatives=document)
        for document, tokens in prompts.items()
    }
    rig.settle()
    assert {d: [rig.tokens(run, k) for k in range(d)] for d, run in runs.items()} == alone


def test_greedy_text_in_float32_is_that_of_a_plain_forward(served: Model) -> None:
    rig = Rig(core(served, WeightKind.FLOAT32))
    text = some_tokens(served, 20)
    run = rig.write(1, text, limit_tokens=20, alternatives=2)
    banned = list(served.vocabulary.banned_ids | served.vocabulary.eos_ids)
    for alternative in range(2):
        so_far = list(text)
        for at, token in enumerate(rig.tokens(run, alternative)):
            logits = served.logits(so_far).clone()
            logits[banned] = float("-inf")
            if at or not alternative:  # the second alternative begins with the second best
                assert float(logits.max() - logits[token]) < 1e-3
            so_far.append(token)


def test_what_cannot_be_served_is_named(models: Callable[[str], Model]) -> None:
    gpt2 = models("gpt2")
    with pytest.raises(NativeUnavailable, match="gpt2"):
        NativeKernels(gpt2.model, gpt2.layout, "int8")


def test_without_a_compiler_the_model_still_runs(
    tiny_model_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    loaded = load_core(EngineOptions(folder=tiny_model_folder("llama"), name="tiny", dtype="int8"))
    assert loaded.ready.dtype == "int8"
    assert not isinstance(loaded.core.runner, NativeRunner)
    assert "no-such-compiler" in caplog.text
    rig = Rig(loaded.core)
    assert len(rig.tokens(rig.write(1, [5, 6, 7], limit_tokens=4))) == 4


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo "out of paper" >&2; exit 1; }\n')
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(NativeUnavailable, match="out of paper"):
        compiled(folder=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_it_is_compiled_once(tmp_path: Path) -> None:
    said: list[str] = []
    first = compiled(said.append, TARGETS["plain"], tmp_path)
    assert compiled(said.append, TARGETS["plain"], tmp_path) == first
    assert said == ["compiling kernels"]


@pytest.mark.parametrize(("dtype", "named"), [("auto", "int8"), ("int8", "int8"), ("float32", "float32")])
def test_a_cpu_runs_the_compiled_code_unless_told_otherwise(
    tiny_model_folder: Callable[..., Path], dtype: str, named: str
) -> None:
    loaded = load_core(EngineOptions(folder=tiny_model_folder("llama"), name="tiny", device="cpu", dtype=dtype))
    assert isinstance(loaded.core.runner, NativeRunner)
    assert loaded.ready.dtype == named


# Around the size of a block, with and without a rest, and that of a vocabulary.
LENGTHS = (1, 17, 255, 256, 257, 1000, 49_152)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("target", TARGETS)
def test_the_likeliest_token_is_the_one_that_torch_finds(length: int, target: str) -> None:
    sampler = NativeSampler(library_for(target))
    torch.manual_seed(length)
    for _ in range(5):
        row = torch.randn(length) * 5
        row[torch.randint(length, (length // 10,))] = float("-inf")
        allowed = torch.randperm(length)[: max(1, length // 3)]
        for ids in (None, allowed):
            wanted = choose(row.double(), ids)
            found = sampler.choose(row, ids)
            assert found.token == wanted.token
            assert found.logprob == pytest.approx(wanted.logprob, abs=1e-4)


def test_of_equal_logits_the_first_is_taken() -> None:
    sampler = NativeSampler(opened(compiled()))
    row = torch.zeros(1000)
    row[[900, 300, 301]] = 2.0
    assert sampler.choose(row).token == 300
    assert sampler.choose(row, torch.tensor([901, 900, 301])).token == 900


def test_a_draw_is_the_same_as_by_torch() -> None:
    row = torch.randn(500)
    mine, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    sampler = NativeSampler(opened(compiled()))
    for _ in range(20):
        assert sampler.choose(row, None, 0.8, mine) == choose(row, None, 0.8, theirs)


def test_a_row_of_no_numbers_ends_nothing() -> None:
    sampler = NativeSampler(opened(compiled()))
    for value in (float("nan"), float("-inf")):
        assert 0 <= sampler.choose(torch.full((300,), value)).token < 300


def test_banned_tokens_are_banned_in_rows_that_lie_apart() -> None:
    logits = torch.randn(5, 70)
    ours, theirs = logits.clone()[:, :64], logits.clone()[:, :64]
    banned = torch.tensor([0, 13, 63])
    NativeSampler(opened(compiled())).ban(ours, banned)
    Sampler().ban(theirs, banned)
    assert torch.equal(ours, theirs)
