"""Runs: writers are seated at a server, open their documents and type; servers take turns.

What lives here: everything that takes real time. What is run is in `plan`, what comes of it in `tally`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .. import prose
from ..processes import NotStarted, Peak
from .answers import Answer
from .hosts import Host, Peer, Room
from .meter import TOLD_EACH_S
from .page import Page
from .plan import Group, Wishes, groups, next_try, tokens_for, turns
from .rhythm import Rhythm
from .script import opening, script
from .tally import SOON_MS, Load, Run, figures, tokens_told
from .writer import Client, Writer

OPEN_WITHIN_S = 30.0  # one document
OPEN_ALL_WITHIN_S = 60.0
SETTLE_WITHIN_S = 20.0
QUIET_SHARE = 0.1  # of a core, below which a server has nothing left to do
QUIET_LOOK_S = 0.3
MOST_TRIES = 3  # in search of how many writers a server serves

Tell = Callable[[str], None]


@dataclass(slots=True)
class Results:
    """All runs so far, and in words what could not be run. `starts_s`: how long servers took to start."""

    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    starts_s: dict[str, list[float]] = field(default_factory=dict)

    def of(self, server: str, load: Load) -> list[Run]:
        """The runs of one load on one server."""
        return [run for run in self.runs if run.server == server and run.load == load]


class Rounds:
    """Goes through a plan with some servers."""

    def __init__(self, requests: Wishes, peers: Sequence[Peer], tell: Tell) -> None:
        self._requests = requests
        self._peers = peers
        self._tell = tell
        self._edition = 0  # counts runs, so that no two texts begin alike and none is in a cache
        self.results = Results()

    async def all(self) -> Results:
        """Everything planned."""
        for group in groups(self._requests):
            await self._group(group, [peer for peer in self._peers if peer.most_writers >= group.writers])
        return self.results

    async def search(self, names: Sequence[str]) -> None:
        """Find out how many writers the servers of these names serve, from what was run and a few tries more."""
        for peer in self._peers:
            if peer.name in names:
                for _ in range(MOST_TRIES):
                    writers = next_try(self.soon(peer.name))
                    if writers is None or writers > peer.most_writers:
                        break
                    load = self._requests.base(writers)
                    tokens = tokens_for(self._requests, [load])
                    tried = len(self.results.runs)
                    await self._group(Group(writers, tokens, ((load, 1),)), [peer])
                    if len(self.results.runs) == tried:
                        break  # it could not be run

    def soon(self, server: str) -> dict[int, bool]:
        """By number of writers, whether the 95th percentile was below the limit at the base."""
        numbers = {run.load.writers for run in self.results.runs if run.server == server}
        runs = {writers: self.results.of(server, self._requests.base(writers)) for writers in numbers}
        return {writers: figures(of).p95_ms < SOON_MS for writers, of in runs.items() if of}

    async def _group(self, group: Group, peers: Sequence[Peer]) -> None:
        room = Room(group.writers, group.context_tokens)
        async with contextlib.AsyncExitStack() as stack:
            hosts: dict[str, Host] = {}
            for peer in peers:
                self._tell(f"starting {peer.name} for {_writers(group.writers)}")
                try:
                    host = await stack.enter_async_context(peer.serve(room))
                    await _warm(host)
                except (NotStarted, TimeoutError, OSError) as error:
                    self._skip(f"{peer.name} could not be run: {error or 'it did not start in time'}")
                    continue
                if host.start_s is not None:
                    self.results.starts_s.setdefault(host.name, []).append(host.start_s)
                hosts[host.name] = host
                await rest(host)
                host.pause()
            for number, load, name in turns(group, list(hosts)):
                if _worthwhile(hosts[name], load, number, self._requests):
                    await self._run(hosts[name], load)
            for host in hosts.values():
                host.resume()

    async def _run(self, host: Host, load: Load) -> None:
        host.resume()
        self._edition += 1
        try:
            run = await run_once(host, load, self._edition, self._requests.seconds_of(load))
        except (OSError, TimeoutError) as error:  # the server has gone, say
            self._skip(f"{host.name} failed with {_words(load)}: {type(error).__name__}")
            return
        self.results.runs.append(run)
        got = figures([run])
        self._tell(
            f"{host.name}: {_words(load)}: median {got.median_ms:.1f} ms, 95th percentile {got.p95_ms:.0f} ms, "
            f"{got.answered:.0%} of {got.keystrokes} answered" + (f", {got.faults} faults" if got.faults else "")
        )
        host.pause()

    def _skip(self, why: str) -> None:
        self.results.notes.append(why)
        self._tell(why)


async def run_once(host: Host, load: Load, edition: int, seconds: float) -> Run:
    """One load on one server. Scripts depend on load and writer only, so that all servers get the same."""
    texts = prose.texts()
    rhythm = Rhythm(load.gap_ms / 1000)
    writers, scripts = [], []
    dice = random.Random(load.writers)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(load.writers):
            before, to_type = opening(texts, number, load.context, edition)
            scripts.append(script(before, to_type, rhythm, seconds, seed=number))
            seat = await host.seat(number)
            stack.push_async_callback(seat.close)
            writers.append(Writer(seat, Page(before), Client(load.client)))
        load_average = os.getloadavg()[0]
        metered = await host.meter.read() if host.meter is not None else None
        peak = Peak(host.family) if host.family is not None else None
        if peak is not None:
            await stack.enter_async_context(peak.watching())
        openings = await _open_all(writers)
        cpu_s = host.family.cpu_s() if host.family is not None else 0.0
        delays = [dice.uniform(0, load.gap_ms / 1000) for _ in writers]
        await asyncio.gather(
            *(writer.type(keys, delay) for writer, keys, delay in zip(writers, scripts, delays, strict=True))
        )
        cpu_s = host.family.cpu_s() - cpu_s if host.family is not None else 0.0
    await rest(host)
    answers = [answer for writer in writers for answer in writer.answers[1:]]
    first = [writer.answers[0] for writer in writers]
    return Run(
        server=host.name,
        load=load,
        outcomes=[outcome for writer in writers for outcome in writer.outcomes],
        openings_ms=openings,
        tokens=await _tokens(host, metered, first) or tokens_told([answer.tokens for answer in answers]),
        cpu_s=cpu_s if host.family is not None else None,
        peak_mib=peak.mib if peak is not None else None,
        faults=sum(bool(answer.fault) for answer in answers),
        load_average=load_average,
    )


async def rest(host: Host) -> None:
    """Wait until a server has nothing left to do, or for a while if it never rests."""
    until = time.perf_counter() + SETTLE_WITHIN_S
    await asyncio.sleep(QUIET_LOOK_S)
    while host.family is not None and time.perf_counter() < until:
        spent_s = host.family.cpu_s()
        await asyncio.sleep(QUIET_LOOK_S)
        if host.family.cpu_s() - spent_s < QUIET_SHARE * QUIET_LOOK_S:
            return


async def _tokens(host: Host, before: float | None, first: Sequence[Answer]) -> int | None:
    """Tokens that a server has computed since its meter was read, less those for opening; None if it does not tell."""
    if host.meter is None or before is None:
        return None
    await asyncio.sleep(TOLD_EACH_S)
    now = await host.meter.read()
    return None if now is None else max(0, round(now - before) - sum(answer.tokens or 0 for answer in first))


async def _open_all(writers: Sequence[Writer]) -> list[float | None]:
    """Open all documents, one after another, so that each time is that of one document alone."""
    until = time.perf_counter() + OPEN_ALL_WITHIN_S
    return [await writer.open(max(0.0, min(OPEN_WITHIN_S, until - time.perf_counter()))) for writer in writers]


async def _warm(host: Host) -> None:
    """Have a server do once what only the first request costs."""
    seat = await host.seat(0)
    await Writer(seat, Page("Before anything is measured, "), Client.PLAIN).open(OPEN_WITHIN_S)
    await seat.close()


def _worthwhile(host: Host, load: Load, number: int, requests: Wishes) -> bool:
    """Servers that keep no place for a writer are tried at the base only, and once; they are far behind."""
    return host.keeps_places or (number == 0 and load == requests.base(load.writers))


def _words(load: Load) -> str:
    return f"{_writers(load.writers)}, {load.context} characters, {load.gap_ms} ms, {load.client}"


def _writers(count: int) -> str:
    return f"{count} writer{'' if count == 1 else 's'}"
