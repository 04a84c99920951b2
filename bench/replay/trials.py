"""Trials: writers open their documents at a server and type; servers take turns.

What lives here: everything that takes real time. What is tried is in `plan`, what comes of it in `outcomes`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from .. import prose
from ..processes import PeakMemory
from ..progress import ProgressLine
from .answers import Answer
from .editor import EditorText, Keystroke
from .outcomes import SOON_MS, UNFORESEEN, Load, Trial, figures, tokens_told
from .plan import BETWEEN_TRIALS_S, START_S, Group, ReplayPlan, groups, next_try, tokens_for, turns, worthwhile
from .rhythm import Rhythm
from .script import opening, script
from .server import Capacity, Description, Server, StartedServer, all_running
from .token_counter import TOLD_EACH_S, TokenCounts
from .typist import ClientKind, Typist

OPEN_WITHIN_S = 30.0  # one document
OPEN_ALL_WITHIN_S = 60.0
MOST_TRIES = 3  # in search of how many writers a server serves

CountTokens = Callable[[str], int]


@dataclass(slots=True)
class Results:
    """All trials so far, and in words what could not be tried.

    `starts_s`: how long servers took to start. `descriptions`: what each server is.
    """

    trials: list[Trial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    starts_s: dict[str, list[float]] = field(default_factory=dict)
    descriptions: dict[str, Description] = field(default_factory=dict)

    def of(self, server: str, load: Load) -> list[Trial]:
        """The trials of one load on one server."""
        return [trial for trial in self.trials if trial.server == server and trial.load == load]


class Trials:
    """Goes through a plan with some servers."""

    def __init__(
        self, plan: ReplayPlan, servers: Sequence[Server], progress: ProgressLine, count_tokens: CountTokens
    ) -> None:
        """`count_tokens`: of a text, with the model's tokenizer."""
        self._plan = plan
        self._servers = servers
        self._progress = progress
        self._count_tokens = count_tokens
        self._edition = 0  # counts trials, so that no two texts begin alike and none is in a cache
        self.results = Results()

    async def all(self) -> Results:
        """Everything planned."""
        for group in groups(self._plan):
            await self._group(group, [server for server in self._servers if server.most_writers >= group.writers])
        return self.results

    async def search(self, names: Sequence[str]) -> None:
        """Find out how many writers the servers of these names serve, from what was tried and a few tries more."""
        for server in self._servers:
            if server.name in names:
                for _ in range(MOST_TRIES):
                    writers = next_try(self.soon(server.name))
                    if writers is None or writers > server.most_writers:
                        break
                    load = self._plan.base(writers)
                    tokens = tokens_for(self._plan, [load])
                    tried = len(self.results.trials)
                    await self._group(Group(writers, tokens, ((load, 1),)), [server])
                    if len(self.results.trials) == tried:
                        break  # it could not be tried

    def soon(self, server: str) -> dict[int, bool]:
        """By number of writers, whether the 95th percentile was below the limit at the base."""
        numbers = {trial.load.writers for trial in self.results.trials if trial.server == server}
        trials = {writers: self.results.of(server, self._plan.base(writers)) for writers in numbers}
        return {writers: figures(of).p95_ms < SOON_MS for writers, of in trials.items() if of}

    async def _group(self, group: Group, servers: Sequence[Server]) -> None:
        capacity = Capacity(group.writers, group.context_tokens)
        async with all_running(servers, capacity, self._progress.say, self._skip) as running:
            self._progress.advance(START_S * len(servers))
            for server in running.values():
                self.results.descriptions[server.name] = server.description
                if server.start_s is not None:
                    self.results.starts_s.setdefault(server.name, []).append(server.start_s)
            for number, load, name in turns(group, list(running)):
                if worthwhile(self._plan, load, number, running[name].keeps_texts):
                    await self._try(running[name], load)
                    self._progress.advance(self._plan.seconds_of(load) + BETWEEN_TRIALS_S)

    async def _try(self, server: StartedServer, load: Load) -> None:
        server.resume()
        self._edition += 1
        try:
            trial = await run_trial(server, load, self._edition, self._plan.seconds_of(load), self._count_tokens)
        except (OSError, TimeoutError) as error:  # the server has gone, say
            self._skip(f"{server.name} failed with {_words(load)}: {type(error).__name__}")
            return
        self.results.trials.append(trial)
        got = figures([trial])
        self._progress.say(
            f"{server.name}: {_words(load)}: median {got.median_ms:.1f} ms, 95th percentile {got.p95_ms:.0f} ms, "
            f"{got.answered:.0%} of {got.keystrokes} answered" + (f", {got.faults} faults" if got.faults else "")
        )
        server.pause()

    def _skip(self, why: str) -> None:
        self.results.notes.append(why)
        self._progress.say(why)


@contextlib.asynccontextmanager
async def typists_at(
    server: StartedServer, load: Load, edition: int, seconds: float
) -> AsyncIterator[tuple[list[Typist], list[list[Keystroke]]]]:
    """Typists with a client each, and what each will type: it depends on load and writer only, not on the server."""
    texts = prose.texts()
    rhythm = Rhythm(load.gap_ms / 1000)
    typists, scripts = [], []
    async with contextlib.AsyncExitStack() as stack:
        for number in range(load.writers):
            before, to_type = opening(texts, number, load.context, edition)
            if load.text == UNFORESEEN:
                to_type = prose.unforeseen(to_type, seed=number)
            scripts.append(script(before, to_type, rhythm, seconds, seed=number))
            client = await server.client(number)
            stack.push_async_callback(client.close)
            typists.append(Typist(client, EditorText(before), ClientKind(load.client)))
        yield typists, scripts


async def type_all(typists: Sequence[Typist], scripts: Sequence[Sequence[Keystroke]], load: Load) -> None:
    """Have all type at the same time; their first keys are spread over a gap."""
    dice = random.Random(load.writers)
    delays = [dice.uniform(0, load.gap_ms / 1000) for _ in typists]
    await asyncio.gather(
        *(typist.type(keys, delay) for typist, keys, delay in zip(typists, scripts, delays, strict=True))
    )


async def open_all(typists: Sequence[Typist]) -> list[float | None]:
    """Open all documents, one after another, so that each time is that of one document alone."""
    until = perf_counter() + OPEN_ALL_WITHIN_S
    return [await typist.open(max(0.0, min(OPEN_WITHIN_S, until - perf_counter()))) for typist in typists]


async def run_trial(
    server: StartedServer, load: Load, edition: int, seconds: float, count_tokens: CountTokens
) -> Trial:
    """One load on one server."""
    async with typists_at(server, load, edition, seconds) as (typists, scripts):
        load_average = os.getloadavg()[0]
        counted = await server.counter.read() if server.counter is not None else None
        tree = server.tree
        peak = PeakMemory(lambda: [tree.memory_mib()]) if tree is not None else None
        async with peak.watching() if peak is not None else contextlib.nullcontext():
            openings = await open_all(typists)
            cpu_s = tree.cpu_s() if tree is not None else 0.0
            await type_all(typists, scripts, load)
            cpu_s = tree.cpu_s() - cpu_s if tree is not None else 0.0
    await server.rest()
    answers = [answer for typist in typists for answer in typist.answers[1:]]
    spent = await _tokens_since(server, counted, [typist.answers[0] for typist in typists])
    computed = _whole(spent.computed) if spent.computed is not None else tokens_told([one.computed for one in answers])
    written = _whole(spent.written) if spent.written is not None else tokens_told([one.written for one in answers])
    received = None if written is not None else sum(count_tokens(answer.text) for answer in answers if answer.text)
    return Trial(
        server=server.name,
        load=load,
        outcomes=[outcome for typist in typists for outcome in typist.outcomes],
        openings_ms=openings,
        tokens=computed,
        cpu_s=cpu_s if tree is not None else None,
        peak_mib=peak.most_mib[0] if peak is not None else None,
        faults=sum(bool(answer.fault) for answer in answers),
        load_average=load_average,
        written=written if received is None else received,
        ahead=_whole(spent.ahead),
        counted_by_client=received is not None,
    )


async def _tokens_since(server: StartedServer, before: TokenCounts | None, first: Sequence[Answer]) -> TokenCounts:
    """Tokens that a server has counted since `before`, less those for opening the documents."""
    if server.counter is None or before is None:
        return TokenCounts(None, None, None)
    await asyncio.sleep(TOLD_EACH_S)
    now = await server.counter.read()
    if now is None:
        return TokenCounts(None, None, None)
    spent = now.since(before)
    return TokenCounts(
        _less(spent.computed, sum(answer.computed or 0 for answer in first)),
        _less(spent.written, sum(answer.written or 0 for answer in first)),
        spent.ahead,
    )


def _less(tokens: float | None, others: int) -> float | None:
    return None if tokens is None else max(0.0, tokens - others)


def _whole(tokens: float | None) -> int | None:
    return None if tokens is None else round(tokens)


def _words(load: Load) -> str:
    writers = f"{load.writers} writer{'' if load.writers == 1 else 's'}"
    return f"{writers}, {load.text}, {load.context} characters, {load.gap_ms} ms, {load.client}"
