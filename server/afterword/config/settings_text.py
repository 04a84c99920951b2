"""Settings in words: what is wrong with one, and the documentation's table of all.

`python -m afterword.config --check` fails when the table in docs/configuration.md is out of date, and
`--write` renews it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from afterword.config.settings import PREFIX, Settings

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"
BEGIN, END = "<!-- settings -->", "<!-- /settings -->"
NO_FLAG = frozenset({"tokens", "metrics_token"})
"""Secrets: a command line is open to all users of a machine."""


def fields(*groups: str) -> Iterator[tuple[str, FieldInfo]]:
    """Names and fields of all settings, or of those groups."""
    for name, field in Settings.model_fields.items():
        if not groups or extra(field, "group") in groups:
            yield name, field


def extra(field: FieldInfo, key: str) -> str:
    """What a setting's declaration says besides pydantic's own fields: its `group` or `unit`."""
    found = field.json_schema_extra
    return str(found.get(key, "")) if isinstance(found, dict) else ""


def flag_of(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def allowed(field: FieldInfo) -> str:
    """What values a setting takes, in words."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)] or [field.annotation]
    if all(isinstance(kind, str) for kind in kinds):
        return "one of " + ", ".join(str(kind) for kind in kinds)
    if bool in kinds:
        return "true or false"
    kind = "a whole number" if int in kinds else "a number" if float in kinds else "a path" if Path in kinds else "text"
    if field.annotation is not None and getattr(field.annotation, "__origin__", None) is tuple:
        kind = "a list, parted by commas"
    least = next((bound.ge for bound in field.metadata if getattr(bound, "ge", None) is not None), None)
    most = next((bound.le for bound in field.metadata if getattr(bound, "le", None) is not None), None)
    span = f" from {least} to {most}" if most is not None else f", {least} or more" if least is not None else ""
    return kind + span


def explain(error: ValidationError, flags: Mapping[str, Any], file: Mapping[str, Any], path: Path | None) -> str:
    """One line for each setting that is wrong: its name, where it came from, its value, and what is allowed."""
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0])
        variable = PREFIX + name.upper()
        if name in flags:
            source, value = flag_of(name), flags[name]
        elif name not in file or variable in os.environ:
            source, value = variable, os.environ.get(variable, "")
        else:
            source, value = str(path), file[name]
        field = Settings.model_fields.get(name)
        if field is None:
            near = difflib.get_close_matches(name, Settings.model_fields, 1)
            lines.append(f"{source}: there is no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        else:
            shown = "the value given" if name in NO_FLAG else repr(value)
            lines.append(f"setting {name}, from {source}: {shown} is not allowed; it must be {allowed(field)}")
    return "\n".join(dict.fromkeys(lines))


def table() -> str:
    """The settings as a Markdown table."""
    rows = ["| setting | default | unit | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, field in fields():
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        rows.append(f"| `{name}` | {default} | {extra(field, 'unit')} | {allowed(field)} | {field.description} |")
    return "\n".join(rows)


def main(arguments: list[str], page: Path = PAGE) -> int:
    """Print the table, or with `--check` compare the one on the page with it, or with `--write` renew it there."""
    if arguments not in ([], ["--check"], ["--write"]):
        print("usage: python -m afterword.config [--check | --write]")
        return 2
    if not arguments:
        print(table())
        return 0
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{page} lacks the marks {BEGIN} and {END}, between which the table of settings belongs")
        return 1
    wanted = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if arguments == ["--write"]:
        page.write_text(wanted, "utf-8")
    elif text != wanted:
        print(f"the table of settings in {page} is out of date: run  python -m afterword.config --write")
        return 1
    return 0
