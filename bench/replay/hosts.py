"""A server as the replay sees it: room asked for, seats given; and what starting one over HTTP takes.

What lives here: nothing about any one server; those are in `peers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from ..processes import START_WITHIN_S, Family, family_at, running
from .meter import Meter
from .writer import Seat

LOCAL = ("localhost", "127.0.0.1", "::1")
SPARE_TOKENS = 512  # that Afterword keeps in a place beyond the text
SPARE_MIB = 8  # and what it remembers beside it
BYTES_OF_FLOAT = 4


@dataclass(frozen=True, slots=True)
class Room:
    """What a server must have room for: so many writers, each with a text of so many tokens."""

    writers: int
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Host:
    """A server that answers.

    `seat`: gives a place for the writer of a number. `family`: its processes, None if they are elsewhere.
    `ours`: whether the benchmark started it, and so may pause it. `keeps_places`: whether it keeps writers' texts.
    `meter`: tells the tokens it has computed, if it does.
    """

    name: str
    seat: Callable[[int], Awaitable[Seat]]
    family: Family | None
    ours: bool = False
    start_s: float | None = None
    keeps_places: bool = True
    meter: Meter | None = None

    def pause(self) -> None:
        """Let it do nothing at all while others are measured."""
        if self.ours and self.family is not None:
            self.family.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self.ours and self.family is not None:
            self.family.signal(signal.SIGCONT)


class Peer(Protocol):
    """A server that can be had. `most_writers`: how many it is worth trying with."""

    name: str
    most_writers: int

    def serve(self, room: Room) -> contextlib.AbstractAsyncContextManager[Host]:
        """Have it run while the context lasts. Raises NotStarted, TimeoutError."""
        ...


def cache_mib(config: Mapping[str, object], room: Room) -> int:
    """Memory for caches that gives every writer a place, by the model's `config.json`, in float32."""

    def number(name: str, default: int) -> int:
        value = config.get(name)
        return value if isinstance(value, int) else default

    heads = number("num_attention_heads", 1)
    head_dim = number("head_dim", number("hidden_size", 1) // heads)
    kv_heads = number("num_key_value_heads", heads)
    token_bytes = 2 * number("num_hidden_layers", 1) * kv_heads * head_dim * BYTES_OF_FLOAT
    slot_mib = -(-(room.context_tokens + SPARE_TOKENS) * token_bytes >> 20) + SPARE_MIB
    return (room.writers + 1) * slot_mib


@contextlib.asynccontextmanager
async def answering(command: Sequence[str], url: str) -> AsyncIterator[tuple[Family, float]]:
    """Start a program; gives its processes once a page of it is there, with the seconds that took."""
    began = time.perf_counter()
    async with running(command) as program:
        async with asyncio.timeout(START_WITHIN_S):
            await program.until_answers(url)
        yield program.family, time.perf_counter() - began


def family_of(url: str) -> Family | None:
    """The processes behind an address on this machine."""
    address = urlsplit(url)
    if address.hostname not in LOCAL or address.port is None:
        return None
    return family_at(address.port)
