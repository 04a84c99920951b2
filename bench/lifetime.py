"""How long the benchmark runs: until its work is done, or until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def until_told_to_stop(work: Awaitable[T]) -> T:
    """Stop in order, ending every program that was started, when told to by SIGTERM as by Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
