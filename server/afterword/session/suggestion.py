"""A suggestion: the asks made of one id, answered in order with its views of a draft, one `done` each.

Nothing here starts or stops a draft. Offsets are code points from the draft's origin; units appear in messages only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from afterword.session.counters import SuggestionCounters
from afterword.session.effects import GenerationStarted, Send
from afterword.session.text_rules import TextRules
from afterword.session.view import View
from afterword_protocol.messages import LOGPROB_DIGITS, Alternative, Delivery, Done, Reason, Stop, Timing, Token, Usage

_TIMING_DIGITS = 3


@dataclass(slots=True)
class Ask:
    """One `suggest` or `extend` and how far its answer is."""

    stop: Stop
    max_tokens: int
    asked_ms: float
    deadline_ms: float | None = None
    refused: Reason | None = None  # it only waits for its turn to be answered with this
    views: list[View] = field(default_factory=list)  # those it works on, once it is its turn
    cost: GenerationStarted | None = None  # of the run that was begun for it
    first_ms: float | None = None  # when the first text was there

    def begin(self, views: list[View], caret: int) -> None:
        """It is this ask's turn, and these views go on for it."""
        self.views = views
        for view in views:
            view.begin(self.stop, self.max_tokens, caret)


class SuggestionState:
    """The views of one suggestion id and its asks in turn."""

    def __init__(
        self,
        doc: str,
        id: int,
        views: Sequence[View],
        rules: TextRules,
        delivery: Delivery,
        quiet: float,
        tally: SuggestionCounters,
    ) -> None:
        self.id = id
        self.views = list(views)
        self.lost: Reason | None = None  # why the text can neither be gone on with nor accepted, if so
        self._doc = doc
        self._rules = rules
        self._delivery = delivery
        self._quiet = quiet
        self._tally = tally
        self._asks: deque[Ask] = deque()  # not done yet, the current one first

    @property
    def ask(self) -> Ask | None:
        """The ask that is being answered, None when all are done."""
        return self._asks[0] if self._asks else None

    @property
    def settled(self) -> bool:
        """Whether the text of the current ask has ended in every view."""
        return bool(self._asks) and all(view.reason is not None for view in self._asks[0].views)

    @property
    def wanted_tokens(self) -> int:
        """How long the strands must get for the current ask."""
        return max((view.allowed_tokens for view in self._asks[0].views if view.reason is None), default=0)

    @property
    def anchor(self) -> int:
        """Where the text of all views begins."""
        return self.views[0].anchor

    def agreeing(self, typed: str) -> View:
        """The first alternative that agrees with what was typed since the draft's origin."""
        return next((view for view in self.views if view.strand.text.startswith(typed)), self.views[0])

    def follow(self, typed: str) -> None:
        """The writer typed what the text says: count the tokens of the current ask from the new caret."""
        for view in self._asks[0].views if self._asks else ():
            if view.strand.text.startswith(typed):
                view.allow(len(typed))

    def settle_for(self, limit_tokens: int) -> None:
        """The strands get no longer than this."""
        for view in self._asks[0].views:
            view.allowed_tokens = min(view.allowed_tokens, limit_tokens)

    def queue(self, ask: Ask) -> None:
        """Add an ask, to be answered after those before it."""
        self._asks.append(ask)

    def untyped(self, alternative: int, caret: int) -> str:
        """What the client has of an alternative and the writer has not typed yet."""
        view = self.views[alternative]
        return view.strand.text[caret : view.told if self._delivery is Delivery.FINAL else view.shown]

    def show(self, limit_tokens: int, now_ms: float) -> list[Send]:
        """Frames for text of the current ask that can be shown now."""
        frames: list[Send] = []
        ask = self._asks[0]
        for alternative, view in enumerate(self.views):
            if view.reason is not None or view not in ask.views:
                continue
            pos, start = view.shown_units, view.shown
            piece = view.grow(self._rules, limit_tokens, self._delivery is Delivery.WORD, self._quiet)
            if not piece:
                continue
            self._tally.shown_tokens += view.strand.show_to(view.shown)
            asked_ms = ask.asked_ms if ask.first_ms is None else None
            if ask.first_ms is None:
                ask.first_ms = now_ms
            if self._delivery is not Delivery.FINAL:
                tokens, logprob = view.strand.begun_in(start, view.shown)
                # Adding zero turns -0.0 into 0.0.
                rounded = round(logprob, LOGPROB_DIGITS) + 0.0 if tokens else None
                token = Token(doc=self._doc, id=self.id, pos=pos, text=piece, alternative=alternative, logprob=rounded)
                frames.append(Send(token, asked_ms))
        return frames

    def finish(self, reason: Reason, known_context: int, now_ms: float) -> Send:
        """The `done` of the current ask, which is over with this."""
        ask = self._asks.popleft()
        for view in ask.views:
            view.reason = view.reason or reason
        for view in self.views:
            view.told = view.shown
        timing = Timing(
            queue_ms=round(ask.cost.queue_ms, _TIMING_DIGITS) if ask.cost else 0,
            first_token_ms=None if ask.first_ms is None else round(ask.first_ms - ask.asked_ms, _TIMING_DIGITS),
            total_ms=round(now_ms - ask.asked_ms, _TIMING_DIGITS),
        )
        done = Done(doc=self._doc, id=self.id, reason=reason, usage=_usage(ask, known_context), timing=timing)
        # Without pieces the first text goes out here.
        asked_ms = ask.asked_ms if self._delivery is Delivery.FINAL and ask.first_ms is not None else None
        if len(self.views) == 1:
            (view,) = self.views
            return Send(replace(done, text=view.text, boundaries=view.boundaries(self._rules)), asked_ms)
        alternatives = (
            Alternative(text=view.text, reason=view.reason or reason, boundaries=view.boundaries(self._rules))
            for view in self.views
        )
        return Send(replace(done, alternatives=tuple(alternatives)), asked_ms)


def _usage(ask: Ask, known_context: int) -> Usage:
    generated = sum(view.generated_tokens for view in ask.views)
    if ask.cost is not None:
        cost = ask.cost
        return Usage(context=cost.context, reused=cost.reused, computed=cost.computed, generated=generated)
    return Usage(context=known_context, reused=known_context, computed=0, generated=generated)
