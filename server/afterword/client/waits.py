"""How long to wait between attempts to reach a server. Pure but for the dice, which can be given."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_S = 0.25
MOST_S = 15.0
FACTOR = 2.0


def growing_waits(dice: random.Random | None = None) -> Iterator[float]:
    """Seconds to wait before each further attempt, for ever.

    Each is drawn evenly from the upper half of a bound that doubles up to `MOST_S`: growing, so
    that a server in trouble is left alone, and jittered, so that clients dropped together do not come back together.
    """
    dice = dice or random.Random()
    bound = FIRST_S
    while True:
        yield dice.uniform(bound / 2, bound)
        bound = min(bound * FACTOR, MOST_S)
