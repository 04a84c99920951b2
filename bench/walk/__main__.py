"""`python -m bench.walk`: prints the way of a diverging keystroke, and of a cancel, and how long it is.

A real server with the built-in model writes a suggestion; while it is live, the writer types a letter that it does not
say (`edit` and `suggest`), or the client cancels it. Counted are the program's own functions between the frame that
left the client and the first text, or the `done`, that came back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from ..afterword_server import ADDRESS
from ..processes import START_WITHIN_S, running
from .diagram import PAGE, differences, summary, too_long, written
from .recorder import FLAG, RECORD_VARIABLE
from .walk import Call, Walk

HOOK = Path(__file__).parent / "hook"
ROOT = Path(__file__).parents[2]
TEXT = "The ship left the harbour at noon, and the captain told the crew that the"
WARM_UPS = 2  # the first times pass through what is done only once
WALKS = 3


class WalkClient:
    """A bare client that keeps all messages."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._rev = 0
        self._id = 0

    async def say(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = json.loads(await self._socket.recv())
            if message["type"] == kind and fields.items() <= message.items():
                return message

    async def live(self) -> tuple[int, int]:
        """A suggestion that is being written; its id, and the last revision."""
        self._rev += 1
        self._id += 1
        await self.say(type="open", doc="d", rev=self._rev, before=TEXT, after="")
        await asyncio.sleep(0.5)
        await self.say(type="suggest", doc="d", id=self._id, rev=self._rev, max_tokens=200, stop="none")
        await self.until("token", id=self._id)
        return self._id, self._rev

    async def keystroke(self) -> None:
        self._rev += 1
        self._id += 1
        frames = [
            {"type": "edit", "doc": "d", "rev": self._rev, "insert": " Zq", "length": len(TEXT) + 3},
            {"type": "suggest", "doc": "d", "id": self._id, "rev": self._rev},
        ]
        for frame in frames:
            await self.say(**frame)
        await self.until("token", id=self._id)

    async def cancel(self) -> None:
        await self.say(type="cancel", doc="d", id=self._id)
        await self.until("done", id=self._id)


async def record(act: str) -> Walk:
    """The walk of `act`: `keystroke` or `cancel`.

    The shortest of several: once a second an engine tells what it counted, and that may come in between.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        flag = folder / FLAG
        flag.write_bytes(b"\0")
        paths = os.pathsep.join([str(HOOK), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {RECORD_VARIABLE: scratch, "PYTHONPATH": paths}
        command = [sys.executable, "-m", "afterword", "serve", "--port=0", "--page=false"]
        async with running(command, environment) as program, asyncio.timeout(START_WITHIN_S):
            url = await program.until_says(ADDRESS)
            async with connect(url, subprotocols=["afterword.v1"], compression=None) as socket:
                client = WalkClient(socket)
                await client.say(type="hello")
                for count in range(WARM_UPS + WALKS):
                    await client.live()  # at which both processes write down what they recorded before
                    raise_flag(flag, count >= WARM_UPS)
                    await (client.keystroke() if act == "keystroke" else client.cancel())
                    raise_flag(flag, False)
                await client.live()
                await client.cancel()
                await asyncio.sleep(0.5)
        return min(await asyncio.to_thread(read_walks, folder), key=lambda walk: walk.functions)


def read_walks(folder: Path) -> list[Walk]:
    """What both processes wrote down, walk by walk."""
    recorded: dict[str, dict[str, list[Call]]] = {}  # by process, then by number
    for path in folder.glob("*.json"):
        process, _, number = path.stem.partition("-")
        recorded.setdefault(process, {})[number] = [Call(*call) for call in json.loads(path.read_text())]
    by_gateway_first = sorted(recorded.values(), key=lambda calls: not any(map(_is_of_gateway, calls["0"])))
    gateway, worker = by_gateway_first
    return [Walk(gateway[number], worker[number]) for number in gateway if number in worker]


def _is_of_gateway(call: Call) -> bool:
    return "gateway" in call.file


def raise_flag(flag: Path, up: bool) -> None:
    with flag.open("r+b") as file:
        file.write(bytes([up]))


def main() -> int:
    """Print the walk, or compare the picture of it with the code, or draw it anew. The status is 1 if they differ."""
    parser = argparse.ArgumentParser(
        "python -m bench.walk", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("act", nargs="?", default="keystroke", choices=("keystroke", "cancel"), help="(keystroke)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--check", action="store_true", help=f"compare with the picture in {PAGE.name}, and with how long it may be"
    )
    how.add_argument("--write", action="store_true", help=f"draw the picture in {PAGE.name} anew")
    given = parser.parse_args()
    if given.act == "cancel" and (given.check or given.write):
        parser.error("the picture is of a keystroke")
    walk = asyncio.run(record(given.act))
    if given.write:
        PAGE.write_text(written(PAGE.read_text("utf-8"), walk), "utf-8")
        return 0
    if given.check:
        wrong = [*too_long(walk), *differences(walk, PAGE.read_text("utf-8"))]
        print("\n".join([*wrong, summary(walk)]))
        return int(bool(wrong))
    for name, calls in (("gateway", walk.gateway), ("worker", walk.worker)):
        print(name)
        for call in calls:
            print(f"  {'  ' * (call.depth - 1)}{call.function}  {call.file}")
    print(f"{summary(walk)}, with {len(walk.calls)} calls in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
