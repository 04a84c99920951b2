"""Commands on their way to an engine process, which may be loading, starting again, or slow to read.

What lives here: a pure queue with the rule that matters while nobody reads it: a document has one request, its newest.
So it grows with the number of documents, not with the time that has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from afterword.clock import now_ms
from afterword.engine.api import Request
from afterword.engine.ipc import Command, Forget, Stop, Update


class RequestQueue:
    """Commands in the order in which the engine is to get them, and the newest run of each document that it got."""

    def __init__(self, clock_ms: Callable[[], float] = now_ms) -> None:
        self._clock_ms = clock_ms
        self._requests: dict[int, Request] = {}  # waiting, by document
        self._since_ms: dict[int, float] = {}  # when each of them came, by document
        self._documents: dict[int, int] = {}  # document of each waiting request, by run
        self._sent_runs: dict[int, int] = {}  # newest run the engine got, by document
        self._sent_documents: dict[int, int] = {}  # the same, the other way round
        # Commands about sent runs go out before waiting requests, which concern runs that the engine does not know yet.
        self._updates: dict[int, Update] = {}
        self._stops: dict[int, Stop] = {}  # by run
        self._forgets: dict[int, Forget] = {}  # by document

    def put(self, command: Command) -> None:
        """Add a command, folding it into what waits. One about a run that is over everywhere is dropped."""
        match command:
            case Request(document=document, run=run):
                self._withdraw(document)
                self._requests[document] = command
                self._since_ms[document] = self._clock_ms()
                self._documents[run] = document
            case Update(run=run, limit_tokens=limit_tokens):
                if run in self._documents:
                    request = self._requests[self._documents[run]]
                    self._requests[request.document] = replace(
                        request, limit_tokens=max(request.limit_tokens, limit_tokens)
                    )
                elif run in self._sent_documents:
                    self._updates[run] = command
            case Stop(run=run, useful=useful):
                if run in self._documents:
                    # The request would have replaced the document's run before it; now nothing else will end that one.
                    document = self._documents[run]
                    self._withdraw(document)
                    run, useful = self._sent_runs.get(document, run), False
                if run in self._sent_documents:
                    self._updates.pop(run, None)
                    self._stops[run] = Stop(run, useful)
            case Forget(document=document):
                self._withdraw(document)
                run = self._sent_runs.pop(document, -1)
                if self._sent_documents.pop(run, None) is not None:
                    self._updates.pop(run, None)
                    self._stops.pop(run, None)
                    self._forgets[document] = command

    def take(self) -> list[Command]:
        """Everything that waits, in order; it counts as sent. Wishes say how long they waited."""
        commands: list[Command] = [*self._stops.values(), *self._forgets.values(), *self._updates.values()]
        now = self._clock_ms()
        for request in self._requests.values():
            commands.append(replace(request, waited_ms=now - self._since_ms[request.document]))
            self._sent_documents.pop(self._sent_runs.get(request.document, -1), None)
            self._sent_runs[request.document] = request.run
            self._sent_documents[request.run] = request.document
        self._requests.clear()
        self._since_ms.clear()
        self._documents.clear()
        self._updates.clear()
        self._stops.clear()
        self._forgets.clear()
        return commands

    def clear(self) -> None:
        """Drop everything, sent or not: the engine it was meant for is gone."""
        for kept in (
            self._requests,
            self._since_ms,
            self._documents,
            self._sent_runs,
            self._sent_documents,
            self._updates,
            self._stops,
            self._forgets,
        ):
            kept.clear()

    def _withdraw(self, document: int) -> None:
        request = self._requests.pop(document, None)
        if request is not None:
            del self._documents[request.run]
            del self._since_ms[document]
