"""From parsed arguments to settings."""

from __future__ import annotations

from argparse import Namespace

from afterword.config.load import load
from afterword.config.settings import GROUP_OF, RENAMED, Settings


def settings_of(args: Namespace) -> Settings:
    """The settings for these arguments. Raises `SettingsError`."""
    flags = {name: value for name, value in vars(args).items() if name in GROUP_OF or name in RENAMED}
    # Settings are still text; `complete` and `try` have a flag `--max-tokens` of their own, which is a number.
    return load({name: value for name, value in flags.items() if isinstance(value, str)}, args.config)
