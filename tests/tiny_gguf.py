"""A small llama model as a GGUF file, for tests that convert one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_llama(path: Path, folder: Path, pre: str, quantized: str | None) -> None:
    """Write the llama model of a folder as a GGUF file.

    `pre` names how its tokenizer splits text, `quantized` the kind of its matrices, such as `Q8_0`; None is float32.
    """
    import gguf
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("Tiny Llama")
    writer.add_license("mit")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list([str(tokenizer.id_to_token(index)) for index in range(config["vocab_size"])])
    writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (config["vocab_size"] - 1))
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_eos_token_id(0)
    writer.add_bos_token_id(0)

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for name, tensor in load_file(folder / "model.safetensors").items():
        module = name.split(".")[-2]
        if module in heads:  # GGUF keeps the rotary halves of each head interleaved
            halves = tensor.reshape(heads[module], 2, -1, tensor.shape[1])
            tensor = halves.swapaxes(1, 2).reshape(tensor.shape)
        gguf_name = str(names.get_name(name, try_suffixes=(".weight",)))
        if quantized and tensor.ndim == 2:
            kind = gguf.GGMLQuantizationType[quantized]
            writer.add_tensor(gguf_name, gguf.quantize(tensor, kind), raw_dtype=kind)
        else:
            writer.add_tensor(gguf_name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
