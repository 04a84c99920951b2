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
    Command,
    Ended,
    Engine,
    EngineEvent,
    EventSink,
    Failed,
    Forget,
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


@dataclass(slots=True)
class _Route:
    """A document: the engine that serves it, and its newest run, so that this can be ended should the engine die."""

    engine: int
    owner: str
    run: int = 0
    alternatives: int = 0  # of that run


class EngineRouter:
    """Implements `api.Engine` over engines that are alike. One event loop owns it; no call blocks.

    It is ready when its first engine is, and lost when its last one is; `Ready` tells of all slots there are by then.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        """At least one engine; all must serve the same model."""
        self._engines = engines
        self._sink: EventSink | None = None
        self._ready: dict[int, Ready] = {}  # engines that answer
        self._failed: set[int] = set()  # engines that never will
        self._documents: dict[int, _Route] = {}  # those that an engine serves

    async def open(self, sink: EventSink) -> None:
        """Start all engines."""
        self._sink = sink
        for index, engine in enumerate(self._engines):
            await engine.open(partial(self._on_events, index))

    def submit(self, command: Command) -> None:
        """Give a command to the engine of its document; a request for a new document finds it one."""
        document = self._documents.get(command.document)
        if isinstance(command, Request):
            if document is None:
                document = self._documents[command.document] = _Route(self._least_loaded(), command.owner)
            document.run, document.alternatives = command.run, command.alternatives
        if document is not None:
            self._engines[document.engine].submit(command)
            if isinstance(command, Forget):
                del self._documents[command.document]

    async def close(self) -> None:
        """Shut all engines down."""
        for engine in self._engines:
            await engine.close()

    def _least_loaded(self) -> int:
        """The engine with the fewest documents of those that answer, or that may yet."""
        able = self._ready or [index for index in range(len(self._engines)) if index not in self._failed] or [0]
        load = dict.fromkeys(able, 0)
        for document in self._documents.values():
            if document.engine in load:
                load[document.engine] += 1
        return min(load, key=load.__getitem__)

    def _on_events(self, index: int, events: Sequence[EngineEvent]) -> None:
        """Hand on what one engine reports, as far as it is news of all of them."""
        reported: list[EngineEvent] = []
        for event in events:
            match event:
                case Ready():
                    self._ready[index] = event
                    slots = sum(ready.slots for ready in self._ready.values())
                    reported.append(replace(event, slots=slots, engine=index))
                case Measured():
                    reported.append(replace(event, engine=index))
                case Progress():
                    if not self._ready:
                        reported.append(event)
                case Lost(detail=detail):
                    reported += self._lose(index, detail)
                case Failed(detail=detail):
                    self._failed.add(index)
                    reported += self._lose(index, detail)
                    if len(self._failed) == len(self._engines):
                        reported.append(event)
                case _:
                    reported.append(event)
        if reported and self._sink is not None:
            self._sink(reported)

    def _lose(self, index: int, detail: str) -> list[EngineEvent]:
        """An engine is gone: its documents find another one with their next request, and its runs are over."""
        was_ready = self._ready.pop(index, None) is not None
        over = {number: document for number, document in self._documents.items() if document.engine == index}
        for number in over:
            del self._documents[number]
        if was_ready and not self._ready:
            return [Lost(detail, index)]
        reported: list[EngineEvent] = [PartLost(index, detail)] if was_ready else []
        for number, document in over.items():
            for alternative in range(document.alternatives):
                reported.append(Ended(document.owner, number, document.run, alternative, "error", detail))
        return reported
