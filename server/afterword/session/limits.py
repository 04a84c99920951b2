"""Who may connect, and how fast messages may come. What one connection may request is in `SessionConfig.limits`."""

from __future__ import annotations

from typing import Protocol


class TokenCheck(Protocol):
    """Who may connect."""

    def accept(self, token: str | None) -> bool:
        """Whether a client with this token, or with none, is let in."""
        ...


class Throttle:
    """A bucket that fills at the sustained rate of messages, up to the burst; it is full at first."""

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
