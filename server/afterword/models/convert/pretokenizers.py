"""The pre-tokenizers of GGUF files, where transformers does not know them.

A GGUF file names its pre-tokenizer in `tokenizer.ggml.pre` and has no rules. transformers restores the rules of many
and uses GPT-2's for the others; those here are among the others. Source of the rules: the table of
`LLAMA_VOCAB_PRE_TYPE_*` in llama.cpp's vocabulary loader, and for SmolLM the tokenizer.json of its authors.
"""

from __future__ import annotations

from tokenizers import pre_tokenizers

SINGLE_DIGITS = frozenset(
    {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
)
"""These split off every digit and then do as GPT-2 does."""

AS_GPT2 = frozenset(
    {"default", "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "roberta-bpe", "gigachat"},
)
"""These do as GPT-2 does, which transformers gives them already."""


def pre_tokenizer_for(kind: str) -> pre_tokenizers.PreTokenizer | None:
    """The right pre-tokenizer where transformers has a wrong one; `None` where it is right, or unknown here too."""
    if kind in SINGLE_DIGITS:
        return pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    return None
