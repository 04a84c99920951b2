"""Where sentences, phrases and words end within one line of text, and where a sign does not end one.

What lives here: the search for each kind of end, in many scripts. Which end counts for a suggestion is decided in
rules.py. ICU's sentence break is not used: it takes every title and initial for an end, and it cannot say whether an
end is certain before more text is known. Words are those of ICU's word break rules and dictionaries, so also in scripts
that write no spaces.

All searches take a line of which what comes before `anchor` is context, and find the ends beyond the anchor.
`complete`: the line is over, else it grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from icu4py.breakers import WordBreaker

from afterword.text.boundaries.abbreviations import ABBREVIATIONS, BEFORE_NUMBERS, EITHER, ORDINAL_LANGUAGES, TITLES
from afterword.text.characters import is_spaceless, is_wordlike

# Ends that need a space, or the end of the line, behind them, because they also stand inside numbers and addresses.
_SOFT = ".!?…‽"
# Ends whatever follows: CJK and full-width, Arabic, Urdu, Indic, Armenian, Ethiopic, Burmese, Khmer, Tibetan and more.
_HARD = "。．！？｡؟۔।॥։።፧፨။។៕༎᠃᠉"
_CLOSING = "\"'”’»)]}›“」』】〉》〕）］｝*_"
_END = re.compile(f"[{re.escape(_SOFT + _HARD)}]+[{re.escape(_CLOSING)}]*")
_GREEK_END = re.compile(f"[{re.escape(_SOFT + _HARD)};\u037e]+[{re.escape(_CLOSING)}]*")
# What any end of a sentence has to have, in any language.
_SIGN = re.compile(f"[{re.escape(_SOFT + _HARD)};\u037e]")
_WORD = re.compile(r"[\w.’'-]*$")
_WORD_CHARACTERS = 24  # so far back the word before a full stop is looked at
_LIST_MARKER = re.compile(r"^\s*(\d{1,3}|[A-Za-z]|[ivxIVX]+)$")

_CLOSING_PHRASES = re.escape("\"'”’»)]}›」』】〉》）］｝")
# In scripts without spaces between words, a space is what a comma is elsewhere.
_SPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_PHRASE_BEFORE = re.compile(
    f"[,;:]+[{_CLOSING_PHRASES}]*(?=\\s|$)|[)\\]}}]+(?=\\s|$)"
    f"|[，、；：،؛︐︑︓︔﹐﹑﹔﹕；]+[{_CLOSING_PHRASES}]*|[）】］｝〕]"
)
_PHRASE_AFTER = re.compile(
    f"\\s+(?=[-–—―]+\\s|[–—―(\\[{{])|(?<=\\w)(?=[—―]|[（【［｛〔])|(?<=[{_SPACED}])\\s+(?=[{_SPACED}])"
)
# White space and signs at the end of a text that may turn out to begin the next phrase.
_OPEN_TAIL = re.compile(r"\s+[-–—―]*$")

# Signs that stand inside a word or number if a letter or digit follows: don't, 3.14, 12:30, 1,000.
_INNER_SIGNS = frozenset("'’.,:;·٫٬\u2018\u2024\ufe52")
# So much more text makes a dictionary's choice of a word final, for practical purposes.
_LOOKAHEAD_CHARACTERS = 8


@dataclass(slots=True)
class SentenceEnds:
    """`certain`: rising offsets. `pending`: where a sentence ends if what follows does not deny it, or None."""

    certain: list[int] = field(default_factory=list)
    pending: int | None = None


@dataclass(slots=True)
class PhraseEnds:
    """`certain`: rising offsets. `sure`: text up to here belongs to the phrase whatever follows."""

    certain: list[int]
    sure: int


def may_end(text: str, start: int) -> bool:
    """Whether any sentence could end at `start` or beyond, at a glance: false only if `sentence_ends` finds none."""
    return _SIGN.search(text, max(len(text[:start].rstrip(_CLOSING)) - 1, 0)) is not None


def sentence_ends(text: str, anchor: int, language: str | None, *, complete: bool, is_line: bool) -> SentenceEnds:
    """Find the ends of sentences. `is_line`: the text begins where its line does."""
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


def phrase_ends(text: str, anchor: int, *, complete: bool) -> PhraseEnds:
    """Find the ends of phrases: at commas, colons, dashes and brackets, but not inside numbers and addresses.

    The ends of sentences, which end phrases too, are not among them.
    """
    first = anchor
    while first < len(text) and not is_wordlike(text[first]):
        first += 1
    ends = set()
    for match in _PHRASE_BEFORE.finditer(text):
        end = match.end()
        if end > first and (complete or end < len(text)):
            ends.add(end)
    for match in _PHRASE_AFTER.finditer(text):
        if match.start() > first:
            ends.add(match.start())
    tail = None if complete else _OPEN_TAIL.search(text)
    return PhraseEnds(sorted(ends), len(text) if tail is None else tail.start())


def word_ends(text: str, anchor: int, *, complete: bool) -> Iterator[int]:
    """Find the ends of words as far as they are certain: all if the line is complete.

    A word is taken together with the space and punctuation before it, so that text taken word by word leaves nothing
    out. `text` begins at a space or the start of a line, before `anchor`.
    """
    at = 0
    for segment in WordBreaker(text, "en"):
        at += len(segment)
        if at > anchor and any(map(is_wordlike, segment)) and (complete or _is_settled(text, at)):
            yield at


def first_word_end(text: str, anchor: int, *, complete: bool) -> tuple[int | None, int]:
    """The end of the first word, or None if it is not certain yet, and how far text surely reaches.

    Growing text never changes what was found: a script without spaces is judged on the shortest sufficient piece.
    """
    spaceless = next((at for at in range(anchor, len(text)) if is_spaceless(text[at])), None)
    plain = text if spaceless is None else text[:spaceless]
    end = next(word_ends(plain, anchor, complete=complete or spaceless is not None), None)
    if end is not None:
        return end, end
    if spaceless is None:
        return None, next(word_ends(text, anchor, complete=True), len(text))
    run_end = next((at for at in range(spaceless, len(text)) if not is_spaceless(text[at])), len(text))
    ended = complete or run_end < len(text)
    for most in range(spaceless + _LOOKAHEAD_CHARACTERS, run_end):
        end = next(word_ends(text[:most], anchor, complete=True), None)
        if end is not None and end + _LOOKAHEAD_CHARACTERS <= most:
            return end, end
    if ended:
        end = next(word_ends(text[:run_end], anchor, complete=True), run_end)
        return end, end
    return None, max(anchor, spaceless)


def _is_end(text: str, match: re.Match[str], language: str | None, is_line: bool) -> bool | None:
    """Whether a sentence ends at this sign; None if that depends on what is not there yet."""
    sign = match.group()
    following = text[match.end() : match.end() + 1]
    if any(char in _HARD for char in sign):
        return True if following else None
    word = _WORD.search(text, max(match.start() - _WORD_CHARACTERS, 0), match.start())
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


def _is_settled(text: str, end: int) -> bool:
    """Whether a word that seems to end here will still do so when more text follows."""
    following = text[end : end + 2]
    if not following:
        return False
    if is_spaceless(text[end - 1]) and is_spaceless(following[0]):
        return len(text) - end >= _LOOKAHEAD_CHARACTERS or any(not is_spaceless(char) for char in text[end:])
    return following[0] not in _INNER_SIGNS or len(following) == 2
