"""The texts that are typed, text that no model foresees, and what kind of keystroke each character is."""

from __future__ import annotations

import random
import re
from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parent / "texts"
LONG_CHARACTERS = 2000
_LETTERS = re.compile(r"[^\W\d_]+")


class KeystrokeKind(StrEnum):
    """What a keystroke does to the text before it."""

    THROUGH = "typed through"  # it is what the ghost text said
    STARTS_WORD = "starts a word"
    INSIDE_WORD = "inside a word"
    ENDS_WORD = "ends a word"  # a space or a mark


def texts() -> list[str]:
    """All texts, in the order of their names."""
    return [path.read_text("utf-8").strip() for path in sorted(FOLDER.glob("*.txt"))]


def long_texts() -> list[str]:
    """Those that somebody types in for minutes."""
    return [text for text in texts() if len(text) >= LONG_CHARACTERS]


def unforeseen(text: str, seed: int) -> str:
    """The text with the letters mixed within each of its words, which no model can foresee."""
    dice = random.Random(seed)
    return _LETTERS.sub(lambda word: "".join(dice.sample(word.group(), len(word.group()))), text)


def kind_of(before: str, key: str, ghost: str) -> KeystrokeKind:
    """The kind of `key`, typed after `before` while `ghost` stood there."""
    if ghost.startswith(key):
        return KeystrokeKind.THROUGH
    if not key.isalnum():
        return KeystrokeKind.ENDS_WORD
    return KeystrokeKind.INSIDE_WORD if before[-1:].isalnum() else KeystrokeKind.STARTS_WORD
