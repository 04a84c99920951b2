"""Several engines as one: one per GPU, each with some of the documents.

What lives here: which engine serves which document, and what the failure of one engine means for the others. A document
stays with its engine, where its cache is, for as long as that engine lives; a new one goes to the engine with the
fewest. Nothing here imports torch or knows what an engine runs on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from afterword.engine.api import (
    Ended,
    Engine,
    EngineEvent,
    EventSink,
    Failed,
    Lost,
    Measured,
    PartLost,
    Progress,
    Ready,
    Request,
)
from afterword.engine.client import EngineClient
from afterword.engine.options import EngineOptions


def engine_of(options: EngineOptions) -> Engine:
    """The engine that options ask for, each in a process of its own: a pool where they name several devices."""
    engines = [EngineClient(replace(options, device=device)) for device in options.devices]
    return engines[0] if len(engines) == 1 else EngineRouter(engines)


@dataclass(frozen=True, slots=True)
class Place:
    """A live run: the engine that has it, and the alternatives it writes."""

    engine: int
    alternatives: int


class EngineRouter:
    """Implements `api.Engine` over engines that are alike. One event loop owns it; no call blocks.

    It is ready when its first engine is, and lost when its last one is; `Ready` tells of all slots there are by then.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        """At least one engine; all must serve the same model."""
        self._engines = engines
        self._sink: EventSink | None = None
        self._ready: dict[int, Ready] = {}  # engines that answer
        self._failed: dict[int, str] = {}  # engines that never will, and why
        self._homes: dict[int, int] = {}  # engine of each document
        self._runs: dict[int, Place] = {}  # newest run of each document
        self._newest: dict[int, int] = {}  # the same, by document

    async def open(self, sink: EventSink) -> None:
        """Start all engines."""
        self._sink = sink
        for index, engine in enumerate(self._engines):
            await engine.open(partial(self._hear, index))

    def start(self, request: Request) -> None:
        """Give a request to the engine of its document."""
        self._retire(request.document)
        home = self._home(request.document)
        self._newest[request.document] = request.run
        self._runs[request.run] = Place(home, request.alternatives)
        self._engines[home].start(request)

    def update(self, run: int, limit_tokens: int) -> None:
        """Raise the limit of a run."""
        if run in self._runs:
            self._engines[self._runs[run].engine].update(run, limit_tokens)

    def stop(self, run: int, useful: bool = False) -> None:
        """Drop a run."""
        if run in self._runs:
            self._engines[self._runs[run].engine].stop(run, useful)

    def forget(self, document: int) -> None:
        """Free what is held for a document."""
        self._retire(document)
        home = self._homes.pop(document, None)
        if home is not None:
            self._engines[home].forget(document)

    async def close(self) -> None:
        """Shut all engines down."""
        for engine in self._engines:
            await engine.close()

    def _home(self, document: int) -> int:
        """The engine that serves a document: the one that has it, or the one with the fewest of those that answer."""
        home = self._homes.get(document)
        if home is None:
            able = self._ready or [index for index in range(len(self._engines)) if index not in self._failed] or [0]
            load = dict.fromkeys(able, 0)
            for taken in self._homes.values():
                if taken in load:
                    load[taken] += 1
            home = self._homes[document] = min(load, key=lambda index: load[index])
        return home

    def _retire(self, document: int) -> None:
        run = self._newest.pop(document, None)
        if run is not None:
            del self._runs[run]

    def _hear(self, index: int, events: Sequence[EngineEvent]) -> None:
        """Hand on what one engine says, as far as it is news of all of them."""
        told: list[EngineEvent] = []
        for event in events:
            match event:
                case Ready():
                    self._ready[index] = event
                    slots = sum(ready.slots for ready in self._ready.values())
                    told.append(replace(event, slots=slots, engine=index))
                case Measured():
                    told.append(replace(event, engine=index))
                case Progress():
                    if not self._ready:
                        told.append(event)
                case Lost(detail=detail):
                    told += self._lose(index, detail)
                case Failed(detail=detail):
                    self._failed[index] = detail
                    told += self._lose(index, detail)
                    if len(self._failed) == len(self._engines):
                        told.append(event)
                case _:
                    told.append(event)
        if told and self._sink is not None:
            self._sink(told)

    def _lose(self, index: int, detail: str) -> list[EngineEvent]:
        """An engine is gone: its documents find another one with their next request, and its runs are over."""
        was_ready = self._ready.pop(index, None) is not None
        for document in [document for document, home in self._homes.items() if home == index]:
            del self._homes[document]
        over = [run for run, place in self._runs.items() if place.engine == index]
        if was_ready and not self._ready:
            return [Lost(detail, index)]
        news: list[EngineEvent] = [PartLost(index, detail)] if was_ready else []
        return news + [
            Ended(run, alternative, "error", detail)
            for run in over
            for alternative in range(self._runs[run].alternatives)
        ]
