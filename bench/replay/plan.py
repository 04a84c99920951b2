"""What is run, in which order: pure, from the requests of the command line.

Every number of writers types at the base: the first gap, context and client named. Further gaps and clients are tried
with few and with several writers, further contexts with the fewest. The servers of a group of runs take turns, and the
order of turns is reversed from round to round, so that what changes on the machine meanwhile falls on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .tally import Load

SEVERAL_WRITERS = 8
FEW_WRITERS = 4  # fewer than these type twice as long, for as good a median
CHARACTERS_PER_TOKEN = 3  # or more, in prose
TYPED_CHARACTERS_PER_S = 25  # at most, pastes included
TOKENS_STEP = 256
NEAR = 1.2  # a search for how many writers are served ends when the two sides are this near


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be tried. The first gap, context and client are the base."""

    writers: tuple[int, ...] = (1, 4, 8, 16, 32, 64)
    gaps_ms: tuple[int, ...] = (200, 120)
    contexts: tuple[int, ...] = (300, 1000, 2000, 4000, 8000)
    clients: tuple[str, ...] = ("plain", "clever")
    seconds: float = 10.0
    rounds: int = 2

    def base(self, writers: int) -> Load:
        """The base, with so many writers."""
        return Load(writers, self.contexts[0], self.gaps_ms[0], self.clients[0])

    def seconds_of(self, load: Load) -> float:
        """How long a load is typed."""
        return self.seconds * (2 if load.writers < FEW_WRITERS and load.context == self.contexts[0] else 1)


@dataclass(frozen=True, slots=True)
class Group:
    """Loads of as many writers, each with its rounds, tried on servers that are started once for all of them."""

    writers: int
    context_tokens: int
    loads: tuple[tuple[Load, int], ...]


def groups(requests: Wishes) -> list[Group]:
    """All runs, by number of writers."""
    fewest = min(requests.writers)
    varied = {fewest, SEVERAL_WRITERS} & set(requests.writers)
    planned = []
    for writers in sorted(set(requests.writers)):
        base = requests.base(writers)
        loads = [(base, requests.rounds)]
        if writers in varied:
            loads += [(Load(writers, base.context, gap, base.client), 1) for gap in requests.gaps_ms[1:]]
            loads += [(Load(writers, base.context, base.gap_ms, client), 1) for client in requests.clients[1:]]
        if writers == fewest:
            loads += [(Load(writers, context, base.gap_ms, base.client), 1) for context in requests.contexts[1:]]
        planned.append(Group(writers, tokens_for(requests, [load for load, _ in loads]), tuple(loads)))
    return planned


def tokens_for(requests: Wishes, loads: Sequence[Load]) -> int:
    """How long the texts of some loads may get, in tokens, generously."""
    longest = max(load.context + TYPED_CHARACTERS_PER_S * requests.seconds_of(load) for load in loads)
    return TOKENS_STEP * math.ceil(longest / CHARACTERS_PER_TOKEN / TOKENS_STEP)


def turns(group: Group, servers: Sequence[str]) -> list[tuple[int, Load, str]]:
    """Round, load and server of each run of a group, in order."""
    order = []
    for number in range(max(rounds for _, rounds in group.loads)):
        for at, (load, rounds) in enumerate(group.loads):
            if number < rounds:
                straight = (number + at) % 2 == 0
                order += [(number, load, server) for server in (servers if straight else reversed(servers))]
    return order


def served(soon: Mapping[int, bool]) -> int:
    """The greatest number of writers that was served, as all smaller ones tried were; 0 if the smallest was not."""
    most = 0
    for writers in sorted(soon):
        if not soon[writers]:
            break
        most = writers
    return most


def next_try(soon: Mapping[int, bool]) -> int | None:
    """The number of writers to try next in search of the greatest that is served; None if it is known well enough."""
    most = served(soon)
    missed = [writers for writers in soon if not soon[writers] and writers > most]
    if not most or not missed or min(missed) <= max(most + 1, most * NEAR):
        return None
    return (most + min(missed)) // 2
