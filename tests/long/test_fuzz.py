"""Nonsense and near-sense by the ten thousand, from one client, beside another who writes.

Whatever comes in, the neighbour's ping is answered, the server lives, and a connection is closed with a code of the
specification or not at all.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from afterword_protocol.codes import CloseCode

pytestmark = [pytest.mark.long, pytest.mark.model, pytest.mark.timeout(1800)]

FRAMES = 50_000
FRAMES_PER_CHECK = 500
TYPES = ("open", "edit", "suggest", "extend", "accept", "cancel", "dismiss", "close", "ping", "hello", "", "nonsense")
TEXTS = ("", "The quick", " brown", "\u0000", "é", "👍🏽", "שלום", "\ud83d", "a" * 5000, "<|endoftext|>", "\r\n", "({[")
CODES = {int(code) for code in CloseCode} | {1000, 1002, 1006, 1007}


def value(chance: random.Random) -> Any:
    """Something that a field may be, or may not."""
    kind = chance.randrange(9)
    if kind < 3:
        return chance.choice((0, 1, 2, 3, 17, -1, 2**53, 2**53 - 1, 1.5, 1e308))
    if kind < 6:
        return chance.choice(TEXTS)
    return chance.choice((None, True, [], [1], {}, {"a": 1}, "sentence", "none", "d"))


class Fuzzer:
    """Frames of a client that knows the protocol and does not keep to it. Counts what it is owed."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.rev = 0
        self.id = 0

    def frame(self) -> str | bytes:
        """The next frame."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.002:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
        message = self.proper()
        if roll < 0.25:
            for _ in range(chance.randrange(1, 3)):
                message[chance.choice([*message, "extra"])] = value(chance)
        text = json.dumps(message)
        if roll > 0.995:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(('"', "{", "}", "\\", "\u2028", "")) + text[at + 1 :]
        return text.encode("utf-8", "replace").decode()

    def proper(self) -> dict[str, Any]:
        """A message that could be taken, more or less."""
        chance = self.chance
        kind = chance.choice(TYPES[:9] if chance.random() < 0.95 else TYPES)
        message: dict[str, Any] = {"type": kind, "doc": chance.choice("de")}
        if kind in ("open", "edit", "accept"):
            self.rev += 1
            message["rev"] = self.rev
        if kind == "open":
            message |= {"before": chance.choice(TEXTS), "after": chance.choice(TEXTS)}
        elif kind == "edit":
            message |= {"insert": chance.choice(TEXTS), "delete": chance.choice((0, 0, 1, 2, 6000))}
        elif kind == "suggest":
            self.id += 1
            message |= {"id": self.id, "rev": self.rev, "max_tokens": chance.randrange(1, 5)}
            message |= chance.choice(({}, {"alternatives": 2}, {"quiet": 0.5}, {"stop": "word"}, {"max_time_ms": 1}))
        elif kind in ("extend", "accept", "cancel", "dismiss"):
            message |= {"id": max(1, self.id - chance.randrange(2)), "length": chance.randrange(9)}
        elif kind == "ping":
            message["t"] = value(chance) or 0
        return message


async def arrive(url: str) -> ClientConnection:
    """A connection after `welcome`."""
    socket = await connect(url, subprotocols=["afterword.v1"], compression=None, proxy=None, max_size=None)  # type: ignore[list-item]
    await socket.send(json.dumps({"type": "hello"}))
    assert json.loads(await socket.recv())["type"] == "welcome"
    return socket


async def answers(socket: ClientConnection, mark: str) -> list[dict[str, Any]]:
    """All messages up to the answer to a ping."""
    await socket.send(json.dumps({"type": "ping", "t": mark}))
    messages: list[dict[str, Any]] = []
    while True:
        messages.append(json.loads(await socket.recv()))
        if messages[-1] == {"type": "pong", "t": mark}:
            return messages


async def test_nonsense_harms_nobody(start_server: Any, request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("hypothesis_seed", None) or random.randrange(2**32)
    print(f"fuzz seed {seed}")
    fuzzer = Fuzzer(random.Random(str(seed)))
    server = start_server("--messages-per-second=1000000", "--message-burst=1000000")
    neighbour, socket = await arrive(server.url), await arrive(server.url)
    dones: list[tuple[str, int]] = []
    for count in range(FRAMES):
        try:
            await socket.send(fuzzer.frame())
            if count % FRAMES_PER_CHECK == FRAMES_PER_CHECK - 1:
                messages = await answers(socket, f"own {count}")
                assert {message["type"] for message in messages} <= {"token", "done", "error", "pong"}, seed
                dones += [(message["doc"], message["id"]) for message in messages if message["type"] == "done"]
                await answers(neighbour, f"neighbour {count}")
        except ConnectionClosed:
            assert socket.close_code in CODES, (seed, socket.close_code)
            assert socket.close_code != CloseCode.INTERNAL, (seed, count)
            socket = await arrive(server.url)
            fuzzer.rev = fuzzer.id = 0
    assert dones, "some asks were in order"
    await neighbour.close()
    await socket.close()
    assert server.stop() == 0
