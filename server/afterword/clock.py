"""The clock by which everything here is timed."""

from __future__ import annotations

import time


def now_ms() -> float:
    """Milliseconds of the monotonic clock."""
    return time.monotonic() * 1000
