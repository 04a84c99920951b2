"""How fast messages may come: a bucket that fills at the sustained rate, up to the burst."""

from __future__ import annotations


class Throttle:
    """Holds at most `burst` messages, and is full at first."""

    def __init__(self, per_second: float, burst: float, now_ms: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._level = burst  # messages that may come at once
        self._now_ms = now_ms  # when that was counted

    def take(self, now_ms: float) -> bool:
        """Whether one more message may come now."""
        self._level = min(self._burst, self._level + (now_ms - self._now_ms) / 1000 * self._per_second)
        self._now_ms = now_ms
        if self._level < 1:
            return False
        self._level -= 1
        return True
