"""An engine that writes what it is told to write, in this process and without a model. For these tests only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from afterword.engine.api import (
    Ended,
    EngineEvent,
    EventSink,
    Failed,
    Lost,
    Paused,
    Progress,
    Ready,
    Request,
    Sampled,
    Started,
)
from afterword.text.vocabulary import Vocabulary

READY = Ready("scripted", 2048, 4, "cpu", "float32")


@dataclass
class Run:
    """A request that is being written.

    `tokens[k]`: what alternative k will say; `written[k]`: how much of it it has.
    """

    request: Request
    limit_tokens: int
    tokens: list[list[int]]
    written: list[int] = field(default_factory=list)
    started: bool = False


class FakeEngine:
    """Continues every text with `texts` (one for each alternative, repeated as needed), then ends it.

    With `automatic` it writes at once all that a request allows; else when a test calls `write`. `ready` false makes it
    say nothing until a test calls `emit`.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        texts: Sequence[str] = (" jumps over the lazy dog",),
        *,
        automatic: bool = True,
        ready: bool = True,
    ) -> None:
        self.texts = texts
        self.automatic = automatic
        self.requests: list[Request] = []  # all that were ever made
        self.stopped: list[int] = []
        self.forgotten: list[int] = []
        self.runs: dict[int, Run] = {}  # newest of each document
        self.closed = False
        self._ready = ready
        self._vocabulary = vocabulary
        self._sink: EventSink | None = None
        self._made = asyncio.Event()

    async def open(self, sink: EventSink) -> None:
        self._sink = sink
        if self._ready:
            self.emit(READY)
        else:
            self.emit(Progress("warming up", 0.25))

    async def close(self) -> None:
        self.closed = True

    def start(self, request: Request) -> None:
        self.requests.append(request)
        heal = request.heal.decode()
        tokens = [self._vocabulary.encode(heal + self._text(each)) for each in range(request.alternatives)]
        self.runs[request.document] = Run(request, request.limit_tokens, tokens, [0] * request.alternatives)
        self._made.set()
        if self.automatic:
            asyncio.get_running_loop().call_soon(self.write, request.run)

    def update(self, run: int, limit_tokens: int) -> None:
        found = self._find(run)
        if found is not None:
            found.limit_tokens = limit_tokens
            if self.automatic:
                asyncio.get_running_loop().call_soon(self.write, run)

    def stop(self, run: int, useful: bool = False) -> None:
        self.stopped.append(run)
        found = self._find(run)
        if found is not None:
            del self.runs[found.request.document]

    def forget(self, document: int) -> None:
        self.forgotten.append(document)
        self.runs.pop(document, None)

    # --- what tests do ---

    def emit(self, *events: EngineEvent) -> None:
        assert self._sink is not None
        self._sink(events)

    def lose(self, detail: str = "it was killed") -> None:
        """Die, and come back at once."""
        self.runs.clear()
        self.emit(Lost(detail), Progress("starting again"))
        self.emit(READY)

    def fail(self, detail: str = "the model is refused") -> None:
        self.emit(Failed(detail))

    async def requested(self) -> Request:
        """The newest request for text, waited for if there is none yet."""
        while not any(request.limit_tokens for request in self.requests):
            self._made.clear()
            await self._made.wait()
        return [request for request in self.requests if request.limit_tokens][-1]

    def write(self, number: int, count: int | None = None) -> None:
        """Write `count` tokens of a run, or all that it may have; nothing if the run is gone.

        Tokens that only repeat what the writer had typed do not count.
        """
        run = self._find(number)
        if run is None or not run.request.limit_tokens:
            return
        events: list[EngineEvent] = []
        if not run.started:
            length = len(run.request.tokens)
            events.append(Started(number, length, length - 1, 1, 0.5))
            run.started = True
        for alternative, tokens in enumerate(run.tokens):
            repeated = self._repeated(run.request.heal, tokens)
            last = min(len(tokens), run.limit_tokens + repeated)
            until = last if count is None else min(last, max(run.written[alternative], repeated) + count)
            events += [Sampled(number, alternative, token, -0.25) for token in tokens[run.written[alternative] : until]]
            run.written[alternative] = until
            if until == len(tokens):
                events.append(Ended(number, alternative, "end"))
            elif until == last:
                events.append(Paused(number, alternative))
        self.emit(*events)

    def _text(self, alternative: int) -> str:
        return self.texts[alternative % len(self.texts)]

    def _repeated(self, heal: bytes, tokens: list[int]) -> int:
        """How many tokens only repeat what the writer had typed."""
        spelled = 0
        for count, token in enumerate(tokens):
            spelled += len(self._vocabulary.spell([token]))
            if spelled > len(heal):
                return count
        return len(tokens)

    def _find(self, number: int) -> Run | None:
        return next((run for run in self.runs.values() if run.request.run == number), None)
