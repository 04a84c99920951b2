"""What tests of `afterword.models` use: a sink of progress, and a model folder whose weights are of no use."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest


class Told:
    """A progress sink that remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.fractions: list[float] = []

    def __call__(self, stage: str, fraction: float | None = None) -> None:
        if not self.stages or self.stages[-1] != stage:
            self.stages.append(stage)
        if fraction is not None:
            self.fractions.append(fraction)


@pytest.fixture
def told() -> Told:
    return Told()


def write_safetensors(path: Path, count: int = 4) -> None:
    """A safetensors file of one float32 tensor."""
    header = {"weight": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4 * count))


@pytest.fixture
def plain_folder(tmp_path: Path, tiny_tokenizer_file: Path) -> Path:
    """A folder in the layout of a model; its weights are of no use."""
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_bytes(tiny_tokenizer_file.read_bytes())
    write_safetensors(folder / "model.safetensors")
    return folder
