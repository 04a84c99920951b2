"""A model on disk, and checks that a model folder is complete.

Not here: where models come from (`builtin`, `hub`, `cache`), and how they are loaded (the worker).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"

SLOW_TOKENIZER_FILES = ("tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt")
"""Files of tokenizers without `tokenizer.json`; it can be built from any one of them."""

SAFETENSORS_HEADER_LIMIT_BYTES = 100_000_000
"""The format's own limit on the length of its header."""


class ModelError(Exception):
    """A model cannot be used; the message tells the user why and what to do."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model ready to load.

    `folder` holds `config.json`, `tokenizer.json` and safetensors weights. `name`: as clients see it.
    `license`: an SPDX-like name, if known. `attribution`: a line that credits the authors.
    """

    folder: Path
    name: str
    license: str | None = None
    attribution: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes of all the model's files."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises `ModelError` if there is none."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} is not a JSON object")
    return value


def check_folder(folder: Path) -> None:
    """Raise `ModelError` unless the folder has a complete model; `tokenizer.json` may be missing if it can be built."""
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder} has no {CONFIG}, so it is not a model folder in the Hugging Face layout")
    config = read_json(folder / CONFIG)
    if not config.get("model_type"):
        raise ModelError(f"{folder / CONFIG} names no model_type")
    for path in weight_files(folder):
        check_safetensors(path)
    if not has_tokenizer(folder):
        raise ModelError(
            f"{folder} has neither {TOKENIZER} nor a file to build it from: {', '.join(SLOW_TOKENIZER_FILES)}"
        )


def has_tokenizer(folder: Path) -> bool:
    """Whether the folder has a tokenizer, of either kind."""
    return any((folder / name).is_file() for name in (TOKENIZER, *SLOW_TOKENIZER_FILES))


def weight_files(folder: Path) -> list[Path]:
    """The weight files of a model folder, by name. Raises `ModelError` if any is missing."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / WEIGHTS_INDEX).is_file():
        raise ModelError(
            f"{folder} has neither {WEIGHTS} nor {WEIGHTS_INDEX}; weights must be in the safetensors format"
        )
    weight_map = read_json(folder / WEIGHTS_INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError(f"{folder / WEIGHTS_INDEX} has no weight_map")
    names = sorted({str(name) for name in weight_map.values()})
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder} lacks {len(missing)} of its {len(names)} weight files: {', '.join(missing[:4])}")
    return [folder / name for name in names]


def check_safetensors(path: Path) -> None:
    """Raise `ModelError` if this is not a complete safetensors file; reads only its header.

    The layout is that of the safetensors format: eight bytes of header length, a JSON header, then the tensors, whose
    `data_offsets` count from the header's end.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 2 <= length <= min(size - 8, SAFETENSORS_HEADER_LIMIT_BYTES):
            raise ModelError(f"{path} is not a safetensors file, or it is incomplete ({size:,} bytes)")
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ModelError(f"{path} has a damaged safetensors header") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise ModelError(
            f"{path} is {size:,} bytes instead of the {expected:,} that its header says: it is incomplete or damaged"
        )
