"""Tokenizers of every kind the program understands, small ones trained here on a few lines in many scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from afterword.text.vocabulary import Vocabulary

CORPUS = """The quick brown fox jumps over the lazy dog. Dr. Smith didn't pay 3.14 dollars, he said.
She opened the door; outside it was raining, and nobody else seemed to mind: "Come in," she said.
It was 12:30 on the 24th of December 1999 when the internationalization of the company was announced.
    def hello(name):\n        return f"hello {name}"\n\n\nThe end of the story is not the end of the world.
Der schnelle braune Fuchs springt über den faulen Hund. Größe, Straße und Äpfel z. B. im Winter.
Быстрая коричневая лиса прыгает через ленивую собаку. Привет, как дела?
我喜欢吃苹果。今天天气很好，我们去公园散步吧！你好世界。 東京は日本の首都です。ありがとうございます。
ฉันชอบกินแอปเปิล วันนี้อากาศดีมาก เราไปเดินเล่นในสวนสาธารณะกันเถอะ
السلام عليكم، كيف حالك اليوم؟ नमस्ते, आप कैसे हैं? हिन्दी में लिखना। 안녕하세요 한국어 문장입니다.
👨‍👩‍👧 🇩🇪 🇫🇷 👍🏽 ❤️ cafe\u0301 naïve e\u0301 ﬁ … — «bonjour» “quotes” ¿qué?
https://example.com/path?x=1&y=2 a_b-c  two  spaces\ttab\r\nline\r\n"""


def byte_level(*, spaces: bool = False, nfc: bool = False, pattern: str | None = None) -> Tokenizer:
    """Byte-level BPE like that of GPT-2 and, with a pattern, of later models."""
    tokenizer = Tokenizer(models.BPE())
    steps: list[pre_tokenizers.PreTokenizer] = []
    if pattern:
        steps.append(pre_tokenizers.Split(Regex(pattern), "isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([CORPUS] * 2, trainer)
    if spaces:
        tokenizer.add_tokens([AddedToken(" " * n, normalized=True, special=False) for n in (4, 2)])
        tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False, special=False)])
    return tokenizer


def sentence_piece(*, prefix: bool, pre_tokenized: bool) -> Tokenizer:
    """BPE over characters with '▁' for the space and byte fallback, like that of Llama 2 and Gemma."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    if pre_tokenized:
        scheme = "first" if prefix else "never"
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=False)
    else:
        replace = normalizers.Replace(" ", "▁")
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if prefix else replace
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefix else steps)
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))],
        limit_alphabet=120,
        max_token_length=16,
        show_progress=False,
    )
    words = CORPUS.replace("\n", " \n").split(" ")
    tokenizer.train_from_iterator([f" {word}" for word in words] * 2, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    description = json.loads(tokenizer.to_str())
    description["added_tokens"] = [token for token in description["added_tokens"] if token["id"] < 3]
    return Tokenizer.from_str(json.dumps(description))


LATER = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
KINDS = {
    "gpt2": lambda: byte_level(),
    "neox": lambda: byte_level(spaces=True),
    "llama3": lambda: byte_level(pattern=LATER),
    "qwen": lambda: byte_level(nfc=True, pattern=LATER.replace("{1,3}", "")),
    "llama2": lambda: sentence_piece(prefix=True, pre_tokenized=False),
    "gemma": lambda: sentence_piece(prefix=False, pre_tokenized=False),
    "metaspace": lambda: sentence_piece(prefix=True, pre_tokenized=True),
}


@pytest.fixture(scope="session")
def tokenizer_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tokenizer.json of each kind, by name."""
    folder = tmp_path_factory.mktemp("tokenizers")
    for name, build in KINDS.items():
        build().save(str(folder / f"{name}.json"))
    return {name: folder / f"{name}.json" for name in KINDS}


@pytest.fixture(scope="session")
def vocabularies(tokenizer_files: dict[str, Path]) -> dict[str, Vocabulary]:
    """A vocabulary of each kind, by name."""
    return {name: Vocabulary.from_file(path) for name, path in tokenizer_files.items()}


@pytest.fixture(params=list(KINDS))
def vocabulary(request: pytest.FixtureRequest, vocabularies: dict[str, Vocabulary]) -> Vocabulary:
    """One vocabulary after another."""
    return vocabularies[request.param]
