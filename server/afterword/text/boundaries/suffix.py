"""Meeting the text after the caret: a suggestion that comes to repeat what stands there has filled its gap.

What lives here: the search for the place from which growing text repeats the text after the caret.
"""

from __future__ import annotations

from dataclasses import dataclass

from afterword.text.characters import is_spaceless, is_wordlike

HEAD_CHARACTERS = 160  # of the text after the caret that is compared
MIN_CHARACTERS = 12  # repeated, with two words in them: no accident
MIN_SPACELESS_CHARACTERS = 6  # the same, in scripts without spaces
MIN_LINE_CHARACTERS = 3  # of a whole line that is shorter than that, unless it is all signs


@dataclass(frozen=True, slots=True)
class Meeting:
    """`at`: the repetition begins here. `settled`: it is certain; else it may still turn out to be an accident."""

    at: int
    settled: bool


def meet(text: str, after: str, *, complete: bool) -> Meeting | None:
    """Find where `text` begins to repeat `after`, white space at its beginning aside.

    A repetition that reaches the end of the text without being long enough is not settled. When the text is complete,
    one that consists of whole words is.
    """
    target = after[:HEAD_CHARACTERS].lstrip()
    if not target:
        return None
    line = len(target.splitlines()[0].rstrip())
    at = text.find(target[0])
    while at >= 0:
        if at == 0 or _may_begin(text[at - 1], target[0]):
            length = _agreement(text, at, target)
            reaches_end = at + length == len(text)
            if _is_enough(text, at, length, target, line, complete=complete):
                return Meeting(_without_space(text, at, after), True)
            if reaches_end and not complete:
                return Meeting(_without_space(text, at, after), False)
        at = text.find(target[0], at + 1)
    return None


def _may_begin(previous: str, first: str) -> bool:
    """Whether a word (or sign) can begin here."""
    return not is_wordlike(previous) or not is_wordlike(first) or is_spaceless(first)


def _agreement(text: str, at: int, target: str) -> int:
    most = min(len(text) - at, len(target))
    return next((i for i in range(most) if text[at + i] != target[i]), most)


def _is_enough(text: str, at: int, length: int, target: str, line: int, *, complete: bool) -> bool:
    same = target[:length]
    if length >= MIN_CHARACTERS and len(same.split()) >= 2:
        return True
    if length >= MIN_SPACELESS_CHARACTERS and all(is_spaceless(char) for char in same[:MIN_SPACELESS_CHARACTERS]):
        return True
    following = text[at + length : at + length + 1]
    ends_here = complete and not following
    wordlike = any(is_wordlike(char) for char in same)
    if length >= line and (line >= MIN_LINE_CHARACTERS or not wordlike):
        # A whole line. More text could still make another word, or number, of its end.
        return ends_here or (following != "" and not is_wordlike(following))
    if ends_here and length > 0:
        next_char = target[length : length + 1]
        return not (next_char and is_wordlike(next_char) and is_wordlike(same[-1])) or is_spaceless(same[-1])
    return False


def _without_space(text: str, at: int, after: str) -> int:
    """Leave out white space that the text after the caret brings along, or that would be all there is."""
    before = text[:at]
    return len(before.rstrip()) if after[:1].isspace() or not before.strip() else at
