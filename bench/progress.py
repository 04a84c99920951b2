"""What the terminal shows while long work goes on: what is done, since when, and about how long it will still take."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TextIO

TRUST_AFTER_S = 60.0  # of estimated work, before the estimate is corrected by how long it really took
FASTEST, SLOWEST = 0.5, 3.0  # the bounds of that correction


class ProgressLine:
    """Says on standard error what happens, with the time since the start and an estimate of the rest."""

    def __init__(self, expected_s: float, stream: TextIO | None = None) -> None:
        """`expected_s`: of all work that `advance` will tell of."""
        self._expected_s = expected_s
        self._advanced_s = 0.0
        self._began = monotonic()
        self._stream = stream or sys.stderr

    def advance(self, expected_s: float) -> None:
        """Work that was expected to take so long is over."""
        self._advanced_s = min(self._expected_s, self._advanced_s + expected_s)

    def expect(self, more_s: float) -> None:
        """There will be more work than was expected."""
        self._expected_s += more_s

    @property
    def elapsed_s(self) -> float:
        """Since the start."""
        return monotonic() - self._began

    @property
    def left_s(self) -> float:
        """What is still expected, corrected by how long the work so far took."""
        pace = 1.0
        if self._advanced_s >= TRUST_AFTER_S:
            pace = min(SLOWEST, max(FASTEST, self.elapsed_s / self._advanced_s))
        return (self._expected_s - self._advanced_s) * pace

    def say(self, text: str) -> None:
        """A line."""
        print(f"[{_clock(self.elapsed_s)}, about {_clock(self.left_s)} left] {text}", file=self._stream, flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
