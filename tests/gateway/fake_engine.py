"""An engine that writes what it is told to write, in this process and without a model. For these tests only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from afterword.engine.api import (
    Command,
    Ended,
    EngineEvent,
    EventSink,
    Failed,
    Forget,
    Lost,
    Paused,
    Progress,
    RaiseLimit,
    Ready,
    Request,
    Sampled,
    Started,
    StopRun,
    ends_of,
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
        self.stopped: list[StopRun] = []
        self.forgotten: list[int] = []
        self.runs: dict[int, Run] = {}  # newest of each document
        self.closed = False
        self._ready = ready
        self._refusal: str | None = None
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

    def submit(self, command: Command) -> None:
        match command:
            case Request():
                self._begin(command)
            case RaiseLimit(document=document, limit_tokens=limit_tokens):
                found = self._find(command)
                if found is not None:
                    found.limit_tokens = limit_tokens
                    if self.automatic:
                        asyncio.get_running_loop().call_soon(self.write, found.request)
            case StopRun(document=document):
                self.stopped.append(command)
                if self._find(command) is not None:
                    del self.runs[document]
            case Forget(document=document):
                self.forgotten.append(document)
                self.runs.pop(document, None)

    def _begin(self, request: Request) -> None:
        self.requests.append(request)
        if self._refusal is not None:
            asyncio.get_running_loop().call_soon(self.emit, *ends_of(request, "error", self._refusal))
            return
        heal = request.heal.decode()
        tokens = [self._vocabulary.encode(heal + self._text(each)) for each in range(request.alternatives)]
        self.runs[request.document] = Run(request, request.limit_tokens, tokens, [0] * request.alternatives)
        self._made.set()
        if self.automatic:
            asyncio.get_running_loop().call_soon(self.write, request)

    # --- what tests do ---

    def emit(self, *events: EngineEvent) -> None:
        assert self._sink is not None
        self._sink(events)

    def lose(self, detail: str = "it was killed") -> None:
        """Die; `come_back` follows."""
        self.runs.clear()
        self.emit(Lost(detail), Progress("starting again"))

    def come_back(self) -> None:
        """Be there again."""
        self.emit(READY)

    def fail(self, detail: str = "the model is refused") -> None:
        """Say that there will be no text, and end what waits for some."""
        self._refusal = detail
        self.emit(Failed(detail))
        for run in self.runs.values():
            self.emit(*ends_of(run.request, "error", detail))
        self.runs.clear()

    async def requested(self) -> Request:
        """The newest request for text, waited for if there is none yet."""
        while not any(request.limit_tokens for request in self.requests):
            self._made.clear()
            await self._made.wait()
        return [request for request in self.requests if request.limit_tokens][-1]

    def write(self, request: Request, count: int | None = None) -> None:
        """Write `count` tokens for a request, or all that it may have; nothing if its run is gone.

        Tokens that only repeat what the writer had typed do not count.
        """
        run = self._find(request)
        names = (request.owner, request.document, request.run)
        if run is None or not run.request.limit_tokens:
            return
        events: list[EngineEvent] = []
        if not run.started:
            length = len(run.request.tokens)
            events.append(Started(*names, length, length - 1, 1, 0.5))
            run.started = True
        for alternative, tokens in enumerate(run.tokens):
            repeated = self._repeated(run.request.heal, tokens)
            last = min(len(tokens), run.limit_tokens + repeated)
            until = last if count is None else min(last, max(run.written[alternative], repeated) + count)
            events += [Sampled(*names, alternative, token, -0.25) for token in tokens[run.written[alternative] : until]]
            run.written[alternative] = until
            if until == len(tokens):
                events.append(Ended(*names, alternative, "end"))
            elif until == last:
                events.append(Paused(*names, alternative))
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

    def _find(self, command: Request | RaiseLimit | StopRun) -> Run | None:
        found = self.runs.get(command.document)
        return found if found is not None and found.request.run == command.run else None
