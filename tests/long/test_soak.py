"""Several people write for some minutes while their engine is killed: nobody loses a connection, and nothing grows."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from typing import Any

import psutil
import pytest

from afterword.client import ClientError, connect

pytestmark = [pytest.mark.long, pytest.mark.model, pytest.mark.timeout(1800)]

WRITERS = 6
SOAK_S = float(os.environ.get("AFTERWORD_SOAK_S", "180"))
KILL_EACH_S = 30.0
KEY_INTERVAL_S = 0.1
SETTLED_SHARE = 0.3  # of the time, after which memory should grow no more
MOST_GROWTH_MIB = 64.0
PROSE = "When the rain stopped, the children ran out into the street and looked for the cat that nobody had seen. "


async def write(url: str, name: str, until: float) -> tuple[int, int]:
    """Type until a moment; how many suggestions were asked for, and how many of them had text."""
    asked = shown = 0
    async with connect(url, name=name) as client:
        for chapter in itertools.count():
            document = await client.open(f"{name} {chapter}", f"Chapter {chapter}. ")
            for key in PROSE * 3:
                document.type(key)
                suggestion = document.suggest(max_tokens=8)
                await asyncio.sleep(KEY_INTERVAL_S)
                asked += 1
                shown += bool(suggestion.text)
                if time.monotonic() > until:
                    await suggestion.done()
                    return asked, shown
            document.close()
    raise AssertionError("writers write until they are told to stop")


async def kill_engines(server: Any, until: float) -> int:
    """Kill the engine every now and then; how often."""
    killed = 0
    while time.monotonic() + KILL_EACH_S < until:
        await asyncio.sleep(KILL_EACH_S)
        for child in server.gateway.children():
            child.send_signal(signal.SIGKILL)
            killed += 1
    return killed


async def watch(gateway: psutil.Process, until: float) -> list[float]:
    """Memory of the gateway in MiB, once a second."""
    held = []
    while time.monotonic() < until:
        held.append(gateway.memory_info().rss / 2**20)
        await asyncio.sleep(1)
    return held


async def test_writers_outlive_their_engines_and_the_gateway_does_not_grow(start_server: Any) -> None:
    server = start_server()
    until = time.monotonic() + SOAK_S
    writers = [write(server.url, f"writer {number}", until) for number in range(WRITERS)]
    try:
        *results, killed, held = await asyncio.gather(
            *writers, kill_engines(server, until), watch(server.gateway, until)
        )
    except ClientError as error:
        pytest.fail(f"a writer lost the connection: {error}")
    asked, shown = (sum(each) for each in zip(*results, strict=True))
    print(
        f"{asked} asked, {shown} with text, engine killed {killed} times, gateway {held[0]:.0f} to {held[-1]:.0f} MiB"
    )
    assert shown > asked / 10, "most of the time there is ghost text, though engines take a while to come back"
    settled = held[int(len(held) * SETTLED_SHARE)]
    assert held[-1] - settled < MOST_GROWTH_MIB
