"""The tokenizer of a model as the rest of the program needs it: text to ids, and the bytes that each id stands for.

What lives here: reading `tokenizer.json` and the few facts of the model's configuration that concern tokens. Nothing
here keeps a text; cutting prompts and joining pieces of output have their own files.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

# Tokens at which a text is over, by name, for models whose configuration names only one of several.
END_NAMES = frozenset(
    {"<|endoftext|>", "<|end_of_text|>", "<|end|>", "<|end_of_turn|>", "<end_of_turn>", "<turn|>"}
) | {*("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|return|>", "</s>", "<eos>", "[EOS]", "<｜end▁of▁sentence｜>")}
# Between the documents of a training set stands one of these; a prompt that begins with it begins as a document does.
SEPARATOR_NAMES = ("<|endoftext|>", "<|end_of_text|>")
# Added tokens in angle or square brackets steer a model, but these are tags that a text may well hold.
HTML_NAMES = frozenset(
    {"a", "b", "blockquote", "body", "br", "caption", "code", "div", "em", "hr", "html", "i", "img"}
) | {
    *("h1", "h2", "h3", "h4", "h5", "h6", "head", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "title", "tr", "u", "ul"),
}
BRACKETED = re.compile(r"^(<[^\s<>]+>|\[[^\s\[\]]+\])$")
BYTE_NAME = re.compile(r"^<0x([0-9A-Fa-f]{2})>$")
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


class VocabularyError(ValueError):
    """The tokenizer is missing, damaged, or of a kind whose tokens cannot be turned into bytes."""


class Encoded(NamedTuple):
    """Token ids and, for each, where it starts and ends in the text (code points).

    Tokens that share a character (its bytes are split between them) all carry that character's span.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]


class Vocabulary:
    """Ids, bytes and conventions of one tokenizer.

    `token_bytes[id]` is what the id adds to a text, or None if it adds nothing (control tokens, unused ids).
    `size` is the number of ids the model knows, which may exceed those of the tokenizer.
    `eos_ids` end a text. `banned_ids` must never be generated: they are neither text nor an end.
    `start_ids`, at least one, stand before every prompt.
    """

    def __init__(self, description: dict[str, Any], config: Mapping[str, Any] | None = None) -> None:
        """`description`: the parsed tokenizer.json. `config`: token ids and flags, merged from the model's files."""
        config = config or {}
        try:
            self._to_bytes = _byte_reader(description)
            added = list(description.get("added_tokens") or [])
            controls = {token["id"]: token["content"] for token in added if _is_control(token)}
            names: dict[int, str] = {identity: name for name, identity in _vocabulary_of(description["model"])}
            names.update((token["id"], token["content"]) for token in added)
            # What steers a model is to be read as plain text when a writer types it, marked special or not.
            marked = [{**token, "special": True} if token["id"] in controls else token for token in added]
            self._tokenizer = Tokenizer.from_str(json.dumps({**description, "added_tokens": marked}))
        except VocabularyError:
            raise
        except Exception as error:  # the tokenizers library raises bare Exception
            raise VocabularyError(f"the tokenizer cannot be read: {error}") from error
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._forms = [kind["type"] for kind in _flatten(description.get("normalizer")) if kind["type"] in FORMS]
        self.size: int = max([*(identity + 1 for identity in names), int(config.get("vocab_size") or 0)])
        self.token_bytes: list[bytes | None] = [None] * self.size
        for identity, name in names.items():
            if identity not in controls:
                self.token_bytes[identity] = self._to_bytes(name) or None
        by_name = {name: identity for identity, name in controls.items()}
        unknown = description["model"].get("unk_token")
        for identity, name in names.items():
            if name == unknown:
                self.token_bytes[identity] = None
        ends = END_NAMES | {config.get("eos_token")}
        self.eos_ids: frozenset[int] = frozenset(
            identity
            for identity in (*_ids(config.get("eos_token_id")), *(by_name[name] for name in ends & by_name.keys()))
            if 0 <= identity < self.size
        )
        for identity in self.eos_ids:
            self.token_bytes[identity] = None
        self.start_ids: tuple[int, ...] = self._starts(by_name, config)

    @classmethod
    def from_file(cls, path: Path) -> Vocabulary:
        """Read a tokenizer.json. Raises VocabularyError."""
        return cls(_read(path))

    @classmethod
    def from_folder(cls, folder: Path) -> Vocabulary:
        """Read a model's tokenizer.json and what its configuration says about tokens. Raises VocabularyError."""
        description = _read(folder / "tokenizer.json")
        config = _read_if_there(folder / "config.json")
        merged: dict[str, Any] = {**config, **(config.get("text_config") or {})}
        generation = _read_if_there(folder / "generation_config.json")
        merged["eos_token_id"] = [*_ids(merged.get("eos_token_id")), *_ids(generation.get("eos_token_id"))]
        if merged.get("bos_token_id") is None:
            merged["bos_token_id"] = generation.get("bos_token_id")
        conventions = _read_if_there(folder / "tokenizer_config.json")
        merged["add_bos_token"] = conventions.get("add_bos_token")
        for name in ("bos_token", "eos_token"):
            value = conventions.get(name)
            merged[name] = value.get("content") if isinstance(value, dict) else value
        return cls(description, merged)

    def encode(self, text: str) -> list[int]:
        """Ids of a text. Names of control tokens in it are plain letters; nothing is added around it."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_spans(self, text: str) -> Encoded:
        """Ids of a text with their spans."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Encoded(encoding.ids, encoding.offsets)

    def written(self, text: str) -> bytes:
        """The bytes of the tokens of `text`: UTF-8, in the normal form that the tokenizer uses."""
        for form in self._forms:
            text = unicodedata.normalize(form, text)
        return text.encode("utf-8", "replace")

    @cached_property
    def banned_ids(self) -> frozenset[int]:
        """Ids that must never be generated."""
        return frozenset(i for i, data in enumerate(self.token_bytes) if data is None and i not in self.eos_ids)

    def spell(self, tokens: Iterable[int]) -> bytes:
        """The bytes of tokens, leaving out those that have no text."""
        return b"".join(self.token_bytes[token] or b"" for token in tokens)

    def extends(self, data: bytes) -> bool:
        """Whether some token begins with these bytes and goes on."""
        at = bisect_right(self._sorted_bytes, data)
        return at < len(self._sorted_bytes) and self._sorted_bytes[at].startswith(data)

    @cached_property
    def _sorted_bytes(self) -> list[bytes]:
        return sorted({data for data in self.token_bytes if data is not None})

    def _starts(self, by_name: dict[str, int], config: Mapping[str, Any]) -> tuple[int, ...]:
        bare = self._tokenizer.encode("", add_special_tokens=False).ids
        full = self._tokenizer.encode("", add_special_tokens=True).ids
        leading = tuple(i for i in full[: len(full) - len(bare)] if i not in self.eos_ids)
        if leading and config.get("add_bos_token") is not False:
            return leading
        begin = _ids(config.get("bos_token_id")) or _ids(by_name.get(config.get("bos_token") or "<bos>"))
        begin = begin or _ids(by_name.get("<s>"))
        if config.get("add_bos_token") and begin:
            return tuple(begin[:1])
        # No convention: begin as documents began in training, which also gives attention a first token to rest on. On
        # two pages of prose this takes 0.17 and 0.09 nats a token off the loss of the built-in model; its nominal first
        # token, which opens a chat turn, adds 0.12 and 0.30.
        separators = [by_name[name] for name in SEPARATOR_NAMES if name in by_name]
        choice = [*separators, *begin, *sorted(self.eos_ids), 0]
        return (choice[0],)


def _byte_reader(description: dict[str, Any]) -> Any:
    """Return a function from a token's name to its bytes, for the kinds of decoder whose tokens are plain bytes."""
    decoders = list(_flatten(description.get("decoder")))
    kinds = {decoder["type"] for decoder in decoders}
    if "ByteLevel" in kinds:
        table = {char: byte for byte, char in enumerate(_byte_characters())}

        def byte_level(name: str) -> bytes:
            try:
                return bytes(table[char] for char in name)
            except KeyError:  # an added token, written as it is
                return name.encode()

        return byte_level
    spaces = {
        decoder.get("replacement") or decoder["pattern"].get("String")
        for decoder in decoders
        if decoder["type"] == "Metaspace" or (decoder["type"] == "Replace" and decoder.get("content") == " ")
    }
    if len(spaces) != 1 or None in spaces or kinds - {"Metaspace", "Replace", "ByteFallback", "Fuse", "Strip"}:
        found = ", ".join(sorted(kinds)) or "none"
        raise VocabularyError(
            f"the tokenizer's tokens cannot be turned into bytes: its decoder is {found}; "
            "byte-level tokenizers and SentencePiece tokenizers (a sign for the space, byte fallback) are understood"
        )
    sign = str(spaces.pop())
    falls_back = "ByteFallback" in kinds

    def sentence_piece(name: str) -> bytes:
        match = BYTE_NAME.match(name) if falls_back else None
        return bytes([int(match[1], 16)]) if match else name.replace(sign, " ").encode()

    return sentence_piece


def _byte_characters() -> list[str]:
    """The characters by which byte-level tokenizers name the 256 bytes (the table of GPT-2's encoder)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    rest = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(rest)) for byte in range(256)]


def _flatten(part: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The steps of a normalizer or decoder, with nested sequences flattened."""
    if part is None:
        return
    if part["type"] == "Sequence":
        for inner in part.get("decoders") or part.get("normalizers") or []:
            yield from _flatten(inner)
    else:
        yield part


def _vocabulary_of(model: dict[str, Any]) -> Iterator[tuple[str, int]]:
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        yield from vocabulary.items()
    else:  # Unigram: a list of pieces with their scores
        for identity, (name, _score) in enumerate(vocabulary):
            yield name, identity


def _is_control(token: dict[str, Any]) -> bool:
    if token.get("special"):
        return True
    content = token["content"]
    return BRACKETED.match(content) is not None and content.strip("</>").lower() not in HTML_NAMES


def _ids(value: Any) -> list[int]:
    """A token id, or a list of them: configurations hold either."""
    if isinstance(value, int):
        return [value]
    return [item for item in value if isinstance(item, int)] if isinstance(value, list) else []


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise VocabularyError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise VocabularyError(f"{path.name} is not a JSON object")
    return content


def _read_if_there(path: Path) -> dict[str, Any]:
    return _read(path) if path.exists() else {}
