"""How long to wait between attempts to reach a server. Pure but for the random numbers, which a caller can pass."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_S = 0.25
MAX_S = 15.0
FACTOR = 2.0


def backoff_s(generator: random.Random | None = None) -> Iterator[float]:
    """Seconds to wait before each further attempt, without end.

    Each wait is drawn evenly from the upper half of a bound that doubles up to `MAX_S`. The waits grow, so that a
    server in trouble gets room, and they vary, so that clients dropped together do not come back together.
    """
    generator = generator or random.Random()
    bound = FIRST_S
    while True:
        yield generator.uniform(bound / 2, bound)
        bound = min(bound * FACTOR, MAX_S)
