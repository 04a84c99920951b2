"""The step in flight: whose rows it computes, and which of them are still wanted.

What lives here: judgements that other threads make while the model runs. Spans that they mark stale are left out from
the next layer on, and when all are, the step is given up there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .api import Wish
from .matching import common_prefix
from .slots import Slots
from .steps import Span


class Flight:
    """Spans by document; none between steps. To be used under the core's lock.

    `agrees(tokens, heal)`: whether what tokens stand for is what is to be reproduced, as far as both go.
    """

    def __init__(self, slots: Slots, agrees: Callable[[Sequence[int], bytes], bool]) -> None:
        self._slots = slots
        self._agrees = agrees
        self._spans: dict[int, Span] = {}

    def begin(self, spans: Iterable[Span]) -> None:
        """These are under way."""
        self._spans = {span.document: span for span in spans}

    def land(self) -> None:
        """The step is over."""
        self._spans = {}

    def has(self, document: int) -> bool:
        """Rows of the document are computed that are still wanted, so its slot must not be touched."""
        span = self._spans.get(document)
        return span is not None and not span.stale

    def grows(self, document: int) -> bool:
        """Branches of the document are under way, which must stay as they are until then."""
        span = self._spans.get(document)
        return span is not None and not span.stale and span.line is not None

    def bars(self, wish: Wish) -> bool:
        """The wish has to wait for the end of the step, because it begins in rows that are under way."""
        span = self._spans.get(wish.document)
        if span is None or span.stale:
            return False
        slot = self._slots.of(wish.document)
        return slot is None or span.line is not None or self._held(span, wish) < len(wish.tokens)

    def meet(self, wish: Wish) -> None:
        """A wish arrived: drop what only its document's earlier one wanted, and what nobody is waiting for."""
        self.make_way(wish.document)
        span = self._spans.get(wish.document)
        if span is None:
            return
        if self._still_wanted(span, wish):
            span.spare = False
        else:
            span.stale = True

    def make_way(self, document: int) -> None:
        """Somebody waits for the document: drop what is computed in spare time for others."""
        for span in self._spans.values():
            if span.spare and span.document != document:
                span.stale = True

    def keep(self, document: int) -> None:
        """The rows of the document are waited for."""
        if document in self._spans:
            self._spans[document].spare = False

    def spare(self, document: int) -> None:
        """Nobody waits for the rows of the document any more, but they may be of use."""
        if document in self._spans:
            self._spans[document].spare = True

    def drop(self, document: int) -> None:
        """Nobody wants the rows of the document any more."""
        if document in self._spans:
            self._spans[document].stale = True

    def drop_all(self) -> None:
        """Give the step up."""
        for span in self._spans.values():
            span.stale = True

    def _still_wanted(self, span: Span, wish: Wish) -> bool:
        """Whether rows in flight are of use for a newer wish: its own prompt, or a text that goes on as it asks."""
        slot = self._slots.of(span.document)
        if slot is None or span.line is not None:
            return False
        computed = slot.tokens[: span.start] + span.own_tokens
        common = common_prefix(computed, wish.tokens)
        if common == len(wish.tokens) <= span.start:
            return wish.limit_tokens > 0 and self._agrees(computed[common:], wish.heal)
        return 2 * (common - span.start) >= len(span.own_tokens)

    def _held(self, span: Span, wish: Wish) -> int:
        """How many tokens of a wish are held already, before the rows in flight."""
        slot = self._slots.of(span.document)
        return common_prefix(slot.tokens[: span.start], wish.tokens) if slot is not None else 0
