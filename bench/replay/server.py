"""A server as the replay sees it: capacity asked for, clients given; and what starting one over HTTP takes.

What lives here: nothing about any one server; those are in `servers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from ..processes import START_WITHIN_S, NotStarted, ProcessTree, running, tree_at
from .editor import EditorText
from .token_counter import TokenCounter
from .typist import ClientKind, ServerClient, Typist

LOCAL = ("localhost", "127.0.0.1", "::1")
UNKNOWN = "unknown"
WARM_UP_WITHIN_S = 30.0
SETTLE_WITHIN_S = 20.0
QUIET_SHARE = 0.1  # of a core, below which a server has nothing left to do
QUIET_LOOK_S = 0.3


@dataclass(frozen=True, slots=True)
class Capacity:
    """So many writers, each with a text of so many tokens: for servers that must be told before they start."""

    writers: int
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Description:
    """What runs: the precision of its weights, its version, and how it was started, in words."""

    precision: str = UNKNOWN
    version: str = UNKNOWN
    started: str = UNKNOWN

    @property
    def precision_and_version(self) -> str:
        """Both, for a cell of a table."""
        return f"{self.precision}; {self.version}"


@dataclass(frozen=True, slots=True)
class StartedServer:
    """A server that answers.

    `client`: gives the writer of a number a client. `tree`: its processes, None if they are elsewhere.
    `ours`: whether the benchmark started it, and so may pause it. `keeps_texts`: whether it keeps writers' texts from
    one request to the next. `counter`: reads the tokens it has computed, if it tells.
    """

    name: str
    client: Callable[[int], Awaitable[ServerClient]]
    tree: ProcessTree | None
    description: Description = field(default_factory=Description)
    ours: bool = False
    start_s: float | None = None
    keeps_texts: bool = True
    counter: TokenCounter | None = None

    def pause(self) -> None:
        """Let it do nothing at all while others are measured."""
        if self.ours and self.tree is not None:
            self.tree.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self.ours and self.tree is not None:
            self.tree.signal(signal.SIGCONT)

    async def rest(self) -> None:
        """Wait until it has nothing left to do, or for a while if it never rests."""
        until = time.perf_counter() + SETTLE_WITHIN_S
        await asyncio.sleep(QUIET_LOOK_S)
        while self.tree is not None and time.perf_counter() < until:
            spent_s = self.tree.cpu_s()
            await asyncio.sleep(QUIET_LOOK_S)
            if self.tree.cpu_s() - spent_s < QUIET_SHARE * QUIET_LOOK_S:
                return


class Server(Protocol):
    """A server that can be had.

    `most_writers`: how many it is worth trying with. `keeps_texts`: whether it keeps writers' texts from one request to
    the next.
    """

    name: str
    most_writers: int
    keeps_texts: bool

    def serve(self, capacity: Capacity) -> contextlib.AbstractAsyncContextManager[StartedServer]:
        """Have it run while the context lasts. Raises NotStarted, TimeoutError."""
        ...


@contextlib.asynccontextmanager
async def all_running(
    servers: Sequence[Server], capacity: Capacity, say: Callable[[str], None], skip: Callable[[str], None]
) -> AsyncIterator[dict[str, StartedServer]]:
    """Start servers, warm each up and pause it. `skip` is told in words what could not be started."""
    async with contextlib.AsyncExitStack() as stack:
        started: dict[str, StartedServer] = {}
        for server in servers:
            say(f"starting {server.name}")
            try:
                running_server = await stack.enter_async_context(server.serve(capacity))
                await _warm_up(running_server)
            except (NotStarted, TimeoutError, OSError) as error:
                skip(f"{server.name} could not be run: {error or 'it did not start in time'}")
                continue
            started[running_server.name] = running_server
            await running_server.rest()
            running_server.pause()
        try:
            yield started
        finally:
            for running_server in started.values():
                running_server.resume()


async def _warm_up(server: StartedServer) -> None:
    """Have a server do once what only the first request costs."""
    client = await server.client(0)
    await Typist(client, EditorText("Before anything is measured, "), ClientKind.PLAIN).open(WARM_UP_WITHIN_S)
    await client.close()


@contextlib.asynccontextmanager
async def answering(command: Sequence[str], url: str) -> AsyncIterator[tuple[ProcessTree, float]]:
    """Start a program; gives its processes once a page of it is there, with the seconds that took."""
    began = time.perf_counter()
    async with running(command) as program:
        async with asyncio.timeout(START_WITHIN_S):
            await program.until_answers(url)
        yield program.tree, time.perf_counter() - began


def tree_of(url: str) -> ProcessTree | None:
    """The processes behind an address on this machine."""
    address = urlsplit(url)
    if address.hostname not in LOCAL or address.port is None:
        return None
    return tree_at(address.port)
