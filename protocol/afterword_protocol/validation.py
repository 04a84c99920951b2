"""Checks of JSON values against the types and limits that the message classes declare.

What lives here: reading an annotation, and compiling one into a function from a parsed JSON value to a field's value.
Objects are put together in codec.py; nothing here knows about messages or frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from afterword_protocol.messages import Bounds, Length
from afterword_protocol.utf16 import units

Check = Callable[[Any], Any]


class Unfit(Exception):
    """A value does not fit its field. `path` names the part of it that does not, `why` says what was expected."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.path = path


def type_and_limits(annotation: Any) -> tuple[Any, Bounds | Length | None]:
    """The type that an annotation declares, without its `| None`, and the limits of its values if it has some."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Annotated:
        base, *extras = get_args(annotation)
        return base, next((extra for extra in extras if isinstance(extra, Bounds | Length)), None)
    return annotation, None


def checker(annotation: Any, object_check: Callable[[type], Check]) -> Check:
    """Compile an annotation: str, int, float, enums, dataclasses, tuples of one type, and these or None.

    `object_check`: compiles the check of a JSON object that is to become an instance of a dataclass.
    """
    base, limits = type_and_limits(annotation)
    if base is Any:
        return lambda value: value
    if base is str:
        return _string(limits if isinstance(limits, Length) else Length())
    if base in (int, float):
        return _number(base, limits if isinstance(limits, Bounds) else Bounds())
    if get_origin(base) is tuple:
        return _array(checker(get_args(base)[0], object_check))
    if isinstance(base, type) and issubclass(base, StrEnum):
        return _choice(base)
    if isinstance(base, type) and is_dataclass(base):
        return object_check(base)
    raise TypeError(f"no check for {base!r}")


def _string(length: Length) -> Check:
    least, greatest = length.least, length.greatest

    def check(value: Any) -> Any:
        if type(value) is not str:
            raise Unfit("must be a string")
        if len(value) < least:
            raise Unfit(f"must have at least {least} UTF-16 code units")
        if greatest is not None and len(value) * 2 > greatest and units(value) > greatest:
            raise Unfit(f"must have at most {greatest} UTF-16 code units")
        return value

    return check


def _number(base: type, bounds: Bounds) -> Check:
    least = -math.inf if bounds.least is None else bounds.least
    greatest = math.inf if bounds.greatest is None else bounds.greatest
    whole = base is int
    noun = "an integer" if whole else "a number"

    def check(value: Any) -> Any:
        # type(), not isinstance: true and false are no numbers here
        if type(value) is not int and (whole or type(value) is not float):
            raise Unfit(f"must be {noun}")
        if not least <= value <= greatest:
            if greatest == math.inf:
                raise Unfit(f"must be at least {least}")
            raise Unfit(f"must be from {least} to {greatest}")
        return value

    return check


def _choice(cls: type[StrEnum]) -> Check:
    members: dict[Any, StrEnum] = {member.value: member for member in cls}
    names = ", ".join(members)

    def check(value: Any) -> Any:
        member = members.get(value) if type(value) is str else None
        if member is None:
            raise Unfit(f"must be one of {names}")
        return member

    return check


def _array(item: Check) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not list:
            raise Unfit("must be an array")
        return tuple(map(item, value))

    return check
