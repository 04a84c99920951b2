"""Where a growing text begins to repeat: what stands after the caret, or what it has said before.

What lives here: conservative tests. A suggestion that comes to repeat the text after the caret has filled its gap.
Loops are what a language model falls into when it has nothing to say; a word said twice, a refrain, a list whose items
begin alike are no loops. What follows from a repetition is decided in rules.py.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from afterword.session.text_rules import Surroundings
from afterword.text.boundaries.ends import may_end, sentence_ends
from afterword.text.characters import LINE_BREAK, is_spaceless, is_wordlike
from afterword_protocol.messages import Reason

# Meeting the text after the caret.
HEAD_CHARACTERS = 160  # of the text after the caret that is compared
MIN_CHARACTERS = 12  # repeated, with two words in them: no accident
MIN_SPACELESS_CHARACTERS = 6  # the same, in scripts without spaces
MIN_LINE_CHARACTERS = 3  # of a whole line that is shorter than that, unless it is all signs
# Loops.
MAX_PERIOD_CHARACTERS = 200  # of a piece that is repeated
LOOP_TIMES = 3  # a piece of this many copies is a loop
SHORT_PERIOD_CHARACTERS = 6  # pieces shorter than this ("very ", "ha") are repeated on purpose now and then
SHORT_LOOP_TIMES = 8
MIN_LOOP_CHARACTERS = 24
MIN_SIGNS_CHARACTERS = 80  # dashes, dots and the like make lines and tables
MIN_SENTENCE_CHARACTERS = 32  # a sentence so long is not said twice in a row
MIN_SENTENCE_SPACELESS_CHARACTERS = 12
GLANCE_CHARACTERS = 4  # fewer than must recur in any loop
CONTEXT_CHARACTERS = 2 * MAX_PERIOD_CHARACTERS


@dataclass(frozen=True, slots=True)
class Repeat:
    """Text from `at` on is repetition, which ends it for `reason`.

    `settled`: that is certain; else it may still turn out to be an accident.
    """

    at: int
    settled: bool
    reason: Reason


def first_repeat(around: Surroundings, text: str, *, complete: bool) -> Repeat | None:
    """Where the text begins to repeat something, if it does."""
    found: list[Repeat] = []
    meeting = meet(text, around.after, complete=complete)
    if meeting is not None:
        found.append(meeting)
    before = around.before[-CONTEXT_CHARACTERS:]
    whole = before + text
    loop = find_loop(whole)
    if loop is not None:
        found.append(Repeat(max(loop.at - len(before), 0), loop.settled, loop.reason))
    start = len(before.rstrip())
    # Hardly any text has an end of a sentence or line at which a sentence could come again.
    if may_end(whole, start) or LINE_BREAK.search(whole, start) is not None:
        sentence = _repeated_sentence(whole, start, len(before), around.language)
        if sentence is not None:
            found.append(sentence)
    return min(found, key=lambda repeat: (repeat.at, not repeat.settled)) if found else None


def meet(text: str, after: str, *, complete: bool) -> Repeat | None:
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
            settled = _is_enough(text, at, length, target, line, complete=complete)
            if settled or (reaches_end and not complete):
                return Repeat(_without_space(text, at, after), settled, Reason.SUFFIX)
        at = text.find(target[0], at + 1)
    return None


def find_loop(text: str) -> Repeat | None:
    """Find a piece repeated again and again at the end of `text`; `at` is where the copies become too many."""
    if len(text) <= GLANCE_CHARACTERS:
        return None
    found: Repeat | None = None
    end = text[-GLANCE_CHARACTERS:]
    longest = min(MAX_PERIOD_CHARACTERS, len(text) // 2)
    least_start = max(len(text) - GLANCE_CHARACTERS - longest, 0)
    # Only where the last few characters stand before can a copy end: hardly any period comes further than this.
    start = text.rfind(end, least_start, len(text) - 1)
    while start >= 0:
        period = len(text) - GLANCE_CHARACTERS - start
        start = text.rfind(end, least_start, start + GLANCE_CHARACTERS - 1)
        piece = text[-period:]
        least = _loop_characters(piece)
        allowed = least - period
        if len(text) <= allowed or text[-(allowed + 1 - period) :] != text[-(allowed + 1) : -period]:
            continue
        if piece in (piece + piece)[1:-1]:
            continue  # copies of a shorter piece, which is judged by itself
        length = allowed + 1
        while length < len(text) and text[-length - 1] == text[-length - 1 + period]:
            length += 1
        run = len(text) - length
        # A word that was begun is finished.
        at = next((at for at in range(run + allowed, min(run + least, len(text))) if text[at].isspace()), run + least)
        if at > len(text):
            continue
        repeat = Repeat(at, length >= least, Reason.REPETITION)
        if found is None or repeat.at < found.at or (repeat.at == found.at and repeat.settled):
            found = repeat
    return found


def _repeated_sentence(whole: str, start: int, anchor: int, language: str | None) -> Repeat | None:
    """The first sentence of the text from `anchor` on that is the one before it over again.

    `start`: where what stands before the anchor ends, white space aside; no sentence that ends earlier counts.
    """
    if len(whole) < MIN_SENTENCE_SPACELESS_CHARACTERS:
        return None
    ends = sentence_ends(whole, 0, language, complete=False, is_line=False).certain
    breaks = sorted({0, *ends, *(match.end() for match in LINE_BREAK.finditer(whole))})
    for begin, end in itertools.pairwise(breaks):
        if end < start:
            continue
        following = whole[end:].lstrip()
        sentence = whole[begin:end].strip()
        repeats = _repeats_sentence(sentence, following) if following and sentence else False
        if repeats is not False:
            return Repeat(max(end - anchor, 0), repeats is True, Reason.REPETITION)
    return None


def _repeats_sentence(sentence: str, text: str) -> bool | None:
    """Whether `text`, the beginning of a sentence, repeats the whole sentence before it; None if it may yet do so."""
    spaceless = sum(map(is_spaceless, sentence)) > len(sentence) // 2
    least = MIN_SENTENCE_SPACELESS_CHARACTERS if spaceless else MIN_SENTENCE_CHARACTERS
    if len(sentence) < least:
        return False
    if text.startswith(sentence[:least]):
        return True
    return None if sentence.startswith(text) else False


def _loop_characters(piece: str) -> int:
    """How long a run of copies of this piece must be to count as a loop."""
    times = LOOP_TIMES if len(piece) >= SHORT_PERIOD_CHARACTERS else SHORT_LOOP_TIMES
    least = MIN_LOOP_CHARACTERS if any(map(str.isalnum, piece)) else MIN_SIGNS_CHARACTERS
    return max(times * len(piece), least)


def _may_begin(previous: str, first: str) -> bool:
    """Whether a word (or sign) can begin here."""
    return not is_wordlike(previous) or not is_wordlike(first) or is_spaceless(first)


def _agreement(text: str, at: int, target: str) -> int:
    """How many characters from `at` on are those of the target."""
    most = min(len(text) - at, len(target))
    length = 0
    while length < most and text[at + length] == target[length]:
        length += 1
    return length


def _is_enough(text: str, at: int, length: int, target: str, line: int, *, complete: bool) -> bool:
    """Whether so many characters in agreement are no accident. `line`: the length of the target's first line."""
    same = target[:length]
    if length >= MIN_CHARACTERS and len(same.split()) >= 2:
        return True
    if length >= MIN_SPACELESS_CHARACTERS and all(map(is_spaceless, same[:MIN_SPACELESS_CHARACTERS])):
        return True
    following = text[at + length : at + length + 1]
    ends_here = complete and not following
    if length >= line and (line >= MIN_LINE_CHARACTERS or not any(map(is_wordlike, same))):
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
