"""Loads settings: gathers values from flags, `AFTERWORD_*` variables and a TOML file, and checks them once.

A flag wins over a variable, that over the file, that over the default. Not here: the settings themselves (`settings`),
and the text of errors (`settings_text`).
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic import TypeAdapter, ValidationError

from afterword.config.settings import GROUP_OF, RENAMED, Settings, SettingsError, all_fields, by_group
from afterword.config.settings_text import flag_of, unknown, wrong_value

PREFIX = "AFTERWORD_"
CONFIG_VARIABLE = "AFTERWORD_CONFIG"
CONFIG_NAME = "afterword.toml"

_LISTS = frozenset(each.name for each in all_fields() if isinstance(each.default, tuple))

_log = logging.getLogger("afterword.config")


@dataclass(frozen=True, slots=True)
class SourcedValue:
    """A value as its source gives it, and the name of that source."""

    value: Any
    source: str


def load(flags: Mapping[str, Any] | None = None, config: Path | None = None) -> Settings:
    """Settings from flags (by name; `None` was not given), variables, and a TOML file.

    `config` names the file; else `AFTERWORD_CONFIG` does; else it is `afterword.toml` in the working folder or, if
    there is none, in the user's configuration folder. Raises `SettingsError`.
    """
    path, in_file = read_file(config)
    values = {name: SourcedValue(value, str(path)) for name, value in in_file.items()}
    for name in (*RENAMED, *GROUP_OF):
        variable = PREFIX + name.upper()
        if variable in os.environ:
            values[name] = SourcedValue(os.environ[variable], variable)
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = SourcedValue(value, flag_of(name))
    return check(_with_new_names(values))


def check(values: Mapping[str, SourcedValue]) -> Settings:
    """The settings that these values make. Raises `SettingsError` with a line for each that is unknown or wrong."""
    lines = [unknown(name, given.source) for name, given in values.items() if name not in GROUP_OF]
    tree = by_group({name: _parsed(name, given.value) for name, given in values.items() if name in GROUP_OF})
    try:
        settings = TypeAdapter(Settings).validate_python(tree)
    except ValidationError as error:
        names = dict.fromkeys(str(problem["loc"][1]) for problem in error.errors(include_input=False))
        lines += [wrong_value(name, values[name].value, values[name].source) for name in names]
    if lines:
        raise SettingsError("\n".join(lines))
    return settings


def read_file(config: Path | None) -> tuple[Path | None, dict[str, Any]]:
    """The TOML file that applies and its values. Raises `SettingsError` if a named one is missing or any is broken."""
    named = config or (Path(value) if (value := os.environ.get(CONFIG_VARIABLE, "")) else None)
    usual = [Path(CONFIG_NAME), user_config_path("afterword", appauthor=False) / CONFIG_NAME]
    path = named or next((candidate for candidate in usual if candidate.is_file()), None)
    if path is None:
        return None, {}
    try:
        return path, tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise SettingsError(f"the settings file {path} is not valid TOML: {error}") from error


def _with_new_names(values: dict[str, SourcedValue]) -> dict[str, SourcedValue]:
    """The values with old names replaced, each with a warning. A value under the new name wins."""
    renamed: dict[str, SourcedValue] = {}
    for old, new in RENAMED.items():
        given = values.pop(old, None)
        if given is not None:
            _log.warning(
                "%s: the setting %s is now called %s; the next version drops the old name", given.source, old, new
            )
            renamed[new] = given
    return renamed | values


def _parsed(name: str, value: Any) -> Any:
    """A list that a flag or a variable gives as text, with commas between its items."""
    if name in _LISTS and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value
