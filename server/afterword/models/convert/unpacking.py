"""GGUF files with kinds of quantization that transformers cannot read, made readable.

What lives here: a copy of such a file in which those tensors alone are float32. Small models have them often: rows that
are no multiple of 256 wide, which the K-quants need, are stored as Q5_0 or Q5_1 in a file that is called Q4_K_M.
"""

from __future__ import annotations

from pathlib import Path

import gguf

PLAIN_KINDS = (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16)


def is_readable(source: Path) -> bool:
    """Whether transformers knows how every tensor of the file is stored. Fast: the vocabulary is not read."""
    from transformers.integrations.gguf.reader import GgufHeader

    try:
        GgufHeader.from_file(str(source))
    except ValueError:
        return False
    return True


def write_readable(source: Path, target: Path) -> None:
    """Copy a GGUF file with the tensors of kinds that transformers cannot read unpacked to float32.

    Raises NotImplementedError for kinds that the gguf package cannot unpack either, ValueError for a broken file.
    """
    from transformers.integrations.gguf.dequant import GGML_BLOCK

    readable = {*PLAIN_KINDS, *map(gguf.GGMLQuantizationType, GGML_BLOCK)}
    reader = gguf.GGUFReader(source)
    architecture = reader.fields[gguf.Keys.General.ARCHITECTURE].contents()
    writer = gguf.GGUFWriter(target, architecture)
    for name, field in reader.fields.items():
        # Fields of the header itself, and the one that the writer has written already.
        if name.startswith("GGUF.") or name == gguf.Keys.General.ARCHITECTURE:
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, inner)
    for tensor in reader.tensors:
        if tensor.tensor_type in readable:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        else:
            writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
