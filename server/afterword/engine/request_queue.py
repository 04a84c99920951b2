"""Commands that wait for a worker process, which may be loading, starting again, or slow to read.

What lives here: a pure queue with the rule that matters while nobody reads it: of each document, only what holds now is
worth sending. So the queue grows with the number of documents, not with the time that has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from afterword.clock import now_ms
from afterword.engine.api import Command, Forget, RaiseLimit, Request, StopRun


class RequestQueue:
    """Commands in the order in which the worker is to get them, and the newest run of each document that it got."""

    def __init__(self, clock_ms: Callable[[], float] = now_ms) -> None:
        self._clock_ms = clock_ms
        self._sent_runs: dict[int, int] = {}  # newest run that the worker got, by document
        self._forgets: dict[int, Forget] = {}  # waiting, by document; they go out first
        self._waiting: dict[int, Request | RaiseLimit | StopRun] = {}  # newest of each document, oldest document first
        self._since_ms: dict[int, float] = {}  # when each waiting request came, by document

    def put(self, command: Command) -> None:
        """Add a command and fold it into what waits. One about a run that is over everywhere is dropped."""
        document = command.document
        waiting = self._waiting.get(document)
        if isinstance(command, Request):
            self._waiting.pop(document, None)
            self._waiting[document] = command
            self._since_ms[document] = self._clock_ms()
        elif isinstance(command, Forget):
            self._waiting.pop(document, None)
            if self._sent_runs.pop(document, None) is not None:
                self._forgets[document] = command
        elif isinstance(command, RaiseLimit):
            if isinstance(waiting, Request | RaiseLimit) and waiting.run == command.run:
                limit_tokens = max(waiting.limit_tokens, command.limit_tokens)
                self._waiting[document] = replace(waiting, limit_tokens=limit_tokens)
            elif waiting is None and self._sent_runs.get(document) == command.run:
                self._waiting[document] = command
        else:
            sent_run = self._sent_runs.get(document)
            if isinstance(waiting, Request) and waiting.run == command.run:
                # The request would have replaced the document's run before it; now nothing else will end that one.
                del self._waiting[document]
                if sent_run is not None:
                    self._waiting[document] = replace(command, run=sent_run, useful=False)
            elif sent_run == command.run and not isinstance(waiting, Request):
                self._waiting[document] = command

    def take(self) -> list[Command]:
        """Everything that waits, in order; it counts as sent. Requests say how long they waited."""
        now_ms = self._clock_ms()
        commands: list[Command] = [*self._forgets.values()]
        for document, command in self._waiting.items():
            if isinstance(command, Request):
                self._sent_runs[document] = command.run
                commands.append(replace(command, waited_ms=now_ms - self._since_ms[document]))
            else:
                commands.append(command)
        self._forgets.clear()
        self._waiting.clear()
        self._since_ms.clear()
        return commands

    def sent(self, command: Command) -> None:
        """Take note of a command that went to the worker at once, while nothing waited."""
        if isinstance(command, Request):
            self._sent_runs[command.document] = command.run
        elif isinstance(command, Forget):
            self._sent_runs.pop(command.document, None)

    def clear(self) -> None:
        """Drop everything, sent or not: the worker that it was meant for is gone."""
        self._sent_runs.clear()
        self._forgets.clear()
        self._waiting.clear()
        self._since_ms.clear()
