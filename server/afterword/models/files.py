"""What a model on disk is to the rest of Afterword, and whether a folder holds one whole.

Here: the description handed on to gateway and engine, and the checks of a folder that need no model library.
Not here: where models come from (`builtin`, `hub`, `cache`) and how they are loaded (the engine).
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
"""Files of tokenizers that have no `tokenizer.json` yet; any one of them is enough to build it."""

SAFETENSORS_HEADER_LIMIT_BYTES = 100_000_000
"""The format's own limit on the length of its header."""


class ModelError(Exception):
    """A model cannot be had; the message is for the person who asked for it and says what to do."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model ready to load.

    `folder` holds `config.json`, `tokenizer.json` and safetensors weights. `name` is what clients are told.
    `license` is an SPDX-like name if known, `attribution` a line that says whose work the model is.
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
    """The JSON object in a file. `ModelError` names the file when it is no such thing."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} does not hold a JSON object")
    return value


def check_folder(folder: Path) -> None:
    """Raise `ModelError` unless the folder holds a whole model, but for `tokenizer.json`, which can be made."""
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder} holds no {CONFIG}, so it is not a model folder in the Hugging Face layout")
    config = read_json(folder / CONFIG)
    if not config.get("model_type"):
        raise ModelError(f"{folder / CONFIG} does not say which model_type it is")
    for path in weight_files(folder):
        check_safetensors(path)
    if not has_tokenizer(folder):
        raise ModelError(f"{folder} holds no {TOKENIZER}, nor any of {', '.join(SLOW_TOKENIZER_FILES)} to make it from")


def has_tokenizer(folder: Path) -> bool:
    """Whether the folder has a tokenizer, of either kind."""
    return any((folder / name).is_file() for name in (TOKENIZER, *SLOW_TOKENIZER_FILES))


def weight_files(folder: Path) -> list[Path]:
    """The weight files of a model folder, in order of name. `ModelError` says which are missing."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / WEIGHTS_INDEX).is_file():
        raise ModelError(f"{folder} holds neither {WEIGHTS} nor {WEIGHTS_INDEX}; weights must be safetensors")
    weight_map = read_json(folder / WEIGHTS_INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelError(f"{folder / WEIGHTS_INDEX} maps no weights")
    names = sorted({str(name) for name in weight_map.values()})
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder} lacks {len(missing)} of its {len(names)} weight files: {', '.join(missing[:4])}")
    return [folder / name for name in names]


def check_safetensors(path: Path) -> None:
    """Raise `ModelError` if a safetensors file was cut short or is none; reads only its header.

    The layout is that of the safetensors format: eight bytes of header length, a JSON header, then the tensors, whose
    `data_offsets` count from the header's end.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 2 <= length <= min(size - 8, SAFETENSORS_HEADER_LIMIT_BYTES):
            raise ModelError(f"{path} is not a safetensors file, or was cut short ({size:,} bytes)")
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ModelError(f"{path} has a damaged safetensors header") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise ModelError(
            f"{path} is {size:,} bytes, but its header speaks of {expected:,}: it was cut short or damaged"
        )
