"""Where the values of settings come from: flags, `AFTERWORD_*` variables, a TOML file.

A flag wins over a variable, that over the file, that over the default. Not here: the settings themselves (`settings`),
and the text of errors (`settings_text`).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic import ValidationError

from afterword.config.settings import Settings, SettingsError, file_values
from afterword.config.settings_text import explain

CONFIG_VARIABLE = "AFTERWORD_CONFIG"
CONFIG_NAME = "afterword.toml"


def load(flags: Mapping[str, Any] | None = None, config: Path | None = None) -> Settings:
    """Settings from flags (names and texts that were given), variables, and a TOML file.

    `config` names the file; else `AFTERWORD_CONFIG` does; else `afterword.toml` in the working folder or, failing that,
    in the user's configuration folder is taken, if it exists. Raises `SettingsError`.
    """
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    path, values = read_file(config)
    reset = file_values.set(values)
    try:
        return Settings(**flags)
    except ValidationError as error:
        raise SettingsError(explain(error, flags, values, path)) from error
    finally:
        file_values.reset(reset)


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
