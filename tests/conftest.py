"""What tests of several parts share: the built-in model, small random models, and what to skip without a GPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from .surroundings import lacking, settle

settle()

import afterword.worker  # noqa: E402, F401  before torch, whose threads it keeps from starving one another

hypothesis_settings.register_profile("afterword", derandomize=True, deadline=None, database=None)
# For `make test-long`, which gives a seed of its own each time and prints it.
hypothesis_settings.register_profile(
    "long",
    deadline=None,
    database=None,
    print_blob=True,
    max_examples=1000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
hypothesis_settings.load_profile("afterword")

TinyModel = Callable[..., Path]
"""`tiny_model_folder(family="llama", readable=False, **config)`: the folder of a small random model.

Equal calls share one. A `readable` one writes nothing but printable ASCII, without end.
"""

WriteGguf = Callable[..., Path]

TINY_CORPUS = """The quick brown fox jumps over the lazy dog, and the dog does not mind at all.
It was a bright cold day in April, and the clocks were striking thirteen. She had 42 reasons to stay.
Der schnelle braune Fuchs springt über den faulen Hund. Ça va très bien, merci.
"""

_CONTEXT = {"max_position_embeddings": 512, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0}
_LLAMA_LIKE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    # Far wider than in training, so that the most likely token stands clear of the next one.
    "initializer_range": 0.3,
    **_CONTEXT,
}
TINY_FAMILIES: dict[str, dict[str, Any]] = {
    "mistral": _LLAMA_LIKE,
    "qwen2": _LLAMA_LIKE,
    "llama": _LLAMA_LIKE,
    "qwen3": _LLAMA_LIKE,
    "gemma3_text": {
        **_LLAMA_LIKE,
        "sliding_window": 24,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        "query_pre_attn_scalar": 16,
        "tie_word_embeddings": False,  # tied, a random model of this family repeats its last token for ever
    },
    "gpt2": {
        "n_embd": 64,
        "n_layer": 3,
        "n_head": 4,
        "n_positions": 512,
        "initializer_range": 0.3,
        "bos_token_id": 0,
        "eos_token_id": 0,
    },
    "gpt_neox": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "initializer_range": 0.3,
        **_CONTEXT,
    },
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: also the tests that take many minutes."""
    parser.addoption("--long", action="store_true", help="also run the tests marked long: fuzz and soak")


def pytest_report_header(config: pytest.Config) -> str | None:
    """The seed, so that a run with random ones can be had again."""
    seed = config.getoption("hypothesis_seed", None)
    return f"to run with the same seed: make test-long SEED={seed}" if seed else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests unless they are asked for, and skip those that need a GPU where there is none.

    torch is imported only if there are such tests.
    """
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]
    waiting = [item for item in items if item.get_closest_marker("cuda")]
    if not waiting:
        return
    import torch

    if not torch.cuda.is_available():
        for item in waiting:
            item.add_marker(pytest.mark.skip(reason="needs an NVIDIA GPU, and torch sees none"))


@pytest.fixture(scope="session")
def builtin_model_folder() -> Path:
    """The built-in model in the user's cache, converted if this is the first time."""
    from afterword.models import ModelError, resolve
    from afterword.models.builtin import locate

    try:
        locate()
    except ModelError as error:
        lacking(str(error))
    return resolve("builtin").folder


@pytest.fixture(scope="session")
def tiny_tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer of 400 tokens; token 0 is the end of text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TINY_CORPUS] * 3, trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer_file: Path) -> TinyModel:
    """Makes small random models, float32, complete with tokenizer: see `TinyModel` and `TINY_FAMILIES`."""
    made: dict[str, Path] = {}

    def make(family: str = "llama", readable: bool = False, **changes: Any) -> Path:
        key = f"{family} {readable} {sorted(changes.items())}"
        if key not in made:
            made[key] = _make_tiny_model(
                family, readable, changes, tmp_path_factory.mktemp(family), tiny_tokenizer_file
            )
        return made[key]

    return make


@pytest.fixture
def write_gguf(tmp_path: Path, tiny_model_folder: TinyModel) -> WriteGguf:
    """Writes the small llama as a GGUF file: `write_gguf(name="tiny.gguf", pre="smollm", quantized=None)`."""

    def write(name: str = "tiny.gguf", pre: str = "smollm", quantized: str | None = None) -> Path:
        from .tiny_gguf import write_llama

        path = tmp_path / name
        write_llama(path, tiny_model_folder("llama"), pre, quantized)
        return path

    return write


def _make_tiny_model(family: str, readable: bool, changes: dict[str, Any], folder: Path, tokenizer_file: Path) -> Path:
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    vocab_size = tokenizer.get_vocab_size()
    config = AutoConfig.for_model(family, **TINY_FAMILIES[family] | {"vocab_size": vocab_size} | changes)
    factory: Any = AutoModelForCausalLM
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = factory.from_config(config, dtype=torch.float32)
    if readable:
        texts = [tokenizer.decode([token]) for token in range(vocab_size)]
        unwanted = [token for token, text in enumerate(texts) if not (text.isascii() and text.isprintable() and text)]
        # Their scores are 0, and among hundreds of random ones some are higher.
        model.get_output_embeddings().weight.data[unwanted] = 0
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    return folder
