"""What is measured, in which order: pure, from the command line.

Every number of writers types at the base: the first gap, context and client named, in prose. Text that nobody foresees
is typed by few and by several writers as often as prose is. Further gaps and clients are tried with the same numbers of
writers, further contexts with the fewest. The servers of a group take turns, and the order of turns is reversed from
round to round, so that what changes on the machine meanwhile falls on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .outcomes import UNFORESEEN, Load

SEVERAL_WRITERS = 8
FEW_WRITERS = 4  # fewer than these type twice as long, for as good a median
CHARACTERS_PER_TOKEN = 3  # or more, in prose
UNFORESEEN_CHARACTERS_PER_TOKEN = 1  # at the worst
TYPED_CHARACTERS_PER_S = 25  # at most, pastes included
TOKENS_STEP = 256
NEAR = 1.2  # a search for how many writers are served ends when the two sides are this near
BETWEEN_TRIALS_S = 4.0  # for opening documents and coming to rest, without what opening long texts takes
START_S = 8.0  # of one server, with its warm-up


@dataclass(frozen=True, slots=True)
class ReplayPlan:
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

    def unforeseen(self, writers: int) -> Load:
        """The base with text that nobody foresees."""
        return replace(self.base(writers), text=UNFORESEEN)

    def seconds_of(self, load: Load) -> float:
        """How long a load is typed."""
        return self.seconds * (2 if load.writers < FEW_WRITERS and load.context == self.contexts[0] else 1)


@dataclass(frozen=True, slots=True)
class Group:
    """Loads of as many writers, each with its rounds, tried on servers that are started once for all of them."""

    writers: int
    context_tokens: int
    loads: tuple[tuple[Load, int], ...]


def groups(plan: ReplayPlan) -> list[Group]:
    """All trials, by number of writers."""
    fewest = min(plan.writers)
    varied = {fewest, SEVERAL_WRITERS} & set(plan.writers)
    planned = []
    for writers in sorted(set(plan.writers)):
        base = plan.base(writers)
        loads = [(base, plan.rounds)]
        if writers in varied:
            loads += [(plan.unforeseen(writers), plan.rounds)]
            loads += [(replace(base, gap_ms=gap), 1) for gap in plan.gaps_ms[1:]]
            loads += [(replace(base, client=client), 1) for client in plan.clients[1:]]
        if writers == fewest:
            loads += [(replace(base, context=context), 1) for context in plan.contexts[1:]]
        planned.append(Group(writers, tokens_for(plan, [load for load, _ in loads]), tuple(loads)))
    return planned


def tokens_for(plan: ReplayPlan, loads: Sequence[Load]) -> int:
    """How long the texts of some loads may get, in tokens, generously."""
    return TOKENS_STEP * math.ceil(max(_tokens_of(plan, load) for load in loads) / TOKENS_STEP)


def _tokens_of(plan: ReplayPlan, load: Load) -> float:
    each = UNFORESEEN_CHARACTERS_PER_TOKEN if load.text == UNFORESEEN else CHARACTERS_PER_TOKEN
    return load.context / CHARACTERS_PER_TOKEN + TYPED_CHARACTERS_PER_S * plan.seconds_of(load) / each


def turns(group: Group, servers: Sequence[str]) -> list[tuple[int, Load, str]]:
    """Round, load and server of each trial of a group, in order."""
    order = []
    for number in range(max(rounds for _, rounds in group.loads)):
        for at, (load, rounds) in enumerate(group.loads):
            if number < rounds:
                straight = (number + at) % 2 == 0
                order += [(number, load, server) for server in (servers if straight else reversed(servers))]
    return order


def worthwhile(plan: ReplayPlan, load: Load, number: int, keeps_texts: bool) -> bool:
    """Servers that keep no texts are far behind: they are tried once only, at the base in either kind of text."""
    return keeps_texts or (number == 0 and load in (plan.base(load.writers), plan.unforeseen(load.writers)))


def estimated_s(plan: ReplayPlan, servers: Sequence[tuple[int, bool]]) -> float:
    """About how long everything planned takes. `servers`: for each, its most writers, and whether it keeps texts."""
    spent_s = 0.0
    for group in groups(plan):
        for most_writers, keeps_texts in servers:
            if most_writers >= group.writers:
                spent_s += START_S + sum(
                    plan.seconds_of(load) + BETWEEN_TRIALS_S
                    for load, rounds in group.loads
                    for number in range(rounds)
                    if worthwhile(plan, load, number, keeps_texts)
                )
    return spent_s


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
