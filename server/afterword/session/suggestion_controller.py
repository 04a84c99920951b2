"""The ghost text of one document: its draft, the suggestion that shows it, and what is asked of the writer of drafts.

Here the two are kept in step: a suggestion is begun on the draft that is there (adoption) or on a new one, the draft is
written on while the suggestion wants more and stopped as soon as it does not, and both end when the writer types
something else (type-through). What the client may ask, and when, is judged in `document.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from afterword.session.counters import SuggestionCounters
from afterword.session.effects import Effect, GenerationEvent, GenerationStarted
from afterword.session.generation import GenerationController
from afterword.session.mirror import Mirror, Splice
from afterword.session.replies import error
from afterword.session.suggestion import Ask, SuggestionState
from afterword.session.text_rules import TextRules
from afterword.session.view import View
from afterword_protocol.messages import Delivery, ErrorCode, Extend, Limits, Reason, Suggest

_FINAL = frozenset({Reason.END, Reason.SUFFIX, Reason.REPETITION})  # nothing can follow
_FAILED = frozenset({Reason.BUSY, Reason.ERROR})
_FAILURES = {
    Reason.BUSY: (ErrorCode.BUSY, "the engine has no room for this now"),
    Reason.ERROR: (ErrorCode.INTERNAL, "the engine could not write this"),
}


@dataclass(frozen=True, slots=True)
class SuggestionOptions:
    """What holds for all documents of a connection."""

    delivery: Delivery
    limits: Limits
    rules: TextRules
    retry_after_ms: float  # advised when the engine has no room
    tally: SuggestionCounters  # of the connection


class SuggestionController:
    """At most one draft and one suggestion, which may be done and still serve `extend`, `accept` and adoption."""

    def __init__(self, doc: str, number: int, mirror: Mirror, terms: SuggestionOptions) -> None:
        self.mirror = mirror  # the text that suggestions continue
        self._doc = doc
        self._terms = terms
        self._writing = GenerationController(number, terms.limits.max_tokens)
        self._suggestion: SuggestionState | None = None

    @property
    def live(self) -> bool:
        """Whether a `done` is still owed."""
        return self._suggestion is not None and self._suggestion.ask is not None

    @property
    def deadline_ms(self) -> float | None:
        """When the current ask has to end."""
        ask = self._suggestion.ask if self._suggestion else None
        return ask.deadline_ms if ask else None

    @property
    def lost(self) -> bool:
        """Whether the latest suggestion's text stands at the caret no more."""
        return self._suggestion is not None and self._suggestion.lost is not None

    @property
    def useful(self) -> bool:
        """Whether there is text to adopt, or a run that could be told to go on."""
        draft = self._writing.draft
        return draft is not None and (
            draft.run is not None or any(len(strand.text) > draft.caret for strand in draft.strands)
        )

    @property
    def followed(self) -> int:
        """How far the writer has gone along with what is written, at the furthest."""
        return self._writing.draft.furthest if self._writing.draft is not None else 0

    def knows(self, id: int) -> bool:
        """Whether `id` is the latest suggestion that was begun."""
        return self._suggestion is not None and self._suggestion.id == id

    def suggest(self, asked: Suggest, max_tokens: int, now_ms: float) -> list[Effect]:
        """Begin a suggestion at the caret."""
        draft, effects = self._writing.draft_for(asked, max_tokens, self.mirror)
        around = self.mirror.surroundings
        views = [View(strand, draft.caret, around) for strand in draft.strands]
        terms = self._terms
        self._suggestion = SuggestionState(
            self._doc, asked.id, views, terms.rules, terms.delivery, asked.quiet, terms.tally
        )
        deadline_ms = None if asked.max_time_ms is None else now_ms + asked.max_time_ms
        ask = Ask(asked.stop, max_tokens, now_ms, deadline_ms)
        ask.begin(views, draft.caret)
        self._suggestion.queue(ask)
        return effects + self._drive(now_ms)

    def extend(self, asked: Extend, max_tokens: int, refused: Reason | None, now_ms: float) -> list[Effect]:
        """Go on with the suggestion, after the asks before this one are done; or then say that it was refused."""
        assert self._suggestion is not None
        idle = not self.live
        self._suggestion.queue(Ask(asked.stop, max_tokens, now_ms, refused=refused))
        return self._go_on(now_ms) if idle else []

    def untyped(self, alternative: int) -> str | None:
        """What an `accept` may take of; None if nothing of this alternative stands at the caret."""
        suggestion, draft = self._suggestion, self._writing.draft
        if suggestion is None or draft is None or alternative >= len(suggestion.views):
            return None
        if not suggestion.views[alternative].strand.text.startswith(draft.typed):
            return None
        return suggestion.untyped(alternative, draft.caret)

    def follow(self, splice: Splice, before: str, after_changed: bool, now_ms: float) -> list[Effect]:
        """The text changed: type-through, or the end of what no longer agrees. `before`: the text before the splice."""
        draft, suggestion = self._writing.draft, self._suggestion
        if draft is None:
            return []
        typed = None if after_changed else _retyped(draft.typed, splice, before)
        if typed is None:
            return self.drop(Reason.DIVERGED, now_ms)
        draft.typed = typed
        if not draft.agrees:
            return self.drop(Reason.DIVERGED, now_ms)
        draft.furthest = max(draft.furthest, draft.caret)
        if suggestion is None or suggestion.lost:
            return []
        if draft.caret < suggestion.anchor:
            return self.lose(now_ms)
        suggestion.follow(typed)
        return []

    def reopen(self, mirror: Mirror, now_ms: float) -> list[Effect]:
        """The text was given anew: the suggestion ends, but a draft that agrees with the text is kept."""
        effects = self.lose(now_ms)
        draft = self._writing.draft
        if draft is not None:
            typed = mirror.typed_since(self.mirror, draft.typed)
            draft.typed = typed or ""
            if typed is None or not draft.agrees:
                effects += self.drop(Reason.DIVERGED, now_ms)
        self.mirror = mirror
        return effects

    def end(self, reason: Reason, now_ms: float) -> list[Effect]:
        """Answer every ask that is not done with `reason`; what was written is kept for the next suggestion."""
        return [*self._writing.rest(), *self._finish_all(reason, now_ms)] if self.live else []

    def lose(self, now_ms: float) -> list[Effect]:
        """The suggestion's text is not at the caret any more; the draft may still be of use."""
        if self._suggestion is None:
            return []
        self._suggestion.lost = self._suggestion.lost or Reason.DIVERGED
        return self.end(Reason.DIVERGED, now_ms)

    def drop(self, reason: Reason, now_ms: float) -> list[Effect]:
        """Nothing that was written is of use any more."""
        if self._suggestion is not None:
            self._suggestion.lost = self._suggestion.lost or reason
        effects = [*self._writing.stop(), *self._finish_all(reason, now_ms)]
        self._writing.draft = None
        return effects

    def supersede(self, now_ms: float, reason: Reason = Reason.SUPERSEDED) -> list[Effect]:
        """Answer every ask that is not done, but leave the draft as it is, to what comes next."""
        return self._finish_all(reason, now_ms)

    def prepare(self) -> list[Effect]:
        """Have the cache filled with the text."""
        return [self._writing.prepare(self.mirror)]

    def rest(self) -> list[Effect]:
        """Stop writing what no suggestion wants."""
        return self._writing.rest()

    def time_out(self, now_ms: float) -> list[Effect]:
        """The current ask has had its time."""
        return [self._finish(Reason.TIME, now_ms), *self._go_on(now_ms)]

    def lose_engine(self, now_ms: float) -> list[Effect]:
        """The run is gone without a word; its text stays."""
        if self._writing.draft is not None:
            self._writing.draft.run = None
        return self._finish_all(Reason.ERROR, now_ms)

    def on_generation(self, event: GenerationEvent, now_ms: float) -> list[Effect]:
        """Take what the writer of drafts reports; what comes of runs that are not wanted any more is dropped."""
        draft, suggestion = self._writing.draft, self._suggestion
        if draft is None or event.run != draft.run:
            return []
        draft.take(event)
        if suggestion is None or suggestion.ask is None:
            return []
        if isinstance(event, GenerationStarted):
            suggestion.ask.cost = event
        return self._drive(now_ms)

    def _drive(self, now_ms: float) -> list[Effect]:
        """Show what there is, finish each ask that has all it wants, and see that the rest is written."""
        effects: list[Effect] = []
        suggestion, draft = self._suggestion, self._writing.draft
        while suggestion is not None and suggestion.ask is not None and draft is not None:
            effects += suggestion.show(draft.limit_tokens, now_ms)
            if not suggestion.settled:
                more = self._writing.feed(suggestion.wanted_tokens, self.mirror)
                if more is not None:
                    return effects + more
                suggestion.settle_for(draft.limit_tokens)
                continue
            reason = suggestion.ask.views[0].reason
            assert reason is not None
            if reason in _FAILED:
                effects.append(self._failure(reason))
                effects += self._finish_all(reason, now_ms)
            else:
                effects.append(self._finish(reason, now_ms))
                effects += self._begin_extension(now_ms)
            draft = self._writing.draft
        # The client has what it asked for. It may ask for what follows, once that was accepted.
        return effects + self._writing.rest(useful=True)

    def _go_on(self, now_ms: float) -> list[Effect]:
        """An ask was finished, or one came when there was none: turn to the one that waits, if any."""
        return [*self._begin_extension(now_ms), *self._drive(now_ms)]

    def _begin_extension(self, now_ms: float) -> list[Effect]:
        """Turn to the first waiting ask: it goes on with the first alternative that agrees with what was typed."""
        effects: list[Effect] = []
        suggestion, draft = self._suggestion, self._writing.draft
        while suggestion is not None and suggestion.ask is not None:
            if suggestion.ask.refused:
                effects.append(self._finish(suggestion.ask.refused, now_ms))
                continue
            if suggestion.lost or draft is None:
                effects.append(self._finish(suggestion.lost or Reason.DIVERGED, now_ms))
                continue
            view = suggestion.agreeing(draft.typed)
            if view.reason not in _FINAL:
                draft, effects_of_draft = self._writing.draft_of(view.strand)
                (view.strand,) = draft.strands
                suggestion.ask.begin([view], draft.caret)
                return effects + effects_of_draft
            effects.append(self._finish(view.reason, now_ms))
        return effects

    def _failure(self, reason: Reason) -> Effect:
        assert self._suggestion is not None
        code, message = _FAILURES[reason]
        retry_after_ms = self._terms.retry_after_ms if reason is Reason.BUSY else None
        return error(code, message, self._doc, self._suggestion.id, retry_after_ms=retry_after_ms)

    def _finish_all(self, reason: Reason, now_ms: float) -> list[Effect]:
        effects: list[Effect] = []
        while self.live:
            effects.append(self._finish(reason, now_ms))
        return effects

    def _finish(self, reason: Reason, now_ms: float) -> Effect:
        assert self._suggestion is not None
        draft = self._writing.draft
        return self._suggestion.finish(reason, draft.context_tokens if draft else 0, now_ms)


def _retyped(typed: str, splice: Splice, before: str) -> str | None:
    """What stands between the origin and the caret after the splice; None if the text before the origin changed."""
    beyond = splice.delete - len(typed)
    if beyond <= 0:
        return typed[: len(typed) - splice.delete] + splice.insert
    removed = before[len(before) - splice.delete : len(before) - len(typed)]
    return splice.insert[beyond:] if splice.insert.startswith(removed) else None
