"""The secrets of a server: those of the settings, of `AFTERWORD_TOKEN`, and of the token file.

Not here: comparing them with what a client sends (`gateway.auth`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from afterword.config.settings import Settings, SettingsError

TOKEN_VARIABLE = "AFTERWORD_TOKEN"


def with_all_tokens(settings: Settings) -> Settings:
    """The settings with every token in `tokens`. Raises `SettingsError` if the token file cannot be used."""
    file = settings.server.token_file
    try:
        tokens = gather_tokens([*settings.server.tokens, os.environ.get(TOKEN_VARIABLE, "")], file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SettingsError(f"token_file: {file} cannot be used: {reason}") from error
    return settings.changed(tokens=tokens)


def gather_tokens(tokens: Iterable[str] = (), file: Path | None = None) -> tuple[str, ...]:
    """These tokens and those of a file, each once, without blank ones.

    Raises `OSError` if the file cannot be read, and `ValueError` if it has no token: a server that is configured to
    require tokens must not stand open because a file is empty.
    """
    found = list(tokens)
    if file is not None:
        in_file = parse_tokens(file.read_text(encoding="utf-8"))
        if not in_file:
            raise ValueError(f"the token file {file} has no token; write one per line")
        found += in_file
    stripped = (token.strip() for token in found)
    return tuple(dict.fromkeys(token for token in stripped if token))


def parse_tokens(text: str) -> list[str]:
    """The tokens of a file: one per line; empty lines and lines that begin with `#` do not count."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
