"""A folder is taken for a model only when it holds a whole one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from afterword.models.files import ModelError, check_folder, weight_files


def test_a_whole_folder_passes(plain_folder: Path) -> None:
    check_folder(plain_folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(plain_folder: Path, name: str) -> None:
    (plain_folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        check_folder(plain_folder)


def test_weights_cut_short_are_noticed_without_reading_them(plain_folder: Path) -> None:
    weights = plain_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-3])
    with pytest.raises(ModelError, match="incomplete or damaged"):
        check_folder(plain_folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        b"\xff" * 64,
        b"\x02\0\0\0\0\0\0\0[]",
        b'\x08\0\0\0\0\0\0\0{"a": 1}',
        b"version https://git-lfs.github.com",
    ],
)
def test_weights_that_are_something_else_are_refused(plain_folder: Path, content: bytes) -> None:
    (plain_folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        check_folder(plain_folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"hidden_size": 3}'])
def test_a_broken_config_is_refused(plain_folder: Path, text: str) -> None:
    (plain_folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        check_folder(plain_folder)


def test_a_missing_part_of_split_weights_is_named(plain_folder: Path) -> None:
    (plain_folder / "model.safetensors").rename(plain_folder / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (plain_folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"lacks 1 of its 2 weight files: model-00002-of-00002\.safetensors"):
        weight_files(plain_folder)
