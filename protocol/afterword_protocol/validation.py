"""Checks of JSON values against the types and limits that the message classes declare.

`checker(annotation)` compiles one annotation into a function from a parsed JSON value to a field value. Nothing here
knows about messages or frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from afterword_protocol.messages import Bounds, Length
from afterword_protocol.utf16 import units

Check = Callable[[Any], Any]


class Unfit(Exception):
    """A value does not fit its field. `path` names the part of it that does not, `why` says what was expected."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.path = path


class Shape:
    """The fields of a dataclass, compiled: builds an instance from a parsed JSON object."""

    def __init__(self, cls: type) -> None:
        hints = get_type_hints(cls, include_extras=True)
        self._cls = cls  # what is built
        self.checks: dict[str, Check] = {}  # by field name, in the order of the class
        self.required: list[str] = []  # fields without a default
        for field in fields(cls):
            self.checks[field.name] = checker(hints[field.name])
            if field.default is MISSING and field.default_factory is MISSING:
                self.required.append(field.name)

    def build(self, value: dict[str, Any]) -> Any:
        """An instance of the class from a JSON object; unknown members are ignored, null counts as absent."""
        given: dict[str, Any] = {}
        for name, check in self.checks.items():
            member = value.get(name)
            if member is not None:
                try:
                    given[name] = check(member)
                except Unfit as unfit:
                    raise Unfit(unfit.why, f"{name}.{unfit.path}" if unfit.path else name) from None
        for name in self.required:
            if name not in given:
                raise Unfit("is missing", name)
        return self._cls(**given)


def checker(annotation: Any) -> Check:
    """Compile an annotation: str, int, float, enums, dataclasses, tuples of one type, and these or None."""
    if get_origin(annotation) is Annotated:
        base, *marks = get_args(annotation)
        return _scalar(base, next((mark for mark in marks if isinstance(mark, Bounds | Length)), None))
    if get_origin(annotation) in (Union, UnionType):
        (inner,) = (arg for arg in get_args(annotation) if arg is not NoneType)
        return checker(inner)
    if get_origin(annotation) is tuple:
        return _array(checker(get_args(annotation)[0]))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _choice(annotation)
    if is_dataclass(annotation):
        assert isinstance(annotation, type)
        return _object(annotation)
    return _scalar(annotation, None)


def _scalar(base: Any, mark: Bounds | Length | None) -> Check:
    if base is Any:
        return lambda value: value
    if base is str:
        return _string(mark if isinstance(mark, Length) else Length())
    if base in (int, float):
        return _number(base, mark if isinstance(mark, Bounds) else Bounds())
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
        return tuple(item(member) for member in value)

    return check


def _object(cls: type) -> Check:
    shape = Shape(cls)

    def check(value: Any) -> Any:
        if type(value) is not dict:
            raise Unfit("must be an object")
        return shape.build(value)

    return check
