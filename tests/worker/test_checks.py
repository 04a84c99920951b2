"""Which models are served, and what is said of the others."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from afterword.worker.errors import UnsupportedModelError
from afterword.worker.loading import load_model
from afterword.worker.model import attention
from afterword.worker.model.checks import check_config, position_limit, self_test
from afterword.worker.model.probing import probe

SMALL = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
WINDOWED = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
MIXTURE = {"num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}


def build(family, **details):
    torch.manual_seed(3)
    config = AutoConfig.for_model(family, **SMALL | details)
    return AutoModelForCausalLM.from_config(config, attn_implementation=attention.NAME).eval()


def examine(model):
    check_config(model.config, type(model))
    self_test(model, probe(model))


def test_models_of_the_tests_are_served(each_model):
    examine(each_model.model)


@pytest.mark.parametrize("family", ["llama", "gemma3_text", "gpt2"])
def test_models_in_half_precision_are_served(tiny_model_folder, family):
    model = load_model(tiny_model_folder(family), "cpu", "bfloat16")
    layout = probe(model)
    assert layout.dtype == torch.bfloat16
    self_test(model, layout)


@pytest.mark.parametrize(
    ("family", "details"),
    [
        ("mistral", {"sliding_window": 8}),
        ("qwen2", {}),
        ("qwen3_moe", {"head_dim": 8} | MIXTURE),
        ("gemma2", {"head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8}),
        ("gpt_oss", {"head_dim": 8} | WINDOWED | MIXTURE),
        ("cohere2", {"sliding_window": 8}),
        ("phi3", {}),
        ("olmo2", {}),
        ("smollm3", {}),
        ("opt", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    ],
)
def test_other_families_are_served(family, details):
    examine(build(family, **details))


def save(folder, family, **details):
    torch.manual_seed(3)
    AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **SMALL | details)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("family", "details", "reason"),
    [
        ("mamba", {}, r"recurrent"),
        ("lfm2", {"layer_types": ["conv", "full_attention", "conv"]}, r"'conv' \(a convolution.*cannot be cut back"),
        ("rwkv", {}, "recurrent layers, whose cache cannot be cut back"),
        ("bloom", {}, "BloomForCausalLM does not use the attention interface"),
        ("gptj", {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4}, "does not use the attention interface"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused_at_load_with_the_reason(tmp_path, family, details, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        load_model(save(tmp_path, family, **details), "cpu", "float32")


def test_layers_that_look_at_chunks_are_refused():
    config = AutoConfig.for_model("llama4_text", **SMALL)
    with pytest.raises(UnsupportedModelError, match="'chunked_attention'"):
        check_config(config)


def test_an_encoder_is_refused():
    with pytest.raises(UnsupportedModelError, match="encoder"):
        check_config(AutoConfig.for_model("t5"))


def test_attention_that_is_not_causal_is_refused():
    with pytest.raises(UnsupportedModelError, match="not causal"):
        probe(build("bert"))


def test_a_layer_that_bypasses_the_interface_is_refused(model, monkeypatch):
    other = build("llama")
    monkeypatch.setattr(other.model.layers[1], "forward", lambda hidden, **_: hidden)
    with pytest.raises(UnsupportedModelError, match="only 2 of its 3 layers"):
        probe(other)


def test_an_unknown_argument_to_attention_is_refused(monkeypatch):
    other = build("llama")
    plain = other.model.layers[0].self_attn.forward
    monkeypatch.setattr(
        other.model.layers[0].self_attn, "forward", lambda *a, **k: plain(*a, position_bias=torch.zeros(1), **k)
    )
    with pytest.raises(UnsupportedModelError, match="'position_bias'"):
        probe(other)


def test_a_window_that_attention_is_not_told_of_is_refused(monkeypatch):
    other = build("mistral", sliding_window=8)
    for layer in other.model.layers:
        plain = layer.self_attn.forward
        monkeypatch.setattr(layer.self_attn, "forward", lambda *a, plain=plain, **k: plain(*a, **k))
    monkeypatch.setattr(type(other.model.layers[0].self_attn), "forward", _without_window(other))
    for layer in other.model.layers:
        monkeypatch.delattr(layer.self_attn, "forward")
    with pytest.raises(UnsupportedModelError, match="sliding window"):
        probe(other)


def _without_window(model):
    plain = type(model.model.layers[0].self_attn).forward

    def forward(self, *arguments, **details):
        config, self.config = self.config, type("Config", (), dict(vars(self.config), sliding_window=None))()
        self.config._attn_implementation = attention.NAME
        try:
            return plain(self, *arguments, **details)
        finally:
            self.config = config

    return forward


def test_a_layer_that_remembers_what_no_cache_holds_is_found_out_by_trying():
    """A layer that mixes each token with the one before it, as some do with a short convolution."""
    model = build("llama")
    block = model.model.layers[1].mlp
    plain = block.forward
    block.forward = lambda hidden: plain(hidden + 0.5 * torch.roll(hidden, 1, dims=1))
    with pytest.raises(UnsupportedModelError, match="differ from a plain forward"):
        examine(model)


@pytest.mark.parametrize(
    ("rope", "limit"),
    [
        ({"rope_type": "default", "rope_theta": 1e4}, 128),
        (
            {
                "rope_type": "longrope",
                "rope_theta": 1e4,
                "short_factor": [1.0] * 4,
                "long_factor": [2.0] * 4,
                "original_max_position_embeddings": 64,
            },
            64,
        ),
    ],
)
def test_positions_end_where_the_rotary_scaling_would_change(rope, limit):
    assert position_limit(AutoConfig.for_model("llama", **SMALL, rope_parameters=rope)) == limit
