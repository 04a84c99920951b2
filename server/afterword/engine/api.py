"""The one interface between the gateway and an engine: commands in, events out, token ids only.

Nothing here imports torch, and nothing above it may assume that the engine is in this process or on this machine.
A request carries its whole prompt, so an engine that lost its caches needs nothing else.

Every command, and every event of a run, names the `owner`, whose it is (shares of the engine are by owner);
the `document`, a number unique over all connections; and the `run`. Runs rise per document, and a document has one run
at a time: a request replaces the run before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# --- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What one document wants written.

    `tokens`: ids of the whole prompt, at least one.
    `heal`: bytes the writer already typed after the prompt; the first new tokens must reproduce them.
    `limit_tokens`: new tokens to write, not counting those that only reproduce `heal`; 0 only fills the cache.
    `alternatives`: texts to write side by side; at temperature 0 they part at their first token.
    `temperature`: 0 is greedy. `seed`: makes sampling repeatable.
    `waited_ms`: how long it was kept for an engine that was not ready to take it; counts as part of its wait.
    """

    owner: str
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
class RaiseLimit:
    """Let a run, active or paused, write `limit_tokens` in all; a lower limit than before changes nothing."""

    owner: str
    document: int
    run: int
    limit_tokens: int


@dataclass(frozen=True, slots=True)
class StopRun:
    """Drop a run at once; no event of it follows. `useful`: its text may yet be gone on with, by another request."""

    owner: str
    document: int
    run: int
    useful: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """Free what is held for a document."""

    owner: str
    document: int


Command = Request | RaiseLimit | StopRun | Forget

# --- events of runs --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The first new token of a run is next; says what the prompt cost (tokens) and how long it waited (ms)."""

    owner: str
    document: int
    run: int
    context: int
    reused: int
    computed: int
    queue_ms: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """One new token of one alternative, with its natural-log probability under the model (temperature 1)."""

    owner: str
    document: int
    run: int
    alternative: int
    token: int
    logprob: float


@dataclass(frozen=True, slots=True)
class Paused:
    """An alternative reached the run's limit; `RaiseLimit` lets it go on."""

    owner: str
    document: int
    run: int
    alternative: int


@dataclass(frozen=True, slots=True)
class Ended:
    """An alternative is over: `end` (the model ended the text), `busy` (no room), or `error` (`detail` says what)."""

    owner: str
    document: int
    run: int
    alternative: int
    reason: str
    detail: str = ""


RunEvent = Started | Sampled | Paused | Ended

# --- events of the engine ---------------------------------------------------------------------------------------------


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
    """What an engine counted since its last report: values by the names that `counters.Counters` declares.

    `engine`: which of several.
    """

    values: Mapping[str, float | list[float]]
    engine: int = 0


EngineEvent = RunEvent | Progress | Ready | Lost | PartLost | Failed | Measured
EventSink = Callable[[Sequence[EngineEvent]], None]


def ends_of(request: Request, reason: str, detail: str = "") -> list[Ended]:
    """The end of all alternatives of a request."""
    ends = []
    for alternative in range(request.alternatives):
        ends.append(Ended(request.owner, request.document, request.run, alternative, reason, detail))
    return ends


class Engine(Protocol):
    """Something that writes tokens. Calls never block; events arrive, in order, at the sink given to `open`.

    No event arrives while a call is under way. Every alternative of a run comes to its `Ended`, unless the run is
    stopped, replaced or forgotten, or the engine is lost.
    """

    async def open(self, sink: EventSink) -> None:
        """Start up; returns once starting is under way. `Ready` or `Failed` follows."""
        ...

    def submit(self, command: Command) -> None:
        """Take a command. Until `Ready`, each document's newest request waits; after `Failed`, it ends with `error`."""
        ...

    async def close(self) -> None:
        """Shut down and wait for it."""
        ...
