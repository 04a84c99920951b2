"""Messages to and from the text of WebSocket frames, compiled once from the dataclasses that define the messages.

What lives here: putting messages together from parsed frames, and writing them. Checks of single values are in
validation.py, what can be wrong with a frame in frame_errors.py. The order in which messages may come is the
session's part.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from typing import Any, get_args, get_origin, get_type_hints

import orjson

from afterword_protocol.frame_errors import (
    MAX_ECHO_POINTS,
    BadMessage,
    CodecError,
    Malformed,
    UnknownType,
    parse_lone_surrogates,
)
from afterword_protocol.messages import MAX_SAFE_INTEGER, Bounds, ClientMessage, Length, ServerMessage
from afterword_protocol.utf16 import has_lone_surrogate, units
from afterword_protocol.validation import Check, Unfit, checker, type_and_limits

__all__ = ["BadMessage", "CodecError", "Malformed", "UnknownType", "decode_client", "decode_server", "encode"]

MAX_PING_BYTES = 256
LEFT_OUT_BY_SERVER = frozenset({"alternative"})  # fields whose default a server does not write: clients know it
_MAX_DOC_UNITS = 64


# A field as it is read: its name, and what nearly every value of it is: exactly of this type, and of a size (its value,
# or the length of a string in code points) from the least to the greatest. Any other value is left to the check.
_Readable = tuple[str, Any, float, float, Check]


class _Shape:
    """The fields of a dataclass, compiled: builds an instance from a parsed JSON object."""

    def __init__(self, cls: type) -> None:
        hints = get_type_hints(cls, include_extras=True)
        self._cls = cls  # what is built
        self._fields = [_readable(field.name, hints[field.name]) for field in fields(cls)]  # in the order of the class
        self._required = tuple(f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING)

    def build(self, value: dict[str, Any]) -> Any:
        """An instance of the class; unknown members are ignored, null counts as absent. Raises Unfit."""
        given: dict[str, Any] = {}
        for name, kind, least, greatest, check in self._fields:
            member = value.get(name)
            if member is None:
                continue
            if type(member) is not kind or not least <= (len(member) if kind is str else member) <= greatest:
                try:
                    member = check(member)
                except Unfit as unfit:
                    raise Unfit(unfit.why, f"{name}.{unfit.path}" if unfit.path else name) from None
            given[name] = member
        for name in self._required:
            if name not in given:
                raise Unfit("is missing", name)
        return self._cls(**given)

    def check(self, value: Any) -> Any:
        """The same for any JSON value, as the check of a field that holds an object."""
        if type(value) is not dict:
            raise Unfit("must be an object")
        return self.build(value)


def _readable(name: str, annotation: Any) -> _Readable:
    base, limits = type_and_limits(annotation)
    check = checker(annotation, lambda cls: _Shape(cls).check)
    if base is str:
        length = limits if isinstance(limits, Length) else Length()
        # A code point is one or two units.
        return name, str, length.least, sys.maxsize if length.greatest is None else length.greatest // 2, check
    if base is int:
        bounds = limits if isinstance(limits, Bounds) else Bounds()
        least = -math.inf if bounds.least is None else bounds.least
        return name, int, least, math.inf if bounds.greatest is None else bounds.greatest, check
    return name, None, 0, 0, check


def _decode(shapes: dict[str, _Shape], frame: str | bytes) -> Any:
    broken: str | None = None
    try:
        value = orjson.loads(frame)
    except orjson.JSONDecodeError as problem:
        value, broken = parse_lone_surrogates(frame, problem)
    if type(value) is not dict:
        raise Malformed("not a JSON object")
    type_name = value.get("type")
    if type(type_name) is not str:
        raise BadMessage("", "type", "must be a string", *_address(value))
    if broken is not None:
        raise BadMessage(type_name, broken, "holds half a surrogate pair", *_address(value))
    shape = shapes.get(type_name)
    if shape is None:
        raise UnknownType(type_name[:MAX_ECHO_POINTS])
    try:
        message = shape.build(value)
    except Unfit as unfit:
        raise BadMessage(type_name, unfit.path, unfit.why, *_address(value)) from None
    if type_name == "ping" and len(orjson.dumps(message.t)) > MAX_PING_BYTES:
        raise BadMessage("ping", "t", f"must have at most {MAX_PING_BYTES} bytes as JSON")
    return message


def _address(value: dict[str, Any]) -> tuple[str | None, int | None]:
    """`doc` and `id` of a message that may be wrong in other ways, as far as these two are right."""
    doc, id = value.get("doc"), value.get("id")
    if type(doc) is not str or has_lone_surrogate(doc) or not 1 <= units(doc) <= _MAX_DOC_UNITS:
        doc = None
    if type(id) is not int or not 1 <= id <= MAX_SAFE_INTEGER:
        id = None
    return doc, id


_CLIENT_SHAPES = {cls.type: _Shape(cls) for cls in get_args(ClientMessage)}
_SERVER_SHAPES = {cls.type: _Shape(cls) for cls in get_args(ServerMessage)}

# The message in a text frame that a client, or a server, sent. They raise Malformed, UnknownType or BadMessage.
decode_client: Callable[[str | bytes], ClientMessage] = partial(_decode, _CLIENT_SHAPES)
decode_server: Callable[[str | bytes], ServerMessage] = partial(_decode, _SERVER_SHAPES)


# A field as it is written: its name, the value that is left out because the reader knows it, or None, and the members
# of the object in this field that may be None, and are left out then.
_Writable = tuple[str, Any, tuple[str, ...]]


def encode(message: ClientMessage | ServerMessage) -> str:
    """The text frame of a message. Fields that are None are left out, and so are defaults that the reader knows."""
    cls = type(message)
    members: dict[str, Any] = {"type": cls.type}
    for name, implied, optional in _WRITABLE[cls]:
        value = getattr(message, name)
        if value is None or (implied is not None and value == implied):
            continue
        for member in optional:
            if getattr(value, member) is None:
                value = _without_none(value)
                break
        members[name] = value
    return orjson.dumps(members).decode()


def _without_none(value: Any) -> dict[str, Any]:
    members = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {name: member for name, member in members.items() if member is not None}


def _writable(cls: type) -> tuple[_Writable, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple((f.name, _implied(cls, f.name, f.default), _optional(hints[f.name])) for f in fields(cls))


def _implied(cls: type, name: str, default: Any) -> Any:
    """The default that is not written: any of a client's, and of a server's what `LEFT_OUT_BY_SERVER` names."""
    is_known = cls in get_args(ClientMessage) or name in LEFT_OUT_BY_SERVER
    return default if is_known and default is not MISSING else None


def _optional(annotation: Any) -> tuple[str, ...]:
    """Members that may be None of the object that a field holds. Deeper down, and in arrays, there must be none."""
    base, _ = type_and_limits(annotation)
    inner = get_args(base) if get_origin(base) is tuple else ()
    if is_dataclass(base):
        inner = tuple(get_type_hints(base, include_extras=True).values())
    if any(_optional(part) for part in inner if part is not Ellipsis):
        raise TypeError(f"optional members inside {base!r} would be written as null")
    return tuple(field.name for field in fields(base) if field.default is None) if is_dataclass(base) else ()


_WRITABLE = {cls: _writable(cls) for cls in (*get_args(ClientMessage), *get_args(ServerMessage))}
