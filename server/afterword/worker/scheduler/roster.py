"""The newest run of each document, and which of them have a slot.

What lives here: taking requests in, turning away those that cannot be served, and giving out slots. Rows are computed
by
the step loop in `core`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from afterword.engine.api import Ended, Request, RunEvent
from afterword.worker.cache.slots import Slot, Slots
from afterword.worker.config import CoreConfig
from afterword.worker.scheduler.plan import Urgency
from afterword.worker.scheduler.sequence import Run


class Roster:
    """Runs by document. `vocabulary`: how many token ids the model knows."""

    def __init__(self, slots: Slots, config: CoreConfig, vocabulary: int) -> None:
        self.slots = slots
        self._config = config
        self._vocabulary = vocabulary
        self._runs: dict[int, Run] = {}

    def of(self, document: int) -> Run | None:
        """The newest run of a document."""
        return self._runs.get(document)

    def seated(self) -> Iterator[tuple[Run, Slot]]:
        """Runs that have something to write, asked for or ahead, and a slot to write in."""
        for run in self._runs.values():
            if run.slot is not None and (run.writing or run.leading):
                yield run, run.slot

    @property
    def waiting(self) -> int:
        """Runs that have something to write and no slot to write in."""
        return len(self._waiting())

    def drop(self, document: int) -> Run | None:
        """The document's run is over; its slot stays, and knows what it wrote. Returns the run."""
        run = self._runs.pop(document, None)
        if run is not None and run.slot is not None:
            run.slot.proposals.leave(run.text)
        return run

    def admit(self, run: Run, compact: Callable[[int, int, list[int]], None]) -> list[RunEvent]:
        """Make a run its document's newest, or say why it cannot be served. `compact` as for `Slot.settle`."""
        request = run.request
        self.drop(request.document)
        longest = self._config.context_tokens
        if len(request.tokens) > longest:
            return ended(
                request, "error", f"the prompt has {len(request.tokens)} tokens, more than the {longest} that fit"
            )
        if not request.tokens or request.alternatives < 1:
            return ended(request, "error", "a request needs at least one token and one alternative")
        if min(request.tokens) < 0 or max(request.tokens) >= self._vocabulary:
            return ended(request, "error", "the prompt has tokens that the model does not know")
        run.slot = self.slots.of(request.document)
        if run.slot is None and len(self._waiting()) >= self._config.waiting_limit:
            return ended(request, "busy", "too many documents are waiting")
        self._runs[request.document] = run
        if run.slot is not None:
            run.slot.settle(request.tokens, compact)
            run.slot.pin(len(request.tokens))
            self.slots.touch(run.slot)
        return []

    def seat(self, in_flight: Callable[[int], bool]) -> int:
        """Give slots to runs that have none, those that somebody waits for first; returns how many were taken away.

        `in_flight(document)`: the document's slot must not be touched now.
        """
        evictions = 0
        for run in sorted(self._waiting(), key=lambda run: (run.kind is Urgency.FILL, run.number)):
            taken = self.slots.take(run.request.document, partial(self._may_evict, run, in_flight))
            if taken is None:
                break
            run.slot, evicted = taken
            run.slot.pin(len(run.request.tokens))
            if evicted is not None:
                evictions += 1
                if (loser := self.of(evicted)) is not None:
                    loser.slot = None
        return evictions

    def _waiting(self) -> list[Run]:
        return [run for run in self._runs.values() if run.slot is None and run.writing]

    def _may_evict(self, newcomer: Run, in_flight: Callable[[int], bool], document: int) -> bool:
        if in_flight(document):
            return False
        run = self.of(document)
        return run is None or not run.writing or (run.kind is Urgency.FILL and newcomer.kind is not Urgency.FILL)


def ended(request: Request, reason: str, detail: str) -> list[RunEvent]:
    """The end of every alternative of a request."""
    return [
        Ended(request.owner, request.document, request.run, alternative, reason, detail)
        for alternative in range(max(1, request.alternatives))
    ]
