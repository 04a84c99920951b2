"""Loops: what a language model falls into when it has nothing to say.

What lives here: two conservative tests of a growing text, taken together with what stands before it. A word said twice,
a refrain, a list whose items begin alike are no loops.
"""

from __future__ import annotations

from dataclasses import dataclass

from afterword.text.characters import is_spaceless

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
    """Text from `at` on is repetition; `settled`: certainly so, else it may yet take another turn."""

    at: int
    settled: bool


def find_loop(text: str) -> Repeat | None:
    """Find a piece repeated again and again at the end of `text`; `at` is where the copies become too many."""
    found: Repeat | None = None
    end = text[-GLANCE_CHARACTERS:]
    for period in range(1, min(MAX_PERIOD_CHARACTERS, len(text) // 2) + 1):
        if text[-GLANCE_CHARACTERS - period : -period] != end:
            continue  # hardly any period comes further than this
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
        repeat = Repeat(at, length >= least)
        if found is None or repeat.at < found.at or (repeat.at == found.at and repeat.settled):
            found = repeat
    return found


def repeats_sentence(sentence: str, text: str) -> bool | None:
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
    least = MIN_LOOP_CHARACTERS if any(char.isalnum() for char in piece) else MIN_SIGNS_CHARACTERS
    return max(times * len(piece), least)
