"""What can be wrong with a frame, and how much of a broken one can still be read.

What lives here: the errors that the codec raises, and the search for half a surrogate pair, which JSON can write down
and no text can hold. Which value fits which field is decided in codec.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from afterword_protocol.utf16 import has_lone_surrogate

MAX_ECHO_POINTS = 64  # of a name that a client made up, in error messages
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


class CodecError(Exception):
    """A frame that is not one of the messages asked for."""


class Malformed(CodecError):
    """Not a JSON object in a text frame: the connection is to be closed with 4400."""


class UnknownType(CodecError):
    """A JSON object whose `type` is no message of this direction."""

    def __init__(self, type_name: str) -> None:
        super().__init__(f"unknown message type {type_name!r}")
        self.type = type_name


class BadMessage(CodecError):
    """A known message with a field that is missing or does not fit.

    `type`: the message's type. `field`: the field's name, a dotted path inside objects; empty if the name itself is at
    fault. `why`: what was expected. `doc` and `id`: those of the message where they can be read.
    """

    def __init__(self, type_name: str, field: str, why: str, doc: str | None = None, id: int | None = None) -> None:
        field = field[:MAX_ECHO_POINTS]
        super().__init__(f"{field or 'the name of a field'} {why}")
        self.type = type_name
        self.field = field
        self.why = why
        self.doc = doc
        self.id = id


def parse_lone_surrogates(frame: str | bytes, problem: Exception) -> tuple[Any, str]:
    """The value of a frame that orjson refused for `problem`, and the dotted path of its first half of a pair.

    Raises Malformed if anything else is wrong with the frame.
    """
    try:
        text = frame if isinstance(frame, str) else bytes(frame).decode()
        if _SURROGATE_ESCAPE.search(text):
            # How deep `json` reads depends on the version of Python, so orjson judges everything but the surrogates.
            orjson.loads(_SURROGATE_ESCAPE.sub(lambda match: r"\u00" if len(match[0]) > 1 else "?", text))
            value = json.loads(text, parse_constant=_refuse_constant)
            path = next(_lone_surrogates(value), None)
            if path is not None:
                return value, path
    except (ValueError, RecursionError):
        pass
    raise Malformed(str(problem))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _lone_surrogates(value: Any) -> Iterator[str]:
    """Dotted paths of the strings in `value` that hold a lone surrogate; a name that holds one has its parent's."""
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        path, part = pending.pop()
        if isinstance(part, str):
            if has_lone_surrogate(part):
                yield path
        elif isinstance(part, dict):
            for name, member in reversed(part.items()):
                if has_lone_surrogate(name):
                    yield path
                else:
                    pending.append((f"{path}.{name}" if path else name, member))
        elif isinstance(part, list):
            pending.extend((path, member) for member in reversed(part))
