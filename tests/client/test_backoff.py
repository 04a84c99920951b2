"""Clients that lose their server come back at growing, scattered times."""

from __future__ import annotations

import itertools
import random

from afterword.client.backoff import MAX_S, backoff_s


def test_waits_grow_to_a_bound() -> None:
    waits = list(itertools.islice(backoff_s(random.Random(1)), 20))
    assert waits[0] < 0.3
    assert waits[:6] == sorted(waits[:6])
    assert all(MAX_S / 2 <= wait <= MAX_S for wait in waits[8:])


def test_two_clients_do_not_come_back_together() -> None:
    one, two = (list(itertools.islice(backoff_s(random.Random(seed)), 5)) for seed in (1, 2))
    assert all(a != b for a, b in zip(one, two, strict=True))
