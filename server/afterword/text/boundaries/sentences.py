"""Where sentences end, in many scripts, and where a full stop does not end one.

What lives here: ends of sentences within one line of text. ICU's sentence break is not used: it takes every title and
initial for an end, and it cannot say whether an end is certain before more text is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from afterword.text.boundaries.abbreviations import ABBREVIATIONS, BEFORE_NUMBERS, EITHER, ORDINAL_LANGUAGES, TITLES
from afterword.text.characters import is_spaceless

# Ends that need a space, or the end of the line, behind them, because they also stand inside numbers and addresses.
_SOFT = ".!?…‽"
# Ends whatever follows: CJK and full-width, Arabic, Urdu, Indic, Armenian, Ethiopic, Burmese, Khmer, Tibetan and more.
_HARD = "。．！？｡؟۔।॥։።፧፨။។៕༎᠃᠉"
_CLOSING = "\"'”’»)]}›“」』】〉》〕）］｝*_"
_END = re.compile(f"[{re.escape(_SOFT + _HARD)}]+[{re.escape(_CLOSING)}]*")
_GREEK_END = re.compile(f"[{re.escape(_SOFT + _HARD)};\u037e]+[{re.escape(_CLOSING)}]*")
# What any end has to have, in any language.
_SIGN = re.compile(f"[{re.escape(_SOFT + _HARD)};\u037e]")
_WORD = re.compile(r"[\w.’'-]*$")

_LIST_MARKER = re.compile(r"^\s*(\d{1,3}|[A-Za-z]|[ivxIVX]+)$")


@dataclass(slots=True)
class SentenceEnds:
    """`certain`: rising offsets. `pending`: where a sentence ends if what follows does not deny it, or None."""

    certain: list[int] = field(default_factory=list)
    pending: int | None = None


def may_end(text: str, start: int) -> bool:
    """Whether any sentence could end at `start` or beyond, at a glance: false only if `sentence_ends` finds none."""
    return _SIGN.search(text, max(len(text[:start].rstrip(_CLOSING)) - 1, 0)) is not None


def sentence_ends(text: str, anchor: int, language: str | None, *, complete: bool, is_line: bool) -> SentenceEnds:
    """Find the ends beyond `anchor` in a line of text, of which what comes before `anchor` is context.

    `complete`: the line is over. `is_line`: the text begins where its line does.
    """
    found = SentenceEnds()
    greek = language is not None and language.split("-")[0].lower() == "el"
    for match in (_END if not greek else _GREEK_END).finditer(text):
        end = match.end()
        if end <= anchor:
            continue
        verdict = _is_end(text, match, language, is_line)
        if verdict is None and not complete:
            found.pending = end
            break
        if verdict is not False:
            found.certain.append(end)
    return found


def _is_end(text: str, match: re.Match[str], language: str | None, is_line: bool) -> bool | None:
    """Whether a sentence ends at this sign; None if that depends on what is not there yet."""
    sign = match.group()
    following = text[match.end() : match.end() + 1]
    if any(char in _HARD for char in sign):
        return True if following else None
    word = _WORD.search(text, max(match.start() - 24, 0), match.start())
    before = word.group() if word else ""
    if sign == "." and _is_marker(text, match.start(), before, language, is_line):
        return False
    if following and not following.isspace():
        return is_spaceless(following) and (
            sign[0] != "." or (match.start() > 0 and is_spaceless(text[match.start() - 1]))
        )
    rest = text[match.end() :].lstrip()
    if not rest:
        # Behind a title or initial there is nothing to wait for.
        return False if sign == "." and _never_ends(before) and following else None
    if rest[0].islower():
        return False
    if sign == ".":
        if _never_ends(before):
            return False
        if before.lower() in BEFORE_NUMBERS and rest[0].isnumeric():
            return False
        if before.lower() in EITHER and not rest[0].isupper():
            return False
    return True


def _never_ends(word: str) -> bool:
    """Whether a full stop behind this word belongs to the word: titles, abbreviations, initials, letters with stops."""
    core = word.lstrip("'’-.")
    if core in TITLES or core.lower() in ABBREVIATIONS:
        return True
    if core.lower() in EITHER:
        return False
    last = core.rsplit(".", 1)[-1].rsplit("-", 1)[-1]
    return len(last) == 1 and core != "I" and (last.isupper() or (last.islower() and last.isascii()))


def _is_marker(text: str, dot: int, word: str, language: str | None, is_line: bool) -> bool:
    """Whether the full stop numbers an item of a list, or makes a number an ordinal."""
    if is_line and _LIST_MARKER.match(text[:dot]):
        return True
    if language is None or language.split("-")[0].lower() not in ORDINAL_LANGUAGES:
        return False
    return word.isdecimal() and len(word) <= 2
