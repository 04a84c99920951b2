"""Which rows of which runs the next step computes. Pure: no torch, no clock.

The rules: first tokens before later tokens, shortest remaining prefill first; tokens that continue a text ride along;
caches are filled ahead only when nothing else is to be done, and texts written ahead only when no cache is to be
filled. A short first token is not made to wait for a long
prefill: when one is waiting, the step stays short. Waiting makes a prefill count as shorter, so none waits for ever.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

# How much shorter a prefill counts for every step it has waited.
FORGIVEN_TOKENS_PER_STEP = 4


class Urgency(enum.IntEnum):
    """What a run needs rows for."""

    FIRST = 0
    """It has written nothing yet."""
    NEXT = 1
    """It goes on writing."""
    FILL = 2
    """Nobody waits for it; the cache is filled ahead."""
    AHEAD = 3
    """Nobody has asked for it; it is what may be asked for next."""


@dataclass(frozen=True, slots=True)
class Need:
    """Rows that a run lacks.

    `run`: rises with arrival. `served`: number of the last step it had a part in. `waited`: steps since it arrived.
    """

    run: int
    kind: Urgency
    rows: int
    served: int = 0
    waited: int = 0

    @property
    def length(self) -> int:
        """Its rows as they count when the shortest goes first."""
        return self.rows - FORGIVEN_TOKENS_PER_STEP * self.waited


def plan(needs: Iterable[Need], step_tokens: int, brisk_tokens: int) -> list[tuple[int, int]]:
    """Runs and how many rows each gets in the next step.

    At most `step_tokens` rows of prefill, `brisk_tokens` when some first token needs no more than that; besides these
    as many rows that continue texts, those that waited longest first.
    """
    by_kind: dict[Urgency, list[Need]] = {kind: [] for kind in Urgency}
    for need in needs:
        if need.rows > 0:
            by_kind[need.kind].append(need)
    first = sorted(by_kind[Urgency.FIRST], key=lambda need: (need.length, need.run))
    brisk = any(need.rows <= brisk_tokens for need in first)
    prefill_tokens = brisk_tokens if brisk else step_tokens
    chosen = _fill(first, prefill_tokens, prefill_tokens)
    # A text whose slot was taken has to be computed again before it goes on: that is a prefill, whatever it is called.
    chosen += _fill(
        sorted(by_kind[Urgency.NEXT], key=lambda need: (need.served, need.run)), step_tokens, prefill_tokens
    )
    for kind in (Urgency.FILL, Urgency.AHEAD):
        if not chosen:
            chosen = _fill(sorted(by_kind[kind], key=lambda need: (need.rows, need.run)), step_tokens, step_tokens)
    return chosen


def _fill(needs: Iterable[Need], budget: int, each: int) -> list[tuple[int, int]]:
    """Hand out `budget` rows in order, at most `each` to a run."""
    chosen: list[tuple[int, int]] = []
    for need in needs:
        if budget <= 0:
            break
        rows = min(need.rows, each, budget)
        chosen.append((need.run, rows))
        budget -= rows
    return chosen
