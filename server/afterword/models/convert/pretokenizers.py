"""How a GGUF file's tokenizer splits text before it merges bytes, where the conversion does not know.

A GGUF file names its kind of splitting in `tokenizer.ggml.pre` and carries no rules. transformers restores the rules of
many kinds and leaves GPT-2's for the others; the kinds here are among those others. Source of the rules: the table of
`LLAMA_VOCAB_PRE_TYPE_*` in llama.cpp's vocabulary loader, and for SmolLM the tokenizer.json of its authors.
"""

from __future__ import annotations

from tokenizers import pre_tokenizers

SINGLE_DIGITS = frozenset(
    {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
)
"""Kinds that split off every digit, and then do as GPT-2 does."""

AS_GPT2 = frozenset(
    {"default", "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "roberta-bpe", "gigachat"},
)
"""Kinds that split as GPT-2 does, which is what the conversion leaves them with."""


def splitting(kind: str) -> pre_tokenizers.PreTokenizer | None:
    """The splitting of a kind that the conversion gets wrong, or `None` where it is right or nothing is known."""
    if kind in SINGLE_DIGITS:
        return pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    return None
