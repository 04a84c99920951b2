"""What the client sees of a suggestion: how much of each alternative is shown, and why it ends there.

A view begins at the anchor, the caret at the time of `suggest`. What was shown is never taken back. Each `suggest` and
`extend` (each *ask*) begins where the one before it ended and ends by its own rules. Offsets are code points from the
origin of the continuation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from afterword.session.effects import GenerationStarted
from afterword.session.generation import AlternativeText
from afterword.session.text_rules import Surroundings, TextRules
from afterword_protocol.messages import Reason, Stop, Timing, Usage
from afterword_protocol.utf16 import units

_TIMING_DIGITS = 3  # after the point, of milliseconds


class View:
    """One alternative, as far as it is shown."""

    def __init__(self, alternative: int, source: AlternativeText, anchor: int, around: Surroundings) -> None:
        self.alternative = alternative  # its number in messages
        self.source = source  # the text that it shows
        self.shown = anchor  # where the text shown so far ends
        self.shown_units = 0  # its length
        self.start = anchor  # where the text of the latest ask begins
        self.done_at = anchor  # where the text of the latest `done` ended
        self.reason: Reason | None = None  # why the text of the latest ask ends there, once it does
        self.allowed_tokens = 0  # how long the source may get for the latest ask
        self._anchor = anchor  # where its text begins
        self._anchor_around = around  # what stands around the anchor
        self._around = around  # what stands around that place
        self._stop = Stop.NONE  # where the latest ask wants to end
        self._max_tokens = 0  # how much the latest ask wants, counted from the caret
        self._looked_at: tuple[object, ...] = ()  # what the latest judgement rests on

    def begin(self, stop: Stop, max_tokens: int, caret: int) -> None:
        """Turn to the next ask: go on from what was shown."""
        self.reason = None
        self._stop = stop
        self._max_tokens = max_tokens
        self._looked_at = ()
        if self.start < self.shown:
            self.start = self.shown
            anchored = self._anchor_around
            before = anchored.before + self.source.text[self._anchor : self.shown]
            self._around = Surroundings(before, anchored.after, anchored.language, anchored.block)
        # Tokens that were spent on what is shown, in part or as yet without any text, were spent by the ask before.
        source = self.source
        spent_tokens = source.tokens if self.start >= len(source.text) else source.tokens_begun(self.start)
        self.allowed_tokens = spent_tokens + max_tokens
        if caret > self.start:
            self.allow_from(caret)

    def allow_from(self, caret: int) -> None:
        """Count the tokens asked for from the caret, which has moved into this ask's text."""
        self.allowed_tokens = max(self.allowed_tokens, self.source.tokens_to(caret) + self._max_tokens)

    def grow(self, rules: TextRules, limit_tokens: int, by_words: bool, quiet: float) -> str:
        """Show what can be shown now, and return it; sets `reason` once it is known where the text ends.

        `limit_tokens`: how long the source gets in its run. `by_words`: show whole words only. `quiet`: show no word
        that the model is less sure of than this probability for each token.
        """
        source = self.source
        looked_at = (len(source.text), source.tokens, source.paused, source.over, self.allowed_tokens, limit_tokens)
        if looked_at == self._looked_at:
            return ""
        self._looked_at = looked_at
        end, closing = self._extent(limit_tokens)
        if end == self.start and closing is None:
            return ""
        verdict = rules.judge(self._around, source.text[self.start : end], self._stop, complete=closing is not None)
        self.reason = verdict.reason or closing
        release = min(max(self.start + verdict.release, self.shown), end)
        if by_words or quiet > 0:
            release = self._whole_words(rules, release, end, quiet)
        piece = source.text[self.shown : release]
        self.shown = release
        self.shown_units += units(piece)
        return piece

    def _extent(self, limit_tokens: int) -> tuple[int, Reason | None]:
        """How far the source's text is this ask's, and why there will be no more of it, if so."""
        source = self.source
        everything = len(source.text)
        cap = source.offset_of(self.allowed_tokens)
        if source.over is not None and (cap is None or cap == everything):
            return everything, source.over
        if cap is not None:
            return cap, Reason.LENGTH
        if source.paused and self.allowed_tokens <= limit_tokens:
            return everything, Reason.LENGTH
        return everything, None

    def _whole_words(self, rules: TextRules, release: int, end: int, quiet: float) -> int:
        """Cut `release` back to where a word has surely ended, and to before the first word that is not sure enough.

        A word's end is sure when what follows it, up to `end`, cannot join it: a space, or anything with one more
        character after it (`can'` may become `can't`).
        """
        text = self.source.text[self.start : end]
        sure = (at for at in rules.words(self._around, text) if text[at : at + 1].isspace() or at + 1 < len(text))
        ends = [at for at in (self.start + at for at in sure) if self.shown < at <= release]
        if self.reason is not None:
            ends.append(release)
        shown = self.shown
        for word_end in ends:
            if quiet > 0:
                tokens, logprob = self.source.touching(shown, word_end)
                if tokens and math.exp(logprob / tokens) < quiet:
                    self.reason = Reason.QUIET
                    return shown
            shown = word_end
        return shown


@dataclass(slots=True)
class Ask:
    """One `suggest` or `extend` and how far its answer is."""

    stop: Stop
    max_tokens: int
    asked_ms: float
    refused: Reason | None = None  # it only waits for its turn to be answered with this
    views: Sequence[View] = ()  # those it works on, once it is its turn
    started: GenerationStarted | None = None  # of the run that was begun for it
    first_ms: float | None = None  # when the first text was there

    def finish(self, reason: Reason, context_tokens: int, now_ms: float) -> tuple[Usage, Timing]:
        """It is over with this reason; what it took. `context_tokens`: of the prompt, if no run was begun for it."""
        generated_tokens = 0
        for view in self.views:
            view.reason = view.reason or reason
            generated_tokens += view.source.begun_in(view.start, view.shown)[0]  # whose text was shown for it
        timing = Timing(
            queue_ms=0 if self.started is None else round(self.started.queue_ms, _TIMING_DIGITS),
            first_token_ms=None if self.first_ms is None else round(self.first_ms - self.asked_ms, _TIMING_DIGITS),
            total_ms=round(now_ms - self.asked_ms, _TIMING_DIGITS),
        )
        if self.started is None:
            return Usage(context=context_tokens, reused=context_tokens, generated=generated_tokens), timing
        run = self.started
        usage = Usage(context=run.context, reused=run.reused, computed=run.computed, generated=generated_tokens)
        return usage, timing
