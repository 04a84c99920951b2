"""Where words end, by ICU's word break rules and dictionaries, so also in scripts that write no spaces.

What lives here: ends of words in a line of text. A word is taken together with the space and punctuation before it, so
that text taken word by word leaves nothing out.
"""

from __future__ import annotations

from collections.abc import Iterator

from icu4py.breakers import WordBreaker

from afterword.text.characters import is_spaceless, is_wordlike

# Signs that stand inside a word or number if a letter or digit follows: don't, 3.14, 12:30, 1,000.
INNER_SIGNS = frozenset("'’.,:;·٫٬\u2018\u2024\ufe52")
# So much more text makes a dictionary's choice of a word final, for practical purposes.
LOOKAHEAD_CHARACTERS = 8


def word_ends(text: str, anchor: int, *, complete: bool) -> Iterator[int]:
    """Offsets beyond `anchor` at which words of `text` end, as far as they are certain: all if the text is complete.

    `text` begins at a space or the start of a line, before `anchor`.
    """
    at = 0
    for segment in WordBreaker(text, "en"):
        at += len(segment)
        if at > anchor and is_word(segment) and (complete or _is_settled(text, at)):
            yield at


def first_word_end(text: str, anchor: int, *, complete: bool) -> tuple[int | None, int]:
    """The end of the first word beyond `anchor`, or None if it is not certain yet, and how far text surely reaches.

    Growing text never changes what was found: a script without spaces is judged on the shortest sufficient piece.
    """
    spaceless = next((at for at in range(anchor, len(text)) if is_spaceless(text[at])), None)
    plain = text if spaceless is None else text[:spaceless]
    end = next(word_ends(plain, anchor, complete=complete or spaceless is not None), None)
    if end is not None:
        return end, end
    if spaceless is None:
        sure = len(text)
        for uncertain in word_ends(text, anchor, complete=True):
            sure = uncertain
            break
        return None, sure
    run_end = next((at for at in range(spaceless, len(text)) if not is_spaceless(text[at])), len(text))
    ended = complete or run_end < len(text)
    for most in range(spaceless + LOOKAHEAD_CHARACTERS, run_end):
        end = next(word_ends(text[:most], anchor, complete=True), None)
        if end is not None and end + LOOKAHEAD_CHARACTERS <= most:
            return end, end
    if ended:
        end = next(word_ends(text[:run_end], anchor, complete=True), run_end)
        return end, end
    return None, max(anchor, spaceless)


def is_word(segment: str) -> bool:
    """Whether a piece between two breaks is a word or number, and not space or punctuation."""
    return any(is_wordlike(char) for char in segment)


def _is_settled(text: str, end: int) -> bool:
    """Whether a word that seems to end here will still do so when more text follows."""
    following = text[end : end + 2]
    if not following:
        return False
    if is_spaceless(text[end - 1]) and is_spaceless(following[0]):
        return len(text) - end >= LOOKAHEAD_CHARACTERS or any(not is_spaceless(char) for char in text[end:])
    return following[0] not in INNER_SIGNS or len(following) == 2
