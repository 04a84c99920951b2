"""Messages to and from the text of WebSocket frames.

The decoders are compiled once, from the dataclasses that define the messages. Nothing here knows in which order
messages may come; that is the session's part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args

import orjson

from afterword_protocol.messages import MAX_SAFE_INTEGER, ClientMessage, ServerMessage, Token
from afterword_protocol.utf16 import has_lone_surrogate, units
from afterword_protocol.validation import Shape, Unfit

MAX_PING_BYTES = 256
_MAX_DOC_UNITS = 64
_MAX_ECHO_POINTS = 64  # of a name that a client made up, in error messages
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

    `type` is the message's, `field` names the field (a dotted path inside objects; empty if its name itself is at
    fault), `why` says what was expected;
    `doc` and `id` are those of the message where they can be read.
    """

    def __init__(self, type_name: str, field: str, why: str, doc: str | None = None, id: int | None = None) -> None:
        field = field[:_MAX_ECHO_POINTS]
        super().__init__(f"{field or 'the name of a field'} {why}")
        self.type = type_name
        self.field = field
        self.why = why
        self.doc = doc
        self.id = id


_CLIENT_SHAPES = {cls.type: Shape(cls) for cls in get_args(ClientMessage)}
_SERVER_SHAPES = {cls.type: Shape(cls) for cls in get_args(ServerMessage)}


def decode_client(frame: str | bytes) -> ClientMessage:
    """The message in a text frame sent by a client. Raises Malformed, UnknownType or BadMessage."""
    message: ClientMessage = _decode(frame, _CLIENT_SHAPES)
    return message


def decode_server(frame: str | bytes) -> ServerMessage:
    """The message in a text frame sent by a server. Raises Malformed, UnknownType or BadMessage."""
    message: ServerMessage = _decode(frame, _SERVER_SHAPES)
    return message


def encode(message: ClientMessage | ServerMessage) -> str:
    """The text frame of a message. Fields that are None are left out, and so are defaults that the reader knows."""
    return orjson.dumps(to_json(message)).decode()


def to_json(message: ClientMessage | ServerMessage) -> dict[str, Any]:
    """The message as an object for a JSON writer."""
    cls = type(message)
    plain: dict[str, Any] = {"type": cls.type}
    implied = _IMPLIED[cls]
    for name in cls.__dataclass_fields__:
        value = getattr(message, name)
        if value is not None and not (name in implied and value == implied[name]):
            plain[name] = value if type(value) in (str, int, float) else _plain(value)
    return plain


def _decode(frame: str | bytes, shapes: dict[str, Shape]) -> Any:
    broken: str | None = None
    try:
        value = orjson.loads(frame)
    except orjson.JSONDecodeError as problem:
        value = _parse_with_lone_surrogates(frame, problem)
        broken = next(_lone_surrogates(value), "")
    if type(value) is not dict:
        raise Malformed("not a JSON object")
    type_name = value.get("type")
    if type(type_name) is not str:
        raise BadMessage("", "type", "must be a string", *_address(value))
    if broken is not None:
        raise BadMessage(type_name, broken, "holds half a surrogate pair", *_address(value))
    shape = shapes.get(type_name)
    if shape is None:
        raise UnknownType(type_name[:_MAX_ECHO_POINTS])
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


def _parse_with_lone_surrogates(frame: str | bytes, problem: Exception) -> Any:
    """The value of a frame that orjson refused, if lone surrogates in its strings are all that is wrong with it."""
    try:
        text = frame if isinstance(frame, str) else bytes(frame).decode()
        if _SURROGATE_ESCAPE.search(text):
            value = json.loads(text, parse_constant=_refuse_constant)
            if any(True for _ in _lone_surrogates(value)):
                return value
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


def _plain(value: Any) -> Any:
    """Dataclasses as objects without their None fields; the rest as orjson takes it."""
    if is_dataclass(value):
        members = ((name, getattr(value, name)) for name in value.__dataclass_fields__)
        return {name: _plain(member) for name, member in members if member is not None}
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return value


def _implied(cls: type) -> dict[str, Any]:
    """Defaults that need not be written: all of a client's, and of a server's those that the specification names."""
    if cls in get_args(ClientMessage):
        return {field.name: field.default for field in fields(cls) if field.default not in (MISSING, None)}
    return {"alternative": 0} if cls is Token else {}


_IMPLIED = {cls: _implied(cls) for cls in (*get_args(ClientMessage), *get_args(ServerMessage))}
