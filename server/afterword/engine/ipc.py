"""How the gateway and an engine process speak to each other: lines of JSON over a socket.

What lives here: both directions, both ways, and nothing that sends. A line is an array: a word that names what it is,
then the fields of the dataclass of that name in `api.py`, in their order. `Request.heal` travels as hexadecimal digits.
One line per command or event, parted by a line feed, which JSON never contains raw.

Both ends are of one release, started by one another, so there is no version and what does not parse is a bug.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from afterword.engine.api import (
    Ended,
    EngineEvent,
    Failed,
    Lost,
    Measured,
    PartLost,
    Paused,
    Progress,
    Ready,
    Request,
    Sampled,
    Started,
)


@dataclass(frozen=True, slots=True)
class Update:
    """Raise the limit of a run."""

    run: int
    limit_tokens: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Drop a run, whose text may be `useful` yet."""

    run: int
    useful: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """Free what is held for a document."""

    document: int


Command = Request | Update | Stop | Forget

_EVENTS: dict[str, type[EngineEvent]] = {
    "started": Started,
    "sampled": Sampled,
    "paused": Paused,
    "ended": Ended,
    "progress": Progress,
    "ready": Ready,
    "lost": Lost,
    "part_lost": PartLost,
    "failed": Failed,
    "measured": Measured,
}
_COMMANDS: dict[str, type[Update | Stop | Forget]] = {"update": Update, "stop": Stop, "forget": Forget}
_NAMES = {kind: name for kinds in (_EVENTS, _COMMANDS) for name, kind in kinds.items()}


class Lines:
    """Puts lines together from the pieces in which a socket hands them over."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now, without their line feeds."""
        *lines, self._rest = (self._rest + data).split(b"\n") if b"\n" in data else (self._rest + data,)
        return lines


def encode_command(command: Command) -> bytes:
    """A command as one line, with its line feed."""
    if isinstance(command, Request):
        fields: list[Any] = [
            "request",
            command.document,
            command.run,
            list(command.tokens),
            command.heal.hex(),
            command.limit_tokens,
            command.alternatives,
            command.temperature,
            command.seed,
            command.waited_ms,
        ]
        return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
    return _encode(command)


def decode_command(line: bytes) -> Command:
    """The command that a line says. Raises `ValueError` or `TypeError` for one that says none."""
    name, *fields = orjson.loads(line)
    if name == "request":
        document, run, tokens, heal, *rest = fields
        return Request(document, run, tokens, bytes.fromhex(heal), *rest)
    kind = _COMMANDS.get(name)
    if kind is None:
        raise ValueError(f"no such command: {name}")
    return kind(*fields)


def encode_events(events: Iterable[EngineEvent]) -> bytes:
    """Events as lines, each with its line feed."""
    return b"".join(map(_encode, events))


def decode_event(line: bytes) -> EngineEvent:
    """The event that a line says. Raises `ValueError` or `TypeError` for one that says none."""
    name, *fields = orjson.loads(line)
    kind = _EVENTS.get(name)
    if kind is None:
        raise ValueError(f"no such event: {name}")
    if kind is Sampled and fields[-1] is None:  # JSON has no infinity, and the logarithm of 0 is minus infinity
        fields[-1] = -math.inf
    return kind(*fields)


def _encode(value: Update | Stop | Forget | EngineEvent) -> bytes:
    fields = [getattr(value, name) for name in value.__dataclass_fields__]
    return orjson.dumps([_NAMES[type(value)], *fields], option=orjson.OPT_APPEND_NEWLINE)
