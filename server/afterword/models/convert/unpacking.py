"""Makes GGUF files readable that have quantizations unknown to transformers.

A copy of such a file has those tensors in float32. Small models often need it: K-quants need rows whose width is a
multiple of 256, so a file that is called Q4_K_M stores other rows as Q5_0 or Q5_1.
"""

from __future__ import annotations

from pathlib import Path

import gguf

PLAIN_KINDS = (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16)


def is_readable(source: Path) -> bool:
    """Whether transformers can read every tensor of the file. Fast: the vocabulary is not read."""
    from transformers.integrations.gguf.reader import GgufHeader

    try:
        GgufHeader.from_file(str(source))
    except ValueError:
        return False
    return True


def write_readable(source: Path, target: Path) -> None:
    """Copy a GGUF file; tensors that transformers cannot read become float32.

    Raises NotImplementedError if the gguf package cannot read them either, ValueError for a broken file.
    """
    from transformers.integrations.gguf.dequant import GGML_BLOCK

    readable = {*PLAIN_KINDS, *map(gguf.GGMLQuantizationType, GGML_BLOCK)}
    reader = gguf.GGUFReader(source)
    architecture = reader.fields[gguf.Keys.General.ARCHITECTURE].contents()
    writer = gguf.GGUFWriter(target, architecture)
    for name, field in reader.fields.items():
        # Fields of the header itself, and the one that the writer wrote already.
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
