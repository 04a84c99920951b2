"""From a model folder to a core that is ready: weights, checks, sizes, and first steps that warm it up.

What lives here: the choice of device, dtype and sizes, the order in which things are tried, and reports of progress.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING
from transformers.utils import logging as transformers_logging

from afterword.engine.api import Forget, Progress, Ready, Request
from afterword.engine.options import EngineOptions
from afterword.text.vocabulary import Vocabulary
from afterword.worker.cache.layout import ROOM_TOKENS, Layout, choose_context, slots_for
from afterword.worker.config import CoreConfig
from afterword.worker.decoding.sampling import Sampler
from afterword.worker.engine_core import EngineCore
from afterword.worker.errors import UnsupportedModelError
from afterword.worker.model import attention
from afterword.worker.model.checks import TOLERANCE, check_config, position_limit, recorded_steps_test, self_test
from afterword.worker.model.cuda_graphs import RecordedStepRunner
from afterword.worker.model.int8 import quantize
from afterword.worker.model.probing import probe
from afterword.worker.model.runner import StepRunner
from afterword.worker.model.static_step import NotRecordable
from afterword.worker.native.build import NativeUnavailable
from afterword.worker.native.kernels import INT8, NativeKernels

log = logging.getLogger(__name__)

Report = Callable[[Progress], None]
CUDA_PREFILL_TOKENS = 2048
CUDA_SHORT_PREFILL_TOKENS = 256
# A step of four rows takes 1.1 times one of a single row in the compiled code, one of eight 1.7 times.
NATIVE_SPECULATIVE_ROWS = 4
NATIVE_DTYPES = frozenset({"auto", INT8, "float32"})
WARM_UP = 0  # document and run of the warm-up; those of writers are counted from 1
NOBODY = ""  # whose it is


@dataclass(frozen=True, slots=True)
class Loaded:
    """A core that answers requests, and what it reports of itself."""

    core: EngineCore
    ready: Ready


def load_model(
    folder: Path, device: str = "auto", dtype: str = "auto", progress: Report = lambda _: None
) -> PreTrainedModel:
    """A causal model from a local folder, in evaluation mode, with our attention.

    Raises `UnsupportedModelError`, `OSError`.
    """
    place = choose_device(device)
    if place.type == "cuda" and place.index is not None:
        torch.cuda.set_device(place)  # for what takes the current one, such as streams
    kind = choose_dtype(dtype, place)
    progress(Progress("reading the configuration"))
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    check_config(config, _class_of(config))
    progress(Progress("loading weights"))
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, config=config, dtype=kind, attn_implementation=attention.NAME, local_files_only=True
    )
    model.to(device=place)  # type: ignore[call-arg]
    model.requires_grad_(False)
    model.eval()  # type: ignore[no-untyped-call]
    return model


def load_core(options: EngineOptions, progress: Report = lambda _: None) -> Loaded:
    """Load what the options name, check it and warm it up.

    Raises `UnsupportedModelError`, `OSError`, `VocabularyError`.
    """
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    progress(Progress("reading the tokenizer"))
    vocabulary = Vocabulary.from_folder(options.folder)
    model = load_model(options.folder, options.device, options.dtype, progress)
    progress(Progress("checking the model"))
    layout = probe(model)
    native = native_for(model, layout, options, progress)
    runner: StepRunner | None = None
    sampler: Sampler | None = None
    dtype = str(layout.dtype).removeprefix("torch.")
    if native is not None:
        layout, sampler, dtype = native.layout, native.sampler, native.dtype
        config = replace(core_config(layout, model.config, options), speculative_rows=NATIVE_SPECULATIVE_ROWS)
        runner = native.runner(config.rows)
        self_test(model, layout, runner, native.tolerance)
    else:
        self_test(model, layout)
        if layout.device.type == "cpu" and options.dtype in (INT8, "auto"):
            progress(Progress("quantizing weights"))
            if quantize(model):
                dtype = INT8
            self_test(model, layout, tolerance=TOLERANCE[torch.bfloat16])  # to which inputs are rounded
        config = core_config(layout, model.config, options)
        if layout.device.type == "cuda" and options.cuda_graphs == "on":
            runner = RecordedStepRunner(model)
    core = EngineCore(
        model,
        vocabulary.token_bytes,
        vocabulary.eos_ids,
        vocabulary.banned_ids,
        config,
        layout,
        runner,
        sampler,
    )
    if isinstance(runner, RecordedStepRunner):
        record_steps(runner, core, progress, capture=True)
    progress(Progress("warming up"))
    warm_up(core)
    return Loaded(core, Ready(options.name, config.context_tokens, config.slots, str(layout.device), dtype))


def native_for(
    model: PreTrainedModel, layout: Layout, options: EngineOptions, progress: Report
) -> NativeKernels | None:
    """The compiled code for a model on a CPU; None for other dtypes, or if it cannot be had, as the log says."""
    if layout.device.type != "cpu" or options.dtype not in NATIVE_DTYPES:
        return None
    try:
        return NativeKernels(model, layout, options.dtype, lambda stage: progress(Progress(stage)))
    except NativeUnavailable as reason:
        log.warning("the model runs on the kernels of torch, and each step takes several times as long: %s", reason)
        return None


def record_steps(runner: RecordedStepRunner, core: EngineCore, progress: Report, *, capture: bool) -> bool:
    """Record small steps and try them; the core must be fresh. `capture`: as CUDA graphs.

    Returns whether they are used. If not, because the model cannot be recorded, capture fails or memory is short, every
    step is run plainly, and the log says why.
    """
    stage = "recording small steps"
    try:
        runner.prepare(core.caches, core.layout, capture=capture, progress=lambda part: progress(Progress(stage, part)))
        recorded_steps_test(runner, runner.plain, core.caches, core.layout.vocabulary)
    except (NotRecordable, RuntimeError) as error:
        runner.give_up()
        log.warning("small steps are not recorded, so each takes longer: %s: %s", type(error).__name__, error)
        return False
    return True


def warm_up(core: EngineCore) -> None:
    """Run a prefill and a decode step, because the first ones take longer.

    Libraries choose and set up their kernels in them, for each number of rows, and weights come into memory.
    """
    longest = min(core.config.prefill_tokens + 1, core.config.context_tokens)
    for length in (longest - 1, longest):  # the second has one row to add, as a decode step has
        core.submit(Request(NOBODY, document=WARM_UP, run=WARM_UP, tokens=[0] * length, limit_tokens=1))
        core.step()
        while not core.idle:
            core.step()
    core.submit(Forget(NOBODY, WARM_UP))
    core.step()


def core_config(layout: Layout, config: PretrainedConfig, options: EngineOptions) -> CoreConfig:
    """Sizes of the core within the budget of the options.

    Raises `UnsupportedModelError` if the context is too long for it.
    """
    limit = position_limit(config)
    context = options.context_tokens or choose_context(layout, limit, options.cache_bytes)
    if limit is not None and context > limit:
        raise UnsupportedModelError(f"a context of {context} tokens was requested, but the model has {limit} positions")
    room = ROOM_TOKENS if limit is None else min(ROOM_TOKENS, limit - context)
    least_bytes = layout.slot_bytes(context + room)
    if least_bytes > options.cache_bytes:
        raise UnsupportedModelError(
            f"the cache of one document of {context} tokens takes {-(-least_bytes >> 20)} MiB, but the budget of "
            f"all caches is {options.cache_bytes >> 20} MiB: raise the budget, or choose a shorter context"
        )
    slots = slots_for(layout, context, options.cache_bytes, room)
    sizes = CoreConfig(slots=slots, context_tokens=context, room_tokens=room)
    if layout.device.type == "cpu":
        return sizes
    return replace(sizes, prefill_tokens=CUDA_PREFILL_TOKENS, short_prefill_tokens=CUDA_SHORT_PREFILL_TOKENS)


def choose_device(device: str) -> torch.device:
    """The device named, or else CUDA if there is a GPU, or the CPU. Raises `ValueError` if there is no such GPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    place = torch.device(device)
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"{device} was requested, but torch {torch.__version__} sees {torch.cuda.device_count()} GPUs")
    return place


def choose_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """The dtype that weights are loaded in: the one named, or float32 on a CPU and bfloat16 elsewhere.

    int8 weights are made of float32 ones. Raises `ValueError` for a dtype that is unknown, or not for this device.
    """
    if dtype == INT8 and device.type != "cpu":
        raise ValueError(f"{INT8} is for CPUs; use the dtype auto on {device}")
    if dtype == INT8:
        return torch.float32
    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    found = getattr(torch, dtype, None)
    if found not in (torch.float32, torch.float16, torch.bfloat16):
        raise ValueError(f"unknown dtype {dtype!r}; known are auto, int8, float32, float16 and bfloat16")
    assert isinstance(found, torch.dtype)
    return found


def _class_of(config: PretrainedConfig) -> type | None:
    """The class that would be loaded, if transformers has one of its own for this configuration."""
    try:
        found = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    except KeyError:
        return None
    return found if isinstance(found, type) else None
