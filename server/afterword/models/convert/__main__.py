"""Turns a GGUF file, or a tokenizer without `tokenizer.json`, into files that load fast. A program of its own.

`python -m afterword.models.convert gguf FILE FOLDER` and `... tokenizer MODEL_FOLDER FOLDER` write into FOLDER, which
exists. Standard output carries one JSON object a line: `{"stage": ..., "fraction": ...}` while it works, at the end
`{"done": {...}}` or `{"error": ...}`. Not here: where results are kept (`cache`).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from afterword.models.convert.pretokenizers import AS_GPT2, pre_tokenizer_for
from afterword.models.convert.unpacking import is_readable, write_readable
from afterword.models.files import CONFIG, TOKENIZER
from afterword.spinning import limit_spinning

FLOAT32_LIMIT_PARAMETERS = 1_000_000_000
"""Quantized files up to this size become float32, so that nothing is lost; larger ones bfloat16, to half the bytes."""

END_OF_TEXT_TOKENS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")
"""Tokens that separate documents in training. The file of a chat model names its end of turn as the end token, but a
model that continues plain text ends it with one of these."""


def main(arguments: list[str]) -> int:
    """Run one conversion; returns the exit status."""
    kind, source, folder = arguments
    limit_spinning()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # everything needed is in the file
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        facts = {"gguf": convert_gguf, "tokenizer": convert_tokenizer}[kind](Path(source), Path(folder))
    except Exception as error:
        tell(error=f"{type(error).__name__}: {error}")
        return 1
    tell(done=facts)
    return 0


def tell(**report: Any) -> None:
    """Write one line of report."""
    print(json.dumps(report), flush=True)


def convert_gguf(source: Path, folder: Path) -> dict[str, Any]:
    """Unpack a GGUF file into config, safetensors and tokenizer; returns its metadata."""
    tell(stage="loading transformers")
    from transformers.integrations.gguf.reader import read_gguf_metadata

    metadata, _ = read_gguf_metadata(str(source))
    if int(metadata.get("split.count", 0)) > 1:
        raise ValueError("the file is one part of a split model; merge the parts first, with gguf-split --merge")
    tell(stage="reading the tokenizer")
    warnings = write_gguf_tokenizer(source, folder, str(metadata.get("tokenizer.ggml.pre", "default")))
    if is_readable(source):
        write_gguf_weights(source, folder)
    else:
        tell(stage="unpacking tensors that transformers cannot read")
        with TemporaryDirectory(dir=folder) as scratch:
            readable = Path(scratch) / source.name
            write_readable(source, readable)
            write_gguf_weights(readable, folder)
    add_end_tokens(folder)
    return {
        "name": metadata.get("general.name"),
        "license": metadata.get("general.license"),
        "organization": metadata.get("general.organization"),
        "warnings": warnings,
    }


def write_gguf_tokenizer(source: Path, folder: Path, kind: str) -> list[str]:
    """Write the tokenizer of a GGUF file as `tokenizer.json`, with the right pre-tokenizer; returns warnings."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
    backend = tokenizer.backend_tokenizer
    known_to_library = json.loads(backend.to_str())["pre_tokenizer"] or {}
    corrected = pre_tokenizer_for(kind)
    if corrected is not None:
        backend.pre_tokenizer = corrected
    tokenizer.save_pretrained(str(folder))
    left_as_gpt2 = known_to_library.get("type") == "ByteLevel" and corrected is None
    if left_as_gpt2 and kind not in AS_GPT2:
        return [f"the pre-tokenizer {kind!r} is unknown; the one of GPT-2 is used, which may cost quality"]
    return []


def write_gguf_weights(source: Path, folder: Path) -> None:
    """Write config and weights of a GGUF file; quantized weights are unpacked, others stay as stored."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.integrations.gguf.reader import GgufHeader

    header = GgufHeader.from_file(str(source))
    parameters = sum(torch.Size(tensor.shape).numel() for tensor in header.tensors)
    dtype = header.dtype or (torch.float32 if parameters <= FLOAT32_LIMIT_PARAMETERS else torch.bfloat16)
    tell(stage=f"unpacking {parameters / 1e6:,.0f} million weights")
    model: Any = AutoModelForCausalLM.from_pretrained(str(source.parent), gguf_file=source.name, dtype=dtype)
    model.hf_quantizer = None  # else saving is refused: it takes the unpacked weights for packed ones
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    tell(stage="writing the unpacked weights")
    model.save_pretrained(str(folder))


def add_end_tokens(folder: Path) -> None:
    """Add the tokens that end a text to the end tokens of the model."""
    path = folder / "generation_config.json"
    generation = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    named = generation.get("eos_token_id", config.get("eos_token_id"))
    ids = named if isinstance(named, list) else [named] if named is not None else []
    special = {
        token["content"]: token["id"]
        for token in json.loads((folder / TOKENIZER).read_text("utf-8"))["added_tokens"]
        if token["special"]
    }
    ids += [special[token] for token in END_OF_TEXT_TOKENS if token in special and special[token] not in ids]
    if ids:
        generation["eos_token_id"] = ids
        path.write_text(json.dumps(generation, indent=2) + "\n", "utf-8")


def convert_tokenizer(source: Path, folder: Path) -> dict[str, Any]:
    """Write `tokenizer.json` for a model folder that has only the files of a slow tokenizer."""
    tell(stage="building tokenizer.json")
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(source), local_files_only=True)
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
    return {"name": None, "license": None, "organization": None, "warnings": []}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
