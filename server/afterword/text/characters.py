"""Kinds of characters that the rules about text share: scripts without spaces, signs inside words, graphemes.

What lives here: questions about single characters and graphemes. Where words, phrases and sentences end is found in
boundaries/ends.py.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from icu4py.breakers import CharacterBreaker

APOSTROPHES = "'’"
LINE_BREAK = re.compile("[\n\r\u2028\u2029\x0b\x0c\x85]")
JOINERS = "\u200c\u200d"  # inside words of Persian, Hindi and others

# Scripts that write words without spaces between them: Thai, Lao, Myanmar, Khmer, kana, Han, Yi, Javanese and others.
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9df\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
# Letters that are commonly followed by marks: Hebrew to Thaana and N'Ko, Indic scripts, Thai to Myanmar, Hangul jamo,
# Khmer and Mongolian, Balinese and its neighbours, presentation forms, and the Indic scripts above the first plane.
_TAKES_MARKS = re.compile(
    "[\u0590-\u08ff\u0900-\u109f\u1100-\u11ff\u1700-\u18af\u1900-\u1aaf\u1b00-\u1bff\u1c00-\u1c4f\ua800-\ua82f"
    "\ua840-\uabff\ud7b0-\ud7ff\ua960-\ua97f\ufb1d-\ufdff\ufe70-\ufeff\U00010a00-\U00010a5f\U00011000-\U00011fff"
    "\U0001e900-\U0001e95f]"
)
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")
# Signs and pictures that may become an emoji sequence.
_PICTURE = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_CACHED_CHARACTERS = 4096  # the alphabets in use; they are asked about for each character of each keystroke
_NO_LETTER_CATEGORIES = frozenset({"Mn", "Mc", "Me", "Cf", "Sk"})


@lru_cache(_CACHED_CHARACTERS)
def is_spaceless(char: str) -> bool:
    """Whether the character belongs to a script that writes no spaces between words."""
    return _SPACELESS.match(char) is not None


@lru_cache(_CACHED_CHARACTERS)
def is_wordlike(char: str) -> bool:
    """Whether the character is a letter, mark, digit or underscore, or a joiner inside words."""
    return char.isalnum() or char == "_" or char in JOINERS or unicodedata.category(char)[0] == "M"


def graphemes(text: str) -> list[str]:
    """The user-perceived characters of a text (UAX 29, by ICU)."""
    if text.isascii() and "\r" not in text:  # there each character is one, and asking takes a part of a keystroke
        return list(text)
    return list(CharacterBreaker(text, "en"))


def may_grow(grapheme: str) -> bool:
    """Whether the next character may well join this grapheme, so that it is better to wait for it.

    A combining mark can follow any letter, but in Latin, Greek, Cyrillic, CJK and the like that is so rare that waiting
    for it would only delay the text.
    """
    last = grapheme[-1]
    if last.isascii():
        return last == "\r"
    if _REGIONAL.match(last):
        return len(grapheme) == 1
    return (
        _TAKES_MARKS.match(last) is not None
        or _PICTURE.match(last) is not None
        or unicodedata.category(last) in _NO_LETTER_CATEGORIES
    )
