"""One alternative of a suggestion as the client sees it: how much of it is shown, and why it ends there.

A view begins at the anchor, the caret at the time of `suggest`. What was shown is never taken back. Each `suggest` and
`extend` (each *ask*) begins where the one before it ended and ends by its own rules. Offsets are code points from the
draft's origin.
"""

from __future__ import annotations

import math
from dataclasses import replace

from afterword.session.continuation import AlternativeText
from afterword.session.text_rules import Surroundings, TextRules
from afterword_protocol.messages import Boundaries, Reason, Stop
from afterword_protocol.utf16 import units


class View:
    """One alternative, as far as it is shown."""

    def __init__(self, strand: AlternativeText, anchor: int, around: Surroundings) -> None:
        self.strand = strand
        self.shown = anchor  # where the text shown so far ends
        self.shown_units = 0  # its length
        self.told = anchor  # where the text of the latest `done` ended
        self.reason: Reason | None = None  # why the text of the latest ask ends there, once it does
        self.allowed_tokens = 0  # how long the strand may get for the latest ask
        self.anchor = anchor  # where its text begins
        self._anchor_around = around  # at the anchor
        self._start = anchor  # where the text of the latest ask begins
        self._around = around  # at that place
        self._stop = Stop.NONE  # where the latest ask wants to end
        self._max_tokens = 0  # how much the latest ask wants, counted from the caret
        self._looked_at: tuple[object, ...] = ()  # what the latest judgement rests on

    @property
    def text(self) -> str:
        """The text shown so far."""
        return self.strand.text[self.anchor : self.shown]

    @property
    def generated_tokens(self) -> int:
        """Tokens whose text was shown for the latest ask."""
        return self.strand.begun_in(self._start, self.shown)[0]

    def begin(self, stop: Stop, max_tokens: int, caret: int) -> None:
        """Turn to the next ask: go on from what was shown."""
        strand = self.strand
        self.reason = None
        self._stop = stop
        self._max_tokens = max_tokens
        self._start = self.shown
        self._around = replace(self._anchor_around, before=self._anchor_around.before + self.text)
        self._looked_at = ()
        # Tokens that were spent on what is shown, in part or as yet without any text, were spent by the ask before.
        spent_tokens = strand.tokens if self._start >= len(strand.text) else strand.tokens_begun(self._start)
        self.allowed_tokens = spent_tokens + max_tokens
        self.allow(caret)

    def allow(self, caret: int) -> None:
        """Count the tokens asked for from the caret, once it has moved into this ask's text."""
        if caret > self._start:
            self.allowed_tokens = max(self.allowed_tokens, self.strand.tokens_to(caret) + self._max_tokens)

    def grow(self, rules: TextRules, limit_tokens: int, by_words: bool, quiet: float) -> str:
        """Show what can be shown now, and return it; sets `reason` once it is known where the text ends.

        `limit_tokens`: how long the strand gets in its run.
        """
        strand = self.strand
        looked_at = (len(strand.text), strand.tokens, strand.paused, strand.over, self.allowed_tokens, limit_tokens)
        if self.reason is not None or looked_at == self._looked_at:
            return ""
        self._looked_at = looked_at
        end, closing = self._extent(limit_tokens)
        if end == self._start and closing is None:
            return ""
        verdict = rules.judge(self._around, strand.text[self._start : end], self._stop, complete=closing is not None)
        self.reason = verdict.reason or closing
        release = min(max(self._start + verdict.release, self.shown), end)
        if by_words or quiet > 0:
            release = self._whole_words(rules, release, end, quiet)
        piece = strand.text[self.shown : release]
        self.shown = release
        self.shown_units += units(piece)
        return piece

    def boundaries(self, rules: TextRules) -> Boundaries:
        """Where parts of the text shown so far end."""
        return rules.boundaries(self._anchor_around, self.text)

    def _extent(self, limit_tokens: int) -> tuple[int, Reason | None]:
        """How far the strand's text is this ask's, and why there will be no more of it, if so."""
        strand = self.strand
        everything = len(strand.text)
        cap = strand.offset_of(self.allowed_tokens)
        if strand.over is not None and (cap is None or cap == everything):
            return everything, strand.over
        if cap is not None:
            return cap, Reason.LENGTH
        if strand.paused and self.allowed_tokens <= limit_tokens:
            return everything, Reason.LENGTH
        return everything, None

    def _whole_words(self, rules: TextRules, release: int, end: int, quiet: float) -> int:
        """Cut `release` back to where a word has surely ended, and to before the first word that is not sure enough.

        A word's end is sure when what follows it, up to `end`, cannot join it: a space, or anything with one more
        character after it (`can'` may become `can't`).
        """
        text = self.strand.text[self._start : end]
        sure = (at for at in rules.words(self._around, text) if text[at : at + 1].isspace() or at + 1 < len(text))
        ends = [at for at in (self._start + at for at in sure) if self.shown < at <= release]
        if self.reason is not None:
            ends.append(release)
        shown = self.shown
        for word_end in ends:
            if quiet > 0:
                tokens, logprob = self.strand.touching(shown, word_end)
                if tokens and math.exp(logprob / tokens) < quiet:
                    self.reason = Reason.QUIET
                    return shown
            shown = word_end
        return shown
