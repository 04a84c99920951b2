"""What an engine has to do: requests that wait, sequences that run, and the spans in flight.

What lives here: taking commands, turning away what cannot be served, giving out slots, and choosing the spans of the
next step (the rules for that are in `policy`). While the model runs, commands also decide what is still wanted of the
step: spans that they mark stale are left out from the next layer on, and when all are, the step is given up there.

One lock, the engine core's, guards the scheduler and all that it leads to: sequences, their proposers, and the spans in
flight. Whoever calls a method or reads an attribute holds it. There are two exceptions, both flags that the stepping
thread reads between layers: `news` and `Span.stale`. What slots hold is changed by the stepping thread alone.
"""

from __future__ import annotations

import collections.abc
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from afterword.engine.api import Forget, RaiseLimit, Request, RunEvent, StopRun, ends_of
from afterword.engine.counters import Counters
from afterword.worker.cache.slots import Slots
from afterword.worker.config import CoreConfig
from afterword.worker.model.step import Span
from afterword.worker.scheduler.policy import Need, choose_rows
from afterword.worker.scheduler.sequence import Sequence
from afterword.worker.scheduler.speculator import Speculator
from afterword.worker.speculation.matching import common_prefix

Agrees = Callable[[collections.abc.Sequence[int], bytes], bool]


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that no sequence has taken up. `arrived`: when (seconds, monotonic); `order`: rises with that."""

    request: Request
    arrived: float
    order: int


class Scheduler:
    """Requests, sequences and spans, each by document.

    `waiting`: requests that no sequence has taken up, the newest of each document. `running`:
    sequences, the newest of each document; some have paused, and some have no slot. `in_flight`: spans that the model
    computes now. `unsent`: events that by themselves show nothing, to be sent with what the next step brings. `news`:
    something came in since `admit` was called last.
    """

    def __init__(
        self,
        config: CoreConfig,
        slots: Slots,
        speculator: Speculator,
        vocabulary: int,
        agrees: Agrees,
        counters: Counters,
    ) -> None:
        """`vocabulary`: how many token ids the model knows.

        `agrees(tokens, heal)`: whether the text of tokens is what is to be reproduced, as far as both go.
        """
        self.waiting: dict[int, WaitingRequest] = {}
        self.running: dict[int, Sequence] = {}
        self.in_flight: dict[int, Span] = {}
        self.unsent: list[RunEvent] = []
        self.news = False
        self._config = config
        self._slots = slots
        self._speculator = speculator
        self._vocabulary = vocabulary
        self._agrees = agrees
        self._counters = counters
        self._forgotten: list[int] = []  # documents whose slots are free once the stepping thread looks
        self._orders = itertools.count()

    # --- commands, from any thread -----------------------------------------------------------------------------------

    def add(self, request: Request) -> None:
        """Take a request; it replaces the document's earlier one, and what only the earlier one wanted is dropped."""
        document = request.document
        arrived = time.monotonic() - request.waited_ms / 1000
        self.waiting[document] = WaitingRequest(request, arrived, next(self._orders))
        self._drop_unsent(document)
        self._drop_lookahead(but=document)
        span = self.in_flight.get(document)
        if span is not None:
            if self._still_wanted(span, request):
                span.lookahead = False
            else:
                span.stale = True
        self.news = True

    def raise_limit(self, command: RaiseLimit) -> None:
        """Let a run write more, whether it writes, has paused or has not begun."""
        document, limit = command.document, command.limit_tokens
        waiting = self.waiting.get(document)
        if waiting is not None:
            if waiting.request.run == command.run and waiting.request.limit_tokens < limit:
                request = replace(waiting.request, limit_tokens=limit)
                self.waiting[document] = replace(waiting, request=request)
            return
        sequence = self.running.get(document)
        if sequence is not None and sequence.request.run == command.run:
            sequence.raise_limit(limit)
            if document in self.in_flight:
                self.in_flight[document].lookahead = False
            self._drop_lookahead(but=document)
            self.news = True

    def stop(self, command: StopRun) -> None:
        """Drop a run at once, after which no event of it arises; spare time may go into what follows a useful one."""
        document = command.document
        if document in self.waiting:
            if self.waiting[document].request.run == command.run:
                del self.waiting[document]
                self.drop(document)
            return
        sequence = self.running.get(document)
        if sequence is None or sequence.request.run != command.run:
            return
        if command.useful and sequence.lookahead_limit > 0:
            self._drop_unsent(document)
            sequence.rest()
            if document in self.in_flight:
                self.in_flight[document].lookahead = True
            self.news = True
        else:
            self.drop(document)

    def forget(self, command: Forget) -> None:
        """Free what is held for a document."""
        self.waiting.pop(command.document, None)
        self.drop(command.document)
        self._forgotten.append(command.document)
        self.news = True

    def drop(self, document: int) -> None:
        """Drop the document's sequence, if it has one, with its unsent events and its rows in flight."""
        self._drop_unsent(document)
        span = self.in_flight.get(document)
        if span is not None:
            span.stale = True
        self.remove(document)

    def remove(self, document: int) -> Sequence | None:
        """The document's sequence, if it has one, is over; its slot stays, and knows what was written. Returns it."""
        sequence = self.running.pop(document, None)
        if sequence is not None and sequence.slot is not None:
            sequence.slot.proposer.leave(sequence.tokens)
        return sequence

    def abort(self) -> None:
        """Give up the step in flight."""
        for span in self.in_flight.values():
            span.stale = True
        self.news = True

    # --- the stepping thread -----------------------------------------------------------------------------------------

    def admit(self) -> list[RunEvent]:
        """Take up waiting requests and give out slots; returns the ends of requests that cannot be served."""
        self.news = False
        for document in self._forgotten:
            self._slots.free(document)
        self._forgotten.clear()
        events: list[RunEvent] = []
        for document, waiting in list(self.waiting.items()):
            span = self.in_flight.get(document)
            if span is None or span.stale or not self._begins_in_flight(span, waiting.request):
                del self.waiting[document]
                events += self._take_up(waiting)
        self._allocate()
        return events

    def schedule(self) -> list[Span]:
        """Choose what the next step computes, and mark it as in flight; empty if no sequence lacks rows."""
        steps = self._counters.steps
        needs: list[Need] = []
        by_order: dict[int, Sequence] = {}
        for sequence in self.running.values():
            if sequence.slot is not None and sequence.active:
                by_order[sequence.order] = sequence
                needs.append(sequence.need(steps))
        if not needs:
            return []
        chosen: list[tuple[Sequence, int]] = []
        for order, rows in choose_rows(needs, self._config.prefill_tokens, self._config.short_prefill_tokens):
            chosen.append((by_order[order], rows))
        spans: list[Span] = []
        now = time.monotonic()
        for (sequence, rows), draft in zip(chosen, self._speculator.drafts(chosen), strict=True):
            sequence.served = steps + 1
            sequence.first_step = sequence.first_step or now
            span = sequence.span(rows, draft)
            spans.append(span)
            self.in_flight[span.document] = span
        return spans

    # --- small things ------------------------------------------------------------------------------------------------

    def _take_up(self, waiting: WaitingRequest) -> list[RunEvent]:
        """Make a request its document's sequence; returns its ends if it cannot be served."""
        request = waiting.request
        document, tokens, longest = request.document, request.tokens, self._config.context_tokens
        self.remove(document)
        if len(tokens) > longest:
            detail = f"the prompt has {len(tokens)} tokens, more than the {longest} that fit"
            return [*ends_of(request, "error", detail)]
        if not tokens or request.alternatives < 1:
            return [*ends_of(request, "error", "a request needs at least one token and one alternative")]
        if min(tokens) < 0 or max(tokens) >= self._vocabulary:
            return [*ends_of(request, "error", "the prompt has tokens that the model does not know")]
        slot = self._slots.by_document.get(document)
        if slot is None and self._without_slot() >= self._config.waiting_limit:
            return [*ends_of(request, "busy", "too many documents are waiting")]
        sequence = self.running[document] = Sequence(
            request, waiting.order, waiting.arrived, self._counters.steps, self._config.lookahead_tokens
        )
        if slot is not None:
            sequence.slot = slot
            if slot.branch_rows:
                slot.join_branch(request.tokens)
            slot.pinned = len(request.tokens)
            self._slots.touch(slot)
        return []

    def _allocate(self) -> None:
        """Give slots to sequences that have none, first to those that somebody waits for."""
        waiting: list[Sequence] = []
        for sequence in self.running.values():
            if sequence.slot is None and sequence.writing:
                waiting.append(sequence)
        waiting.sort(key=lambda sequence: (sequence.filling, sequence.order))
        self._counters.waiting = len(waiting)
        for sequence in waiting:
            document = sequence.request.document
            found = self._slots.allocate(document, partial(self._may_preempt, sequence))
            if found is None:
                break
            sequence.slot, loser = found
            sequence.slot.pinned = len(sequence.request.tokens)
            self._counters.waiting -= 1
            if loser is not None:
                self._counters.preemptions += 1
                if loser in self.running:
                    self.running[loser].slot = None
        self._counters.used = len(self._slots.by_document)

    def _may_preempt(self, newcomer: Sequence, document: int) -> bool:
        """Whether a document may lose its slot: not while it writes, or the rows in flight there are wanted."""
        span = self.in_flight.get(document)
        if span is not None and not span.stale:
            return False
        holder = self.running.get(document)
        if holder is None or not holder.writing:
            return True
        return holder.filling and not newcomer.filling

    def _without_slot(self) -> int:
        return sum(sequence.slot is None and sequence.writing for sequence in self.running.values())

    def _begins_in_flight(self, span: Span, request: Request) -> bool:
        """Whether a request has to wait for the end of the step, because it begins in rows that are in flight."""
        slot = self._slots.by_document.get(span.document)
        if slot is None or span.prefix_length is not None:
            return True
        return common_prefix(slot.tokens[: span.start], request.tokens) < len(request.tokens)

    def _still_wanted(self, span: Span, request: Request) -> bool:
        """Whether rows in flight are of use for a newer request: its own prompt, or a text that goes on as it asks."""
        slot = self._slots.by_document.get(span.document)
        if slot is None or span.prefix_length is not None:
            return False
        computed = slot.tokens[: span.start] + span.known_tokens
        common = common_prefix(computed, request.tokens)
        if common == len(request.tokens) <= span.start:
            return request.limit_tokens > 0 and self._agrees(computed[common:], request.heal)
        return 2 * (common - span.start) >= len(span.known_tokens)

    def _drop_lookahead(self, but: int) -> None:
        """Somebody waits for the document `but`: drop what is computed for others without their asking."""
        for span in self.in_flight.values():
            if span.lookahead and span.document != but:
                span.stale = True

    def _drop_unsent(self, document: int) -> None:
        if self.unsent:
            self.unsent = [event for event in self.unsent if event.document != document]
