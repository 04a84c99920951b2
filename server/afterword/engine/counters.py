"""What an engine counts about its work, and when it tells the gateway.

What lives here: the ranges into which steps are sorted, the counters of a core, and the difference since they were told
last. Counting costs a few additions a step; telling is one line a second at most, and none while nothing happens.
Nothing here imports torch.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, field, replace

from afterword.engine.api import Measured

# Upper bounds of the ranges; one more range holds all beyond the last.
STEP_MS = (1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)
STEP_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)

TOLD_EACH_S = 1.0


@dataclass(slots=True)
class Stats:
    """What an engine did since it started.

    `rows`: begun in all steps; `wasted`: those of them that nobody wanted any more when they were computed. `dropped`:
    steps given up midway; `failures`: steps that broke. `layers`: attention layers started. `tokens`: chosen after a
    step. `evictions`: documents that lost their slot to another. `proposed`: tokens guessed and computed; `accepted`:
    those of them that came to be chosen. `ahead`: rows computed in spare time for what nobody had asked for.
    `took_s`: time of all steps, each with the choice of its tokens; `times`, `sizes`: steps by range of time and rows.
    """

    steps: int = 0
    rows: int = 0
    wasted: int = 0
    dropped: int = 0
    layers: int = 0
    tokens: int = 0
    evictions: int = 0
    failures: int = 0
    proposed: int = 0
    accepted: int = 0
    ahead: int = 0
    took_s: float = 0.0
    times: list[int] = field(default_factory=lambda: [0] * (len(STEP_MS) + 1))
    sizes: list[int] = field(default_factory=lambda: [0] * (len(STEP_ROWS) + 1))

    def stepped(self, rows: int, wasted: int, took_s: float) -> None:
        """Count a step that is over."""
        self.wasted += wasted
        self.took_s += took_s
        self.times[bisect_left(STEP_MS, took_s * 1000)] += 1
        self.sizes[bisect_left(STEP_ROWS, rows)] += 1


class StatsReporter:
    """Tells of counters from time to time, as the difference to what was told before."""

    def __init__(self, stats: Stats, slots: int) -> None:
        """`slots`: how many there are."""
        self._stats = stats
        self._slots = slots
        self._told: Stats | None = None
        self._gauges = (0, 0)  # slots used, documents waiting for one, as told last
        self._due_s = 0.0

    def wait_s(self, used: int, waiting: int) -> float | None:
        """How long until there is something to tell, if nothing more happens: None for never, 0 for now."""
        if self._told is not None and self._told.steps == self._stats.steps and self._gauges == (used, waiting):
            return None
        return max(0.0, self._due_s - time.monotonic())

    @property
    def due(self) -> bool:
        """Whether enough time has passed since something was told."""
        return time.monotonic() >= self._due_s

    def take(self, used: int, waiting: int) -> Measured:
        """What is to be told now; counts as told."""
        now, then = self._stats, self._told or Stats()
        self._told = replace(now, times=list(now.times), sizes=list(now.sizes))
        self._gauges = (used, waiting)
        self._due_s = time.monotonic() + TOLD_EACH_S
        return Measured(
            slots=self._slots,
            used=used,
            waiting=waiting,
            steps=now.steps - then.steps,
            rows=now.rows - then.rows,
            wasted=now.wasted - then.wasted,
            dropped=now.dropped - then.dropped,
            failures=now.failures - then.failures,
            evictions=now.evictions - then.evictions,
            proposed=now.proposed - then.proposed,
            accepted=now.accepted - then.accepted,
            ahead=now.ahead - then.ahead,
            took_s=now.took_s - then.took_s,
            times=[new - old for new, old in zip(now.times, then.times, strict=True)],
            sizes=[new - old for new, old in zip(now.sizes, then.sizes, strict=True)],
        )
