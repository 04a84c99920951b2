"""The ghost text of one document: its newest suggestion, the asks made of it, and what the client has of it.

Here the table of `suggestion.py` is run. A suggestion is a view of the continuation: it begins on the one that is there
(adoption) or on a new one, has it written on while an ask wants more, and ends when the writer types something else
(type-through). What the client may ask, and when, is judged in `document.py`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from afterword.session.counters import SuggestionCounters
from afterword.session.effects import Effect, GenerationEvent, GenerationStarted, Prepare, Send, SendDone
from afterword.session.generation import GenerationController
from afterword.session.mirror import Mirror, Splice
from afterword.session.replies import error
from afterword.session.suggestion import TRANSITIONS, RunAction, SuggestionEvent, SuggestionState
from afterword.session.text_rules import Surroundings, TextRules
from afterword.session.view import Ask, View
from afterword_protocol.messages import (
    LOGPROB_DIGITS,
    Alternative,
    Boundaries,
    Delivery,
    Done,
    ErrorCode,
    Extend,
    Limits,
    Reason,
    Suggest,
    Token,
)

_FINAL = frozenset({Reason.END, Reason.SUFFIX, Reason.REPETITION})  # nothing can follow
_FAILURES = {
    Reason.BUSY: (SuggestionEvent.BUSY, ErrorCode.BUSY, "the engine has no room for this now"),
    Reason.ERROR: (SuggestionEvent.FAILED, ErrorCode.INTERNAL, "the engine could not write this"),
}


@dataclass(frozen=True, slots=True)
class SuggestionOptions:
    """What holds for all documents of a connection."""

    delivery: Delivery
    limits: Limits
    rules: TextRules
    retry_after_ms: float  # advised when the engine has no room
    counters: SuggestionCounters  # of the connection


class GhostText:
    """At most one suggestion, which may be done and still serve `extend`, `accept` and adoption."""

    def __init__(self, doc: str, document: int, mirror: Mirror, options: SuggestionOptions) -> None:
        self.state = SuggestionState.NONE  # of the newest suggestion that was begun
        self.id = 0  # its name in messages
        self.deadline_ms: float | None = None  # when the current ask has to end
        self._doc = doc
        self._mirror = mirror  # the text that suggestions continue
        self._options = options
        self._generation = GenerationController(document, options.limits.max_tokens)
        self._around = Surroundings("", "")  # what stands around the suggestion's anchor
        self._anchor = 0  # where the suggestion begins, in code points from the origin of the continuation
        self._quiet = 0.0  # how sure the model has to be of each word
        self._views: list[View] = []  # one for each alternative
        self._asks: deque[Ask] = deque()  # not answered yet, the current one first

    def prepare(self) -> Prepare:
        """Have the cache filled with the text."""
        return self._generation.prepare(self._mirror)

    def useful(self) -> bool:
        """Whether there is text to adopt, or a run that could be told to go on."""
        continuation = self._generation.continuation
        return continuation is not None and (
            continuation.run is not None or any(len(each.text) > continuation.caret for each in continuation.texts)
        )

    def untyped(self, alternative: int) -> str | None:
        """What the client has of an alternative and the writer has not typed yet; None if it is not at the caret."""
        continuation = self._generation.continuation
        if continuation is None or alternative >= len(self._views):
            return None
        view = self._views[alternative]
        if not view.source.text.startswith(continuation.typed):
            return None
        end = view.done_at if self._options.delivery is Delivery.FINAL else view.shown
        return view.source.text[continuation.caret : end]

    # --- what happens ---

    def move(self, event: SuggestionEvent, now_ms: float, reason: Reason | None = None) -> list[Effect]:
        """Do what the table says. This is the one place where the state changes.

        `reason`: of the ask that ends, where the table has several. Raises KeyError for what cannot happen.
        """
        transition = TRANSITIONS[self.state, event]
        self.state = transition.state
        effects: list[Effect] = []
        match transition.run:
            case RunAction.REST:
                effects += self._generation.rest()
            case RunAction.AWAIT:
                effects += self._generation.rest(useful=True)
            case RunAction.DROP:
                effects += self._generation.stop()
            case RunAction.GONE:
                self._generation.lose_run()
        if transition.reasons:
            reason = reason or transition.reasons[0]
            if reason not in transition.reasons:
                raise KeyError(f"{reason} cannot end a suggestion on {event}")
            effects.append(self._answer(reason, now_ms))
            while self._asks and self.state is not SuggestionState.LIVE:
                effects.append(self._answer(reason, now_ms))
        if transition.run is RunAction.DROP:
            self._generation.continuation = None
        return effects

    def suggest(self, asked: Suggest, max_tokens: int, now_ms: float) -> list[Effect]:
        """Begin a suggestion at the caret."""
        self.move(SuggestionEvent.SUGGEST, now_ms)
        effects = self._generation.adopt_or_start(asked, max_tokens, self._mirror)
        continuation = self._generation.continuation
        assert continuation is not None
        self.id = asked.id
        self.deadline_ms = None if asked.max_time_ms is None else now_ms + asked.max_time_ms
        self._quiet = asked.quiet
        self._anchor = continuation.caret
        mirror = self._mirror
        self._around = Surroundings(mirror.before, mirror.after, mirror.language, mirror.block)
        self._views = []
        for number, text in enumerate(continuation.texts):
            view = View(number, text, self._anchor, self._around)
            view.begin(asked.stop, max_tokens, self._anchor)
            self._views.append(view)
        self._asks.append(Ask(asked.stop, max_tokens, now_ms, views=self._views))
        return effects + self._advance(now_ms)

    def extend(self, asked: Extend, max_tokens: int, refused: Reason | None, now_ms: float) -> list[Effect]:
        """Go on with the suggestion, after the asks before this one are done; or then say that it was refused."""
        idle = not self._asks
        self._asks.append(Ask(asked.stop, max_tokens, now_ms, refused))
        effects = self.move(SuggestionEvent.EXTEND, now_ms, refused)
        return effects + self._turn(now_ms) + self._advance(now_ms) if idle else effects

    def follow(self, splice: Splice, before: str, after_changed: bool, by_hand: bool, now_ms: float) -> list[Effect]:
        """The text changed at the caret: type-through, or the end of what no longer agrees.

        `before`: the text before the caret and before the splice. `by_hand`: it was typed, and not accepted.
        """
        continuation = self._generation.continuation
        if continuation is None:
            return []
        if after_changed or not continuation.follow(splice, before):
            return self.move(SuggestionEvent.DIVERGE, now_ms)
        if continuation.caret > continuation.furthest:
            if by_hand:
                self._options.counters.typed_characters += continuation.caret - continuation.furthest
            continuation.furthest = continuation.caret
        if continuation.caret < self._anchor:
            return self.move(SuggestionEvent.BEHIND, now_ms)
        if self._asks:
            for view in self._asks[0].views:
                if continuation.caret > view.start and view.source.text.startswith(continuation.typed):
                    view.allow_from(continuation.caret)
        return self.move(SuggestionEvent.AGREE, now_ms)

    def reopen(self, mirror: Mirror, now_ms: float) -> list[Effect]:
        """The text was replaced: the suggestion ends, but what was written is kept if it agrees with the new text."""
        effects = self.move(SuggestionEvent.OPEN, now_ms)
        continuation = self._generation.continuation
        if continuation is not None:
            typed = mirror.typed_since(self._mirror, continuation.typed)
            if typed is None or not continuation.move_caret(typed):
                effects += self.move(SuggestionEvent.DIVERGE, now_ms)
        self._mirror = mirror
        return effects

    def time_out(self, now_ms: float) -> list[Effect]:
        """The current ask has had its time."""
        return self.move(SuggestionEvent.DEADLINE, now_ms) + self._turn(now_ms) + self._advance(now_ms)

    def on_generation(self, event: GenerationEvent, now_ms: float) -> list[Effect]:
        """Take in what is reported of a run. What comes of runs that are not wanted any more is dropped."""
        continuation = self._generation.continuation
        if continuation is None or event.run != continuation.run:
            return []
        continuation.take(event)
        if self._asks and isinstance(event, GenerationStarted):
            self._asks[0].started = event
        return self.move(SuggestionEvent.TEXT, now_ms) + self._advance(now_ms)

    # --- how asks are answered ---

    def _advance(self, now_ms: float) -> list[Effect]:
        """Show what there is, answer each ask that has all it wants, and see that the rest is written."""
        effects: list[Effect] = []
        options = self._options
        by_words = options.delivery is Delivery.WORD
        while self.state is SuggestionState.LIVE:
            continuation = self._generation.continuation
            assert continuation is not None
            ask = self._asks[0]
            wanted_tokens = 0
            for view in ask.views:
                if view.reason is None:
                    pos = view.shown_units
                    piece = view.grow(options.rules, continuation.limit_tokens, by_words, self._quiet)
                    if piece:
                        effects += self._show(view, ask, pos, piece, now_ms)
                if view.reason is None:
                    wanted_tokens = max(wanted_tokens, view.allowed_tokens)
            if wanted_tokens:
                commands = self._generation.feed(wanted_tokens, self._mirror)
                if commands is not None:
                    return effects + commands
                for view in ask.views:  # it gets no longer than this
                    view.allowed_tokens = min(view.allowed_tokens, continuation.limit_tokens)
                continue
            reason = ask.views[0].reason
            assert reason is not None
            if reason in _FAILURES:
                event, code, message = _FAILURES[reason]
                retry_after_ms = options.retry_after_ms if reason is Reason.BUSY else None
                effects.append(error(code, message, self._doc, self.id, retry_after_ms=retry_after_ms))
                effects += self.move(event, now_ms)
            else:
                effects += self.move(SuggestionEvent.SETTLED, now_ms, reason) + self._turn(now_ms)
        return effects

    def _turn(self, now_ms: float) -> list[Effect]:
        """Turn to the next ask: it goes on with the first alternative that agrees with what was typed."""
        effects: list[Effect] = []
        while self.state is SuggestionState.LIVE:
            if not self._asks:
                # The client has what it asked for. It may ask for what follows, once that was accepted.
                return effects + self.move(SuggestionEvent.ANSWERED, now_ms)
            ask = self._asks[0]
            continuation = self._generation.continuation
            assert continuation is not None
            agreeing = (view for view in self._views if view.source.text.startswith(continuation.typed))
            view = next(agreeing, self._views[0])
            reason = ask.refused or (view.reason if view.reason in _FINAL else None)
            if reason is None:
                view.source, commands = self._generation.narrow(view.source)
                ask.views = [view]
                view.begin(ask.stop, ask.max_tokens, continuation.caret)
                return effects + commands
            effects += self.move(SuggestionEvent.SETTLED, now_ms, reason)
        return effects

    def _show(self, view: View, ask: Ask, pos: int, piece: str, now_ms: float) -> list[Effect]:
        """The frame for the newest piece of one alternative, which begins at `pos` units, if pieces are sent."""
        options = self._options
        source = view.source
        start = view.shown - len(piece)
        tokens, logprob = source.begun_in(start, view.shown)
        if view.shown > source.shown:  # not just shown again
            fresh_tokens = tokens if start == source.shown else source.begun_in(source.shown, view.shown)[0]
            options.counters.shown_tokens += fresh_tokens
            source.shown = view.shown
        asked_ms = None
        if ask.first_ms is None:
            ask.first_ms, asked_ms = now_ms, ask.asked_ms
        if options.delivery is Delivery.FINAL:
            return []
        # Adding zero turns -0.0 into 0.0.
        rounded = round(logprob, LOGPROB_DIGITS) + 0.0 if tokens else None
        token = Token(doc=self._doc, id=self.id, pos=pos, text=piece, alternative=view.alternative, logprob=rounded)
        return [Send(token, asked_ms)]

    def _answer(self, reason: Reason, now_ms: float) -> SendDone:
        """The `done` of the current ask, which is over with this."""
        ask = self._asks.popleft()
        self.deadline_ms = None
        continuation = self._generation.continuation
        usage, timing = ask.finish(reason, continuation.context_tokens if continuation else 0, now_ms)
        text: str | None = None
        alternatives: list[Alternative] = []
        for view in self._views:
            view.done_at = view.shown
            text = view.source.text[self._anchor : view.shown]
            alternatives.append(Alternative(text=text, reason=view.reason or reason, boundaries=Boundaries()))
        several = tuple(alternatives) if len(alternatives) > 1 else None
        done = Done(
            doc=self._doc,
            id=self.id,
            reason=reason,
            text=None if several else text,
            alternatives=several,
            usage=usage,
            timing=timing,
        )
        # Without pieces the first text goes out here.
        asked_ms = ask.asked_ms if self._options.delivery is Delivery.FINAL and ask.first_ms is not None else None
        return SendDone(done, self._around, self._options.rules, asked_ms)
