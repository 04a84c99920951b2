"""The step in flight: whose rows it computes, and which of them are still wanted.

What lives here: judgements that other threads make while the model runs. Spans that they mark stale are left out from
the next layer on, and when all are, the step is given up there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from afterword.engine.api import Request
from afterword.worker.cache.slots import Slots
from afterword.worker.model.step import Span
from afterword.worker.speculation.matching import common_prefix


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

    def bars(self, request: Request) -> bool:
        """The request has to wait for the end of the step, because it begins in rows that are under way."""
        span = self._spans.get(request.document)
        if span is None or span.stale:
            return False
        slot = self._slots.of(request.document)
        return slot is None or span.line is not None or self._held(span, request) < len(request.tokens)

    def meet(self, request: Request) -> None:
        """A request arrived: drop what only its document's earlier one wanted, and what nobody is waiting for."""
        self.make_way(request.document)
        span = self._spans.get(request.document)
        if span is None:
            return
        if self._still_wanted(span, request):
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

    def _still_wanted(self, span: Span, request: Request) -> bool:
        """Whether rows in flight are of use for a newer request: its own prompt, or a text that goes on as it asks."""
        slot = self._slots.of(span.document)
        if slot is None or span.line is not None:
            return False
        computed = slot.tokens[: span.start] + span.own_tokens
        common = common_prefix(computed, request.tokens)
        if common == len(request.tokens) <= span.start:
            return request.limit_tokens > 0 and self._agrees(computed[common:], request.heal)
        return 2 * (common - span.start) >= len(span.own_tokens)

    def _held(self, span: Span, request: Request) -> int:
        """How many tokens of a request are held already, before the rows in flight."""
        slot = self._slots.of(span.document)
        return common_prefix(slot.tokens[: span.start], request.tokens) if slot is not None else 0
