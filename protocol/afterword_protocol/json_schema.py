"""The messages' dataclasses as JSON Schema 2020-12.

What lives here: turning types and their constraints into schemas, as plain data. Descriptions come from the field
tables of the specification; files are written by `schema.py`. Nothing that serves connections imports it.
"""

from __future__ import annotations

import dataclasses
import typing
from enum import StrEnum
from typing import Any

from afterword_protocol import messages
from afterword_protocol.codec import LEFT_OUT_BY_SERVER
from afterword_protocol.messages import Bounds, Length
from afterword_protocol.specification import MessageNotes
from afterword_protocol.validation import type_and_limits

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_JSON_TYPES: dict[Any, str | list[str]] = {
    str: "string",
    int: "integer",
    float: "number",
    Any: ["string", "number", "boolean", "object", "array"],  # all but null, which counts as absent
}

# Rules between fields, which no single field's type can say.
BETWEEN_FIELDS: dict[str, Schema] = {
    "done": {"oneOf": [{"required": ["text", "boundaries"]}, {"required": ["alternatives"]}]},
}


def client_types() -> tuple[type[Any], ...]:
    """The messages a client sends, in the order of the specification."""
    return typing.get_args(messages.ClientMessage)


def server_types() -> tuple[type[Any], ...]:
    """The messages a server sends, in the order of the specification."""
    return typing.get_args(messages.ServerMessage)


def client_schema(notes: dict[str, MessageNotes]) -> Schema:
    """What a server reads. Optional fields may be null, which counts as absent."""
    return _envelope("client-message", "A message from an Afterword client", client_types(), notes, nullable=True)


def server_schema(notes: dict[str, MessageNotes]) -> Schema:
    """What a client reads. Fields that do not apply are left out, never null."""
    return _envelope("server-message", "A message from an Afterword server", server_types(), notes, nullable=False)


def message_schema(message: type[Any], notes: MessageNotes, *, nullable: bool) -> Schema:
    """The schema of one message type. `nullable`: optional fields may also be null."""
    body = _object(message, "", notes, nullable)
    discriminator = {"type": {"const": message.type, "description": "Says which message this is."}}
    return {
        "title": message.type,
        "description": first_paragraph(message),
        "type": "object",
        "properties": discriminator | body["properties"],
        "required": ["type", *body.get("required", [])],
    } | BETWEEN_FIELDS.get(message.type, {})


def limits_text(annotation: object) -> str:
    """The bounds of a field's type in the words of the specification's tables; empty when it has none."""
    base, limits = type_and_limits(annotation)
    if _is_enum(base):
        return " ".join(f"`{value}`" for value in base)
    if not isinstance(limits, Bounds | Length):
        return ""
    unit = " units" if isinstance(limits, Length) else ""
    least = f"{limits.least or 0:g}"
    if limits.greatest is None:
        return f"{least} or more{unit}"
    if limits.greatest == messages.MAX_SAFE_INTEGER:
        return f"{least} to 2^53 − 1{unit}"
    return f"{least} to {limits.greatest:g}{unit}"


def is_always_there(field: dataclasses.Field[Any], *, from_client: bool) -> bool:
    """Whether a field is in every message of its kind. A server writes its defaults, but for `LEFT_OUT_BY_SERVER`."""
    if field.default is dataclasses.MISSING:
        return True
    return not from_client and field.default is not None and field.name not in LEFT_OUT_BY_SERVER


def _envelope(
    name: str, title: str, kinds: tuple[type[Any], ...], notes: dict[str, MessageNotes], *, nullable: bool
) -> Schema:
    empty = MessageNotes({}, [])
    return {
        "$schema": DIALECT,
        "$id": f"urn:afterword:protocol:{messages.PROTOCOL_VERSION}:{name}",
        "title": title,
        "description": (
            "Generated from the message types; PROTOCOL.md is the specification. Fields not named here are allowed "
            "and ignored. JSON Schema counts the length of a string in code points and takes 1.0 for an integer; the "
            "protocol counts UTF-16 code units and does not. So every message that is right passes, and a few that "
            "are wrong pass too."
        ),
        "oneOf": [{"$ref": f"#/$defs/{kind.type}"} for kind in kinds],
        "$defs": {kind.type: message_schema(kind, notes.get(kind.type, empty), nullable=nullable) for kind in kinds},
    }


def _object(kind: type[Any], path: str, notes: MessageNotes, nullable: bool) -> Schema:
    hints = typing.get_type_hints(kind, include_extras=True)
    properties: Schema = {}
    required: list[str] = []
    for field in dataclasses.fields(kind):
        where = f"{path}{field.name}"
        needed = is_always_there(field, from_client=nullable)
        schema = _value(hints[field.name], where, notes, nullable)
        if nullable and not needed:
            schema = _or_null(schema)
        if not needed and field.default not in (None, ()):
            schema["default"] = field.default.value if isinstance(field.default, StrEnum) else field.default
        meaning = notes.meaning(where)
        if meaning:
            length = schema.pop("$units", None)
            schema["description"] = f"{meaning} At most {length} UTF-16 code units." if length else meaning
        schema.pop("$units", None)
        properties[field.name] = schema
        if needed:
            required.append(field.name)
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _value(annotation: object, path: str, notes: MessageNotes, nullable: bool) -> Schema:
    base, limits = type_and_limits(annotation)
    if _is_enum(base):
        return {"enum": [value.value for value in base]}
    if typing.get_origin(base) is tuple:
        return {"type": "array", "items": _value(typing.get_args(base)[0], f"{path}[]", notes, nullable)}
    if isinstance(base, type) and dataclasses.is_dataclass(base):
        return _object(base, f"{path}.", notes, nullable)
    schema: Schema = {"type": _JSON_TYPES[base]}
    if isinstance(limits, Bounds):
        bounds = {"minimum": limits.least, "maximum": limits.greatest}
        schema |= {key: bound for key, bound in bounds.items() if bound is not None}
    if isinstance(limits, Length):
        if limits.least:
            schema["minLength"] = limits.least
        if limits.greatest is not None:
            # A code point is one or two units, so a string within the limit has at most as many code points.
            schema |= {"maxLength": limits.greatest, "$units": limits.greatest}
    return schema


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return schema | {"enum": [*schema["enum"], None]}
    return schema | {"type": [schema["type"], "null"]}


def _is_enum(base: object) -> typing.TypeGuard[type[StrEnum]]:
    return isinstance(base, type) and issubclass(base, StrEnum)


def first_paragraph(message: type[Any]) -> str:
    """The first paragraph of a message type's docstring, on one line."""
    return " ".join((message.__doc__ or "").strip().split("\n\n")[0].split())
