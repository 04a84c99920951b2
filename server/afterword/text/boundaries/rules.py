"""What suggestions need to know about text: where it ends, and which parts it has.

What lives here: how ends, the text after the caret and repetition come together in one verdict, which depends on
nothing but the text and what stands around it. The search for ends is in ends.py, that for repetition in repeats.py.

A judgement on growing text has two sides: an *end*, once it is certain, and a *hold*, the place beyond which text may
still turn out to lie behind the end. Every hold begins at the end it is about and is lifted only when that end is
denied, so that what is released never falls, and never goes beyond an end found later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from afterword.session.text_rules import Surroundings, TextRules, Verdict
from afterword.text.boundaries.ends import first_word_end, phrase_ends, sentence_ends, word_ends
from afterword.text.boundaries.repeats import first_repeat, meet
from afterword.text.characters import LINE_BREAK
from afterword_protocol.messages import Boundaries, Reason, Stop

LINE_CONTEXT_CHARACTERS = 80  # of the line before the anchor: enough for abbreviations, initials and halves of words
_HEADINGS = frozenset({"heading", "title", "h1", "h2", "h3", "h4", "h5", "h6"})


class _Line(NamedTuple):
    """A line of a text, the first with its context before the text.

    `shift`: what to add to an offset in `text` to count from the start of the whole text. `is_whole`: `text` begins
    where the line does.
    """

    text: str
    anchor: int
    shift: int
    is_whole: bool
    is_last: bool


class Rules(TextRules):
    """Where suggestions end and what parts they have. Holds no state."""

    def judge(self, around: Surroundings, text: str, stop: Stop, *, complete: bool) -> Verdict:
        """See `TextRules.judge`."""
        end, hold = _stop_end(around, text, stop, complete=complete)
        if end is not None:
            text, complete = text[:end], True
        if not complete:
            # White space at the end may be what separates the text from what follows its end.
            hold = min(hold, len(text.rstrip()))
            # If the end turns out to be here, these signs or words will be left to the text after the caret.
            meeting = meet(text[:hold], around.after, complete=True) if hold < len(text) else None
            hold = hold if meeting is None else min(hold, meeting.at)
        repeat = first_repeat(around, text, complete=complete)
        if repeat is not None:
            if repeat.settled:
                return Verdict(repeat.at, repeat.reason)
            hold = min(hold, repeat.at)
        if end is not None:
            return Verdict(end, Reason.STOP)
        if not complete:
            return Verdict(hold)
        return Verdict(len(text) if stop is Stop.NONE else len(text.rstrip()))

    def words(self, around: Surroundings, text: str) -> tuple[int, ...]:
        """See `TextRules.words`. A word at the very end of the text may go on and is left out."""
        ends: list[int] = []
        for line in _lines(around.before, text):
            for end in word_ends(line.text, line.anchor, complete=not line.is_last):
                ends.append(end + line.shift)
        return tuple(ends)

    def boundaries(self, around: Surroundings, text: str) -> Boundaries:
        """See `TextRules.boundaries`. The text is taken as complete."""
        words: list[int] = []
        phrases: set[int] = set()
        sentences: list[int] = []
        for line, anchor, shift, is_whole, is_last in _lines(around.before, text):
            for end in word_ends(line, anchor, complete=True):
                words.append(end + shift)
            for end in phrase_ends(line, anchor, complete=True).certain:
                phrases.add(end + shift)
            ends = sentence_ends(line, anchor, around.language, complete=True, is_line=is_whole).certain
            content = len(line.rstrip())
            if not is_last and content > anchor and content not in ends:
                ends.append(content)  # the line ends, and a sentence with it
            for end in ends:
                sentences.append(end + shift)
        phrases.update(sentences)
        units: Sequence[int] = range(len(text) + 1) if text.isascii() else _unit_offsets(text)
        return Boundaries(
            words=tuple(map(units.__getitem__, words)),
            phrases=tuple(map(units.__getitem__, sorted(phrases))),
            sentences=tuple(map(units.__getitem__, sentences)),
        )


def _stop_end(around: Surroundings, text: str, stop: Stop, *, complete: bool) -> tuple[int | None, int]:
    """The certain end of the text by its stop rule, or None; and how far it may be released until there is one."""
    line_break = LINE_BREAK.search(text)
    is_heading = around.block is not None and around.block.lower() in _HEADINGS
    if stop is Stop.NONE and not is_heading:
        return None, len(text)
    first = text if line_break is None else text[: line_break.start()]
    line_end = None if line_break is None else len(first.rstrip())
    if stop is Stop.PARAGRAPH or stop is Stop.NONE:
        return line_end, len(first)
    context, is_whole = _context(around.before)
    line, anchor = context + first, len(context)
    complete = complete or line_break is not None
    sentences = sentence_ends(line, anchor, around.language, complete=complete, is_line=is_whole)
    ends = sentences.certain[:1]
    hold = len(line) if sentences.pending is None else sentences.pending
    if stop is Stop.WORD:
        word, sure = first_word_end(line, anchor, complete=complete)
        ends += [] if word is None else [word]
        hold = min(hold, sure)
    elif stop is Stop.PHRASE:
        phrases = phrase_ends(line, anchor, complete=complete)
        ends += phrases.certain[:1]
        hold = min(hold, phrases.sure)
    end = min(ends, default=None)
    if end is None or end > hold:  # there is none, or an earlier one is still open
        return line_end, max(hold - anchor, 0)
    return end - anchor, end - anchor


def _lines(before: str, text: str) -> Iterator[_Line]:
    """The lines of a text that continues `before`."""
    context, is_whole = _context(before)
    begin = 0
    while (line_break := LINE_BREAK.search(text, begin)) is not None:
        yield _Line(context + text[begin : line_break.start()], len(context), begin - len(context), is_whole, False)
        context, is_whole, begin = "", True, line_break.end()
    yield _Line(context + text[begin:], len(context), begin - len(context), is_whole, True)


def _context(before: str) -> tuple[str, bool]:
    """The end of the line before the anchor, as far as it counts, and whether it begins where the line does."""
    tail = before[-LINE_CONTEXT_CHARACTERS:]
    pieces = LINE_BREAK.split(tail)
    context = pieces[-1]
    if len(pieces) > 1 or len(tail) == len(before):
        return context, True
    space = context.find(" ")
    return context[space:] if space >= 0 else context, False


def _unit_offsets(text: str) -> Sequence[int]:
    """The UTF-16 offset of each code point, and of the end."""
    units = [0]
    for char in text:
        units.append(units[-1] + (2 if ord(char) > 0xFFFF else 1))
    return units
