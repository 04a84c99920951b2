"""Settings in words: flags, what is allowed, what is wrong, and the table in the documentation.

`python -m afterword.config --check` fails if the table in docs/configuration.md is out of date; `--write` renews it.
"""

from __future__ import annotations

import difflib
from dataclasses import Field
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le

from afterword.config.settings import GROUP_OF, GROUPS, all_fields
from afterword.generated import keep_current

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def flag_of(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


@cache
def type_of(name: str) -> Any:
    """The type of a setting, with its limits."""
    return get_type_hints(GROUPS[GROUP_OF[name]], include_extras=True)[name]


def field_of(name: str) -> Field[Any]:
    """The declaration of a setting."""
    return next(each for each in all_fields(GROUP_OF[name]) if each.name == name)


def allowed(name: str) -> str:
    """What values a setting takes, in words."""
    kind = type_of(name)
    if get_origin(kind) not in (Annotated, Literal, tuple, None):
        kind = next(option for option in get_args(kind) if option is not NoneType)
    bounds: tuple[Any, ...] = ()
    if get_origin(kind) is Annotated:
        kind, *bounds_given = get_args(kind)
        bounds = tuple(bounds_given)
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return "a list, separated by commas"
    words = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path", str: "text"}
    least = next((bound.ge for bound in bounds if isinstance(bound, Ge)), None)
    most = next((bound.le for bound in bounds if isinstance(bound, Le)), None)
    if most is not None:
        return f"{words[kind]} from {least} to {most}"
    return words[kind] + (f", {least} or more" if least is not None else "")


def shown_default(name: str) -> str:
    """The default of a setting as text; empty if it has none."""
    default = field_of(name).default
    return "" if default in (None, (), "") else str(default)


def wrong_value(name: str, value: Any, source: str) -> str:
    """The line that says that a value is not allowed; a secret is not quoted."""
    shown = "the value given" if field_of(name).metadata["secret"] else repr(value)
    return f"setting {name}, from {source}: {shown} is not allowed; it must be {allowed(name)}"


def unknown(name: str, source: str) -> str:
    """The line that says that there is no such setting."""
    near = difflib.get_close_matches(name, GROUP_OF, 1)
    return f"{source}: there is no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def table() -> str:
    """The settings as a Markdown table."""
    rows = ["| setting | default | unit | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    for each in all_fields():
        default = f"`{shown_default(each.name)}`" if shown_default(each.name) else ""
        meaning = each.metadata["help"]
        rows.append(f"| `{each.name}` | {default} | {each.metadata['unit']} | {allowed(each.name)} | {meaning} |")
    return "\n".join(rows)


def main(arguments: list[str], page: Path = PAGE) -> int:
    """Print the table, or with `--check` compare the one on the page with it, or with `--write` renew it there."""
    return keep_current(arguments, page, "settings", table(), "python -m afterword.config")
