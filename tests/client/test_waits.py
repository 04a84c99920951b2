"""Clients that lose their server come back at growing, scattered times."""

from __future__ import annotations

import itertools
import random

from afterword.client.waits import MOST_S, growing_waits


def test_waits_grow_to_a_bound() -> None:
    waits = list(itertools.islice(growing_waits(random.Random(1)), 20))
    assert waits[0] < 0.3
    assert waits[:6] == sorted(waits[:6])
    assert all(MOST_S / 2 <= wait <= MOST_S for wait in waits[8:])


def test_two_clients_do_not_come_back_together() -> None:
    one, two = (list(itertools.islice(growing_waits(random.Random(seed)), 5)) for seed in (1, 2))
    assert all(a != b for a, b in zip(one, two, strict=True))
