"""Which models the worker serves: by their configuration, by their class, and by trying them out.

What lives here: the reasons to refuse a model at load. The usual one is a cache that cannot be cut back to a length, as
recurrent and convolutional layers have.
"""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.layout import Layout
from afterword.worker.errors import UnsupportedModelError
from afterword.worker.model import attention
from afterword.worker.model.runner import Runner, StepRunner
from afterword.worker.model.static_step import NotRecordable
from afterword.worker.model.step import Span, Step

# Layer types whose cache is one row of keys and values per token.
CUTTABLE = frozenset({"full_attention", "sliding_attention", "dense", "sparse", "moe"})
WHY_NOT = {
    "linear_attention": "a recurrent state",
    "conv": "a convolution over recent tokens",
    "hybrid": "a recurrent state",
    "hybrid_sliding": "a recurrent state",
}
# Largest difference of logits from a plain forward, as a share of the largest logit.
TOLERANCE = {torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 6e-2}
SELF_TEST_TOKENS = 40
SELF_TEST_SEED = 5


def check_config(config: PretrainedConfig, model_class: type[Any] | None = None) -> None:
    """Refuse a model by its configuration or class, before weights are loaded. Raises `UnsupportedModelError`."""
    text = config.get_text_config()
    kinds = sorted(set(getattr(text, "layer_types", None) or ()) - CUTTABLE)
    if kinds:
        named = ", ".join(f"{kind!r} ({WHY_NOT[kind]})" if kind in WHY_NOT else repr(kind) for kind in kinds)
        raise UnsupportedModelError(f"it has layers of type {named}, whose cache cannot be cut back to a length")
    if getattr(config, "is_encoder_decoder", False):
        raise UnsupportedModelError("it has an encoder; only decoder-only models continue a text")
    if model_class is None:
        return
    if getattr(model_class, "_is_stateful", False):
        raise UnsupportedModelError(
            f"{model_class.__name__} has recurrent layers, whose cache cannot be cut back to a length"
        )
    if not getattr(model_class, "_supports_attention_backend", False):
        raise UnsupportedModelError(f"{model_class.__name__} does not use the attention interface of transformers")


def position_limit(config: PretrainedConfig) -> int | None:
    """Longest text of this model in tokens; None if nothing limits it.

    Rotary scalings that change with the length of the text would change what is in the caches already, so such a model
    is limited to lengths over which they do not.
    """
    text = config.get_text_config()
    limit: int | None = getattr(text, "max_position_embeddings", None)
    rope = getattr(text, "rope_parameters", None) or {}
    kinds = [rope] if "rope_type" in rope else [kind for kind in rope.values() if isinstance(kind, dict)]
    for kind in kinds:
        if kind.get("rope_type") == "longrope":
            original = kind.get("original_max_position_embeddings") or getattr(
                text, "original_max_position_embeddings", None
            )
            limit = min(limit or original, original) if original else limit
    return limit


def self_test(
    model: PreTrainedModel, layout: Layout, runner: StepRunner | None = None, tolerance: float | None = None
) -> None:
    """Compare ragged steps after a cut-back with one plain forward of the same tokens. Raises `UnsupportedModelError`.

    `runner`: runs the steps, if not the model itself. `tolerance`: largest difference, as a share of the largest logit.
    """
    tokens = random.Random(SELF_TEST_SEED).choices(range(layout.vocabulary), k=SELF_TEST_TOKENS)
    limit = position_limit(model.config)
    tokens = tokens[:limit]
    cut, begun = len(tokens) // 2, len(tokens) // 3
    caches = KeyValues(layout, 2, len(tokens))
    runner = runner or Runner(model)
    tolerance = tolerance or TOLERANCE[layout.dtype]

    def span(slot: int, start: int, new: list[int]) -> Span:
        places = list(range(start, start + len(new)))
        return Span(slot, slot, start, new, places, [len(new) - 1])

    wrong = tokens[:cut] + tokens[cut:][::-1]
    runner.forward(Step(caches, [span(0, 0, wrong), span(1, 0, tokens[:begun])]))
    ours = runner.forward(Step(caches, [span(0, cut, tokens[cut:]), span(1, begun, tokens[begun:cut])]))
    plain = plain_logits(model, tokens)
    for got, want in ((ours[0], plain[-1]), (ours[1], plain[cut - 1])):
        difference = _difference(got, want)
        if not difference <= tolerance:
            raise UnsupportedModelError(
                f"computed in pieces its logits differ from a plain forward by {difference:.1g} of their size, "
                f"more than {tolerance:.1g}: some layer depends on more than its own keys and values"
            )


def recorded_steps_test(recorded: StepRunner, plain: StepRunner, caches: KeyValues, vocabulary: int) -> None:
    """Compare a small recorded step with the same step run plainly, in slots that are empty.

    Raises `NotRecordable` if they differ: something in the model was not recorded with it.
    """
    tokens = random.Random(SELF_TEST_SEED).choices(range(vocabulary), k=min(SELF_TEST_TOKENS, caches.rows))
    spans = [(slot, len(tokens) // (slot + 1)) for slot in range(min(2, caches.slots))]

    def step(first: int, last: int) -> Step:
        """Of each text the rows from `first` before its end to `last` before its end."""
        parts = [(slot, max(0, end - first), end - last) for slot, end in spans]
        return Step(
            caches,
            [Span(slot, slot, at, tokens[at:end], list(range(at, end)), [end - at - 1]) for slot, at, end in parts],
        )

    plain.forward(step(len(tokens), 1))
    want = plain.forward(step(1, 0))
    got = recorded.forward(step(1, 0))
    tolerance = TOLERANCE[next(iter(caches.keys.values())).dtype]
    difference = _difference(got, want)
    if not difference <= tolerance:
        raise NotRecordable(f"recorded steps differ from others by {difference:.1g} of the largest logit")


def _difference(got: Tensor, want: Tensor) -> float:
    """The largest difference of logits, as a share of the largest logit wanted."""
    got, want = got.float(), want.float()
    return float((got - want).abs().max() / want.abs().max().clamp(min=1e-6))


@torch.inference_mode()
def plain_logits(model: PreTrainedModel, tokens: list[int]) -> Tensor:
    """Logits `[tokens, vocabulary]` of an ordinary forward with transformers' own attention and no cache."""
    model.set_attn_implementation("eager")
    try:
        output = model(input_ids=torch.tensor([tokens], device=model.device), use_cache=False)
        logits: Tensor = output.logits[0]
        return logits
    finally:
        model.set_attn_implementation(attention.NAME)
