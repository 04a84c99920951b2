"""The judgements about text that suggestions need, each made by looking only at the text and what stands around it.

What lives here: how the tests for boundaries, for the text after the caret and for repetition come together. Each test
has a file of its own.

A judgement on growing text has two sides: an *end*, once it is certain, and a *hold*, the place beyond which text may
still turn out to lie behind the end. Every hold begins at the end it is about and is lifted only when that end is
denied, so that what is released never falls, and never goes beyond an end found later.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from afterword.session.text_rules import Surroundings, TextRules, Verdict
from afterword.text.boundaries.phrases import phrase_ends
from afterword.text.boundaries.repetition import (
    CONTEXT_CHARACTERS,
    MIN_SENTENCE_SPACELESS_CHARACTERS,
    find_loop,
    repeats_sentence,
)
from afterword.text.boundaries.sentences import may_end, sentence_ends
from afterword.text.boundaries.suffix import meet
from afterword.text.boundaries.words import first_word_end, word_ends
from afterword_protocol.messages import Boundaries, Reason, Stop

LINE_CONTEXT_CHARACTERS = 80  # of the line before the anchor: enough for abbreviations, initials and halves of words
_NEWLINE = re.compile("[\n\r\u2028\u2029\x0b\x0c\x85]")
_HEADINGS = frozenset({"heading", "title", "h1", "h2", "h3", "h4", "h5", "h6"})


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its context: `text[anchor:]` is what grows. `is_whole`: the context begins where the line does."""

    text: str
    anchor: int
    is_whole: bool


class Rules(TextRules):
    """Where suggestions end and what parts they have. Holds no state."""

    def judge(self, around: Surroundings, text: str, stop: Stop, *, complete: bool) -> Verdict:
        """See `TextRules.judge`."""
        end, hold = _boundary(around, text, stop, complete=complete)
        if end is not None:
            text, complete = text[:end], True
        if not complete:
            # White space at the end may be what separates the text from what follows its end.
            hold = min(hold, len(text.rstrip()))
            # If the end turns out to be here, these signs or words will be left to the text after the caret.
            meeting = meet(text[:hold], around.after, complete=True) if hold < len(text) else None
            hold = hold if meeting is None else min(hold, meeting.at)
        for at, settled, reason in _repeats(around, text, complete=complete):
            if settled:
                return Verdict(at, reason)
            if not complete:
                hold = min(hold, at)
        if end is not None:
            return Verdict(end, Reason.STOP)
        if not complete:
            return Verdict(hold)
        return Verdict(len(text) if stop is Stop.NONE else len(text.rstrip()))

    def words(self, around: Surroundings, text: str) -> tuple[int, ...]:
        """See `TextRules.words`. A word at the very end of the text may go on and is left out."""
        return tuple(_in_lines(around, text, _words_certain))

    def boundaries(self, around: Surroundings, text: str) -> Boundaries:
        """See `TextRules.boundaries`. The text is taken as complete."""
        sentences = _in_lines(around, text, _sentences)
        phrases = sorted({*_in_lines(around, text, _phrases), *sentences})
        return Boundaries(
            words=_to_units(text, _in_lines(around, text, _words)),
            phrases=_to_units(text, phrases),
            sentences=_to_units(text, sentences),
        )


def _boundary(around: Surroundings, text: str, stop: Stop, *, complete: bool) -> tuple[int | None, int]:
    """The certain end of the text by its stop rule, or None; and how far it may be released until there is one."""
    newline = _NEWLINE.search(text)
    heading = around.block is not None and around.block.lower() in _HEADINGS
    if stop is Stop.NONE and not heading:
        return None, len(text)
    first = text if newline is None else text[: newline.start()]
    line_end = None if newline is None else len(first.rstrip())
    if stop is Stop.PARAGRAPH or stop is Stop.NONE:
        return line_end, len(first)
    line = _line(around.before, first)
    end, hold = _first_end(line, around, stop, complete=complete or newline is not None)
    if end is None:
        return line_end, hold
    return end, end


def _first_end(line: _Line, around: Surroundings, stop: Stop, *, complete: bool) -> tuple[int | None, int]:
    """The first end of a word, phrase or sentence in a line, as `_boundary` gives it."""
    anchor = line.anchor
    sentences = sentence_ends(line.text, anchor, around.language, complete=complete, is_line=line.is_whole)
    ends = sentences.certain[:1]
    hold = len(line.text) if sentences.pending is None else sentences.pending
    if stop is Stop.WORD:
        word, sure = first_word_end(line.text, anchor, complete=complete)
        ends += [] if word is None else [word]
        hold = min(hold, sure)
    elif stop is Stop.PHRASE:
        phrases = phrase_ends(line.text, anchor, complete=complete)
        ends += phrases.certain[:1]
        hold = min(hold, phrases.sure)
    first = min(ends, default=None)
    if first is not None and first > hold:
        first = None  # an earlier end is still open
    return None if first is None else first - anchor, max(hold - anchor, 0)


def _repeats(around: Surroundings, text: str, *, complete: bool) -> list[tuple[int, bool, Reason]]:
    """Where the text begins to repeat something, whether that is certain, and the reason it then ends for."""
    found: list[tuple[int, bool, Reason]] = []
    meeting = meet(text, around.after, complete=complete)
    if meeting is not None:
        found.append((meeting.at, meeting.settled, Reason.SUFFIX))
    before = around.before[-CONTEXT_CHARACTERS:]
    loop = find_loop(before + text)
    if loop is not None:
        found.append((max(loop.at - len(before), 0), loop.settled, Reason.REPETITION))
    found += _repeated_sentences(around, before, text)
    return sorted(found, key=lambda repeat: (repeat[0], not repeat[1]))[:1]


def _repeated_sentences(around: Surroundings, before: str, text: str) -> list[tuple[int, bool, Reason]]:
    """The first sentence of the text that is the one before it over again."""
    if len(before) + len(text) < MIN_SENTENCE_SPACELESS_CHARACTERS:
        return []
    whole = before + text
    settled = len(before.rstrip())
    if not may_end(whole, settled) and _NEWLINE.search(whole, settled) is None:
        return []
    ends = sentence_ends(whole, 0, around.language, complete=False, is_line=False).certain
    breaks = sorted({0, *ends, *(match.end() for match in _NEWLINE.finditer(whole))})
    for begin, end in itertools.pairwise(breaks):
        if end < settled:
            continue
        following = whole[end:].lstrip()
        sentence = whole[begin:end].strip()
        repeats = repeats_sentence(sentence, following) if following and sentence else False
        if repeats is not False:
            return [(max(end - len(before), 0), repeats is True, Reason.REPETITION)]
    return []


def _line(before: str, text: str) -> _Line:
    """Put the end of the line before the anchor in front of a text."""
    tail = before[-LINE_CONTEXT_CHARACTERS:]
    pieces = _NEWLINE.split(tail)
    context = pieces[-1]
    is_whole = len(pieces) > 1 or len(tail) == len(before)
    if not is_whole:
        space = context.find(" ")
        context = context[space:] if space >= 0 else context
    return _Line(context + text, len(context), is_whole)


def _in_lines(around: Surroundings, text: str, find: _Find) -> list[int]:
    """Apply a search for ends to each line of a text; offsets count from the start of the text."""
    ends: list[int] = []
    before = around.before
    begin = 0
    while begin <= len(text):
        newline = _NEWLINE.search(text, begin)
        stop = len(text) if newline is None else newline.start()
        line = _line(before, text[begin:stop])
        last = newline is None
        ends += [begin + end - line.anchor for end in find(line, around, last)]
        if newline is None:
            break
        before, begin = "\n", newline.end()
    return ends


def _words_certain(line: _Line, around: Surroundings, is_last: bool) -> Iterable[int]:
    return word_ends(line.text, line.anchor, complete=not is_last)


def _words(line: _Line, around: Surroundings, is_last: bool) -> Iterable[int]:
    return word_ends(line.text, line.anchor, complete=True)


def _phrases(line: _Line, around: Surroundings, is_last: bool) -> Iterable[int]:
    return phrase_ends(line.text, line.anchor, complete=True).certain


def _sentences(line: _Line, around: Surroundings, is_last: bool) -> Iterable[int]:
    ends = sentence_ends(line.text, line.anchor, around.language, complete=True, is_line=line.is_whole).certain
    content = len(line.text.rstrip())
    if not is_last and content > line.anchor and content not in ends:
        ends.append(content)  # the line ends, and a sentence with it
    return ends


_Find = Callable[[_Line, Surroundings, bool], Iterable[int]]


def _to_units(text: str, offsets: Iterable[int]) -> tuple[int, ...]:
    """Code-point offsets as UTF-16 offsets."""
    if text.isascii():
        return tuple(offsets)
    units = [0]
    for char in text:
        units.append(units[-1] + (2 if ord(char) > 0xFFFF else 1))
    return tuple(units[offset] for offset in offsets)
