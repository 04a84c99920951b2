"""Which rows of which sequences the next step computes. Pure: no torch, no clock.

First tokens go before later tokens, and of those the shortest remaining prefill first; tokens that continue a text ride
along. Caches are filled in advance only when nothing else is to be done, and texts are looked ahead only when no cache
is to be filled. A short first token does not wait for a long prefill: while one is waiting, the step stays short.
Waiting makes a prefill count as shorter, so none waits for ever.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# How much shorter a prefill counts for every step it has waited.
FORGIVEN_TOKENS_PER_STEP = 4


class Urgency(enum.IntEnum):
    """What a sequence needs rows for."""

    FIRST = 0
    """It has written nothing yet."""
    NEXT = 1
    """It goes on writing."""
    FILL = 2
    """Nobody waits for it; the cache is filled in advance."""
    LOOKAHEAD = 3
    """Nobody has asked for it; it is what may be asked for next."""


@dataclass(frozen=True, slots=True)
class Need:
    """Rows that a sequence lacks.

    `order`: rises with the arrival of sequences, and names one. `served`: number of the last step it had a part in.
    `waited`: steps since it arrived.
    """

    order: int
    urgency: Urgency
    rows: int
    served: int = 0
    waited: int = 0


def choose_rows(needs: Iterable[Need], prefill_tokens: int, short_prefill_tokens: int) -> list[tuple[int, int]]:
    """The sequences of the next step, by their order, and how many rows each gets.

    At most `prefill_tokens` rows of prefill, `short_prefill_tokens` when some first token needs no more than that;
    besides these as many rows that continue texts, those that waited longest first.
    """
    # Entries begin with what they are sorted by, and `order` decides between equals.
    first: list[tuple[int, int, int]] = []
    following: list[tuple[int, int, int]] = []
    filling: list[tuple[int, int, int]] = []
    ahead: list[tuple[int, int, int]] = []
    budget = prefill_tokens
    for need in needs:
        rows, order = need.rows, need.order
        if rows <= 0:
            continue
        if need.urgency is Urgency.FIRST:
            first.append((rows - FORGIVEN_TOKENS_PER_STEP * need.waited, order, rows))
            if rows <= short_prefill_tokens:
                budget = short_prefill_tokens
        elif need.urgency is Urgency.NEXT:
            following.append((need.served, order, rows))
        else:
            (filling if need.urgency is Urgency.FILL else ahead).append((rows, order, rows))
    if first or following:
        # A text whose slot was taken has to be computed again before it goes on: that is a prefill as well.
        return _hand_out(first, budget, budget) + _hand_out(following, prefill_tokens, budget)
    return _hand_out(filling or ahead, prefill_tokens, prefill_tokens)


def _hand_out(entries: list[tuple[int, int, int]], budget: int, most: int) -> list[tuple[int, int]]:
    """Hand out `budget` rows, `most` at most to each sequence, in the order of the entries."""
    chosen: list[tuple[int, int]] = []
    for _, order, wanted in sorted(entries):
        if budget <= 0:
            break
        rows = min(wanted, most, budget)
        chosen.append((order, rows))
        budget -= rows
    return chosen


def share(rows: int, wanted: Sequence[int]) -> list[int]:
    """How many of `rows` each gets: alike, but none more than it wanted; the first ones get the odd ones."""
    shares = [0] * len(wanted)
    unmet = [at for at, most in enumerate(wanted) if most > 0]
    while rows > 0 and unmet:
        each = max(1, rows // len(unmet))
        for at in unmet:
            more = min(each, wanted[at] - shares[at], rows)
            shares[at] += more
            rows -= more
        unmet = [at for at in unmet if shares[at] < wanted[at]]
    return shares
