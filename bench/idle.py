"""What a server costs while nobody types, and how long it takes to start once its model has been converted."""

from __future__ import annotations

import asyncio

from .afterword_server import ServeProcess, afterword_server
from .report import Section
from .wire_client import WireClient

WATCHED_S = 20.0
QUICK_WATCHED_S = 5.0
SETTLE_S = 2.0
CLIENTS = 8
GOAL_SHARE = 0.005  # of one core
START_GOAL_S = 10.0


async def measure(model: str, quick: bool) -> Section:
    """Processor time without a connection and with silent ones, and the time to start."""
    section = Section("Idle, and the second start")
    watched_s = QUICK_WATCHED_S if quick else WATCHED_S
    async with afterword_server(model):
        pass  # if this was the first start, it converted the model
    async with afterword_server(model) as server:
        section.add(
            "second start", f"{server.start_s:.1f} s", f"under {START_GOAL_S:.0f} s", server.start_s < START_GOAL_S
        )
        await asyncio.sleep(SETTLE_S)
        share = await _share(server, watched_s)
        section.add(
            "processor use without a connection",
            f"{share:.2%} of a core",
            f"under {GOAL_SHARE:.1%}",
            share < GOAL_SHARE,
        )
        wires = [WireClient(server.url) for _ in range(CLIENTS)]
        for wire in wires:
            await wire.__aenter__()
            text = await wire.open("text", "Nobody types here.")
            await wire.done(await wire.key(text, " "))
        await asyncio.sleep(SETTLE_S)
        with_clients = await _share(server, watched_s)
        section.add(f"with {CLIENTS} connections that are silent", f"{with_clients:.2%} of a core")
        for wire in wires:
            await wire.__aexit__()
    section.raw = {"start_s": server.start_s, "share": share, "share_with_clients": with_clients}
    return section


async def _share(server: ServeProcess, seconds: float) -> float:
    before = server.cpu_s()
    await asyncio.sleep(seconds)
    return (server.cpu_s() - before) / seconds
