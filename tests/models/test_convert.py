"""GGUF files become model folders that hold the same weights and split text as the model was trained to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from afterword.models import ModelError, resolve
from afterword.models.cache import ConversionCache

from .conftest import Told

WriteGguf = Callable[..., Path]


def test_a_gguf_file_keeps_its_weights_and_text(
    write_gguf: WriteGguf, tiny_model_folder: Callable[..., Path], tmp_path: Path, told: Told
) -> None:
    files = resolve(str(write_gguf()), tmp_path / "cache", told)
    original = tiny_model_folder("llama")
    assert (files.name, files.license, files.attribution) == ("tiny", "mit", "Tiny Llama")

    wanted, got = (load_file(folder / "model.safetensors") for folder in (original, files.folder))
    assert wanted.keys() == got.keys()
    assert all(np.array_equal(wanted[name], got[name]) for name in wanted)

    text = "The quick brown fox, in Größe."
    tokenizers = [Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in (original, files.folder)]
    assert tokenizers[0].encode(text).ids == tokenizers[1].encode(text).ids
    assert any("unpacking" in stage for stage in told.stages)
    assert told.fractions[-1] == 1


@pytest.mark.parametrize(
    ("kind", "steps"),
    [("Q8_0", 127), ("Q5_0", 15)],  # the second is one that transformers itself does not read
)
def test_quantized_weights_are_unpacked(
    kind: str, steps: int, write_gguf: WriteGguf, tiny_model_folder: Callable[..., Path], tmp_path: Path
) -> None:
    files = resolve(str(write_gguf(quantized=kind)), tmp_path / "cache")
    assert "quantization_config" not in json.loads((files.folder / "config.json").read_text())
    wanted, got = (load_file(f / "model.safetensors") for f in (tiny_model_folder("llama"), files.folder))
    for name in wanted:
        assert got[name].dtype == np.float32
        step = np.abs(wanted[name]).max() / steps  # how many the kind rounds to on either side of zero
        assert np.abs(wanted[name] - got[name]).max() <= step


def test_a_converted_file_is_found_again(write_gguf: WriteGguf, tmp_path: Path, told: Told) -> None:
    path = write_gguf()
    first = resolve(str(path), tmp_path / "cache")
    again = resolve(str(path.parent), tmp_path / "cache", told)  # a folder with one GGUF file stands for it
    assert again == first
    assert told.stages == []


def test_a_file_of_unknown_splitting_is_converted_with_a_warning(
    write_gguf: WriteGguf, tmp_path: Path, told: Told
) -> None:
    resolve(str(write_gguf(pre="never-heard-of")), tmp_path / "cache", told)
    assert [stage for stage in told.stages if "warning" in stage and "never-heard-of" in stage]


def test_a_broken_gguf_file_is_refused_with_the_reason(tmp_path: Path, write_gguf: WriteGguf) -> None:
    path = write_gguf()
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ModelError, match=r"tiny\.gguf cannot be converted: \w"):
        resolve(str(path), tmp_path / "cache")
    assert list(ConversionCache(tmp_path / "cache")) == []


def test_a_folder_with_a_slow_tokenizer_gets_a_fast_one(tiny_model_folder: Callable[..., Path], tmp_path: Path) -> None:
    original = tiny_model_folder("llama")
    slow = tmp_path / "slow"
    shutil.copytree(original, slow)
    tokenizer = Tokenizer.from_file(str(slow / "tokenizer.json"))
    tokenizer.model.save(str(slow))  # vocab.json and merges.txt
    (slow / "tokenizer.json").unlink()
    (slow / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}'
    )
    files = resolve(str(slow), tmp_path / "cache")
    assert files.name == "slow"
    made = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    assert made.encode("The quick brown fox").ids == tokenizer.encode("The quick brown fox").ids
    assert (files.folder / "model.safetensors").resolve() == slow / "model.safetensors"
    assert resolve(str(slow), tmp_path / "cache") == files


@pytest.mark.model
@pytest.mark.slow
def test_the_builtin_model_is_complete_and_splits_digits(builtin_model_folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(builtin_model_folder / "tokenizer.json"))
    assert tokenizer.encode("In 2024, 13 of").tokens == ["In", "Ġ", "2", "0", "2", "4", ",", "Ġ", "1", "3", "Ġof"]
    assert tokenizer.decode(tokenizer.encode("In 2024, 13 of").ids) == "In 2024, 13 of"
    config = json.loads((builtin_model_folder / "config.json").read_text())
    assert (config["model_type"], config["num_hidden_layers"], config["vocab_size"]) == ("llama", 30, 49152)
    ends = json.loads((builtin_model_folder / "generation_config.json").read_text())["eos_token_id"]
    assert {tokenizer.id_to_token(end) for end in ends} == {"<|im_end|>", "<|endoftext|>"}
    assert "Apache License" in (builtin_model_folder / "LICENSE").read_text()
    manifest = next(
        c.manifest for c in ConversionCache(builtin_model_folder.parents[1]) if c.folder == builtin_model_folder
    )
    assert manifest.damage(builtin_model_folder, full=True) == []
