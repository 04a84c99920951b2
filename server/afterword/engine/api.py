"""The one interface between the gateway and an engine: requests in, events out, token ids only.

Nothing here imports torch, and nothing above it may assume that the engine is in this process or on this machine.
A request carries its whole prompt, so an engine that lost its caches needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """What one document wants written; the newest request of a document replaces the one before.

    `document`: key of the document, unique over all connections.
    `run`: number of this request, unique and rising; events carry it.
    `tokens`: ids of the whole prompt, at least one.
    `heal`: bytes the writer already typed after the prompt; the first new tokens must reproduce them.
    `limit_tokens`: new tokens to write, not counting those that only reproduce `heal`; 0 only fills the cache.
    `alternatives`: texts to write side by side; at temperature 0 they part at their first token.
    `temperature`: 0 is greedy. `seed`: makes sampling repeatable.
    `waited_ms`: how long it was kept for an engine that was not ready to take it; counts as part of its wait.
    """

    document: int
    run: int
    tokens: Sequence[int]
    heal: bytes = b""
    limit_tokens: int = 24
    alternatives: int = 1
    temperature: float = 0.0
    seed: int | None = None
    waited_ms: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Started:
    """The first new token of a run is next; says what the prompt cost (tokens) and how long it waited (ms)."""

    run: int
    context: int
    reused: int
    computed: int
    queue_ms: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """One new token of one alternative, with its natural-log probability under the model (temperature 1)."""

    run: int
    alternative: int
    token: int
    logprob: float


@dataclass(frozen=True, slots=True)
class Paused:
    """An alternative reached the run's limit; `update` with a higher one lets it go on."""

    run: int
    alternative: int


@dataclass(frozen=True, slots=True)
class Ended:
    """An alternative is over: `end` (the model ended the text), `busy` (no room), or `error` (`detail` says what)."""

    run: int
    alternative: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the engine is doing before it is ready: a stage in words, and how far it is (0 to 1) if known."""

    stage: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine answers requests from now on. `context_tokens`: longest prompt; `device`, `dtype`: where and how.

    `engine`: which of several.
    """

    model: str
    context_tokens: int
    slots: int
    device: str
    dtype: str
    engine: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """The engine died: all its runs are over and its caches gone; it is being started again. `detail` says why.

    `engine`: which of several, the last one that lived.
    """

    detail: str
    engine: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine cannot start, for the reason in `detail`; it is not tried again (the model is refused or missing)."""

    detail: str


@dataclass(frozen=True, slots=True)
class PartLost:
    """One of several engines died, and is being started again or not; the others go on. Its runs have ended."""

    engine: int
    detail: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What an engine did since it told last, in numbers; see `measures`, where the ranges are named.

    `slots`, `used`: places for documents, and those taken. `waiting`: documents that wait for one. `steps`, and of them
    `dropped` (given up midway) and `failures`; `rows` of all steps, and of them `wasted` (nobody wanted them any more).
    `evictions`: documents that lost their place. `proposed`: tokens guessed and computed, of which `accepted` were
    right; `ahead`: rows computed before anybody asked for them. `took_s`: time of all steps; `times`, `sizes`: steps by
    range of time and of rows. `engine`: which of several.
    """

    slots: int
    used: int
    waiting: int
    steps: int
    rows: int
    wasted: int
    dropped: int
    failures: int
    evictions: int
    proposed: int
    accepted: int
    ahead: int
    took_s: float
    times: Sequence[int]
    sizes: Sequence[int]
    engine: int = 0


SequenceEvent = Started | Sampled | Paused | Ended
EngineEvent = SequenceEvent | Progress | Ready | Lost | PartLost | Failed | Measured
EventSink = Callable[[Sequence[EngineEvent]], None]


class Engine(Protocol):
    """Something that writes tokens. Calls never block; events arrive, in order, at the sink given to `open`."""

    async def open(self, sink: EventSink) -> None:
        """Start up; returns once starting is under way. `Ready` or `Failed` follows."""
        ...

    def start(self, request: Request) -> None:
        """Take a request; it replaces the document's earlier one.

        Until `Ready` each document's newest request waits.
        """
        ...

    def update(self, run: int, limit_tokens: int) -> None:
        """Raise the limit of a run, running or paused."""
        ...

    def stop(self, run: int, useful: bool = False) -> None:
        """Drop a run at once; no event of it follows.

        `useful`: its text may yet be gone on with, by another request.
        """
        ...

    def forget(self, document: int) -> None:
        """Free what is held for a document."""
        ...

    async def close(self) -> None:
        """Shut down and wait for it."""
        ...
