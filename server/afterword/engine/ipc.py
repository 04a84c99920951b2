"""How the gateway and a worker process speak to each other: lines of JSON over a socket.

What lives here: both directions, both ways, and nothing that sends. A line is an array: the name of a class in
`api.py`, then its fields in their order; bytes travel as hexadecimal digits. One line per command or event, ended by a
line feed, which JSON never contains raw.

Both ends are of one release, and one starts the other, so there is no version, and what does not parse is a bug.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

import orjson

from afterword.engine.api import (
    Command,
    Ended,
    EngineEvent,
    Failed,
    Forget,
    Lost,
    Measured,
    PartLost,
    Paused,
    Progress,
    RaiseLimit,
    Ready,
    Request,
    Sampled,
    Started,
    StopRun,
)

T = TypeVar("T")

Kinds = Mapping[str, type[T]]

COMMANDS: Kinds[Command] = {kind.__name__: kind for kind in (Request, RaiseLimit, StopRun, Forget)}
EVENTS: Kinds[EngineEvent] = {
    kind.__name__: kind for kind in (Started, Sampled, Paused, Ended, Progress, Ready, Lost, PartLost, Failed, Measured)
}
_VALUES = {
    kind: attrgetter("__class__.__name__", *(field.name for field in fields(kind)))
    for kinds in (COMMANDS, EVENTS)
    for kind in kinds.values()
}


class Lines:
    """Puts lines together from the pieces in which a socket hands them over."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now, without their line feeds."""
        *lines, self._rest = (self._rest + data).split(b"\n") if b"\n" in data else (self._rest + data,)
        return lines


def encode(values: Iterable[Command | EngineEvent]) -> bytes:
    """Commands or events as lines, each with its line feed."""
    lines = b""
    for value in values:
        lines += orjson.dumps(_VALUES[type(value)](value), default=_plain, option=orjson.OPT_APPEND_NEWLINE)
    return lines


def decode(line: bytes, kinds: Kinds[T]) -> T:
    """The command or event that a line says, one of `kinds`: `COMMANDS` or `EVENTS`.

    Raises `ValueError` or `TypeError` for a line that says none.
    """
    name, *values = orjson.loads(line)
    kind: Any = kinds.get(name)
    if kind is None:
        raise ValueError(f"unknown name {name!r}")
    if kind is Request:
        owner, document, run, tokens, heal, *rest = values
        values = [owner, document, run, tokens, bytes.fromhex(heal), *rest]
    elif kind is Sampled and values[-1:] == [None]:  # JSON has no infinity, and the logarithm of 0 is minus infinity
        values[-1] = -math.inf
    decoded: T = kind(*values)
    return decoded


def _plain(value: Any) -> Any:
    """What JSON knows in place of what it does not: digits for bytes, a list for another sequence of ids."""
    return value.hex() if isinstance(value, bytes) else list(value)
