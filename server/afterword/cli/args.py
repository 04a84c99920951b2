"""From a parsed command line to settings."""

from __future__ import annotations

from argparse import Namespace

from afterword.config.load import load
from afterword.config.settings import Settings


def settings_of(args: Namespace) -> Settings:
    """The settings that apply to a command line. Raises `SettingsError`."""
    flags = {name: value for name, value in vars(args).items() if name in Settings.model_fields}
    # `complete` and `try` have a flag of their own by this name, which is no setting.
    return load({name: value for name, value in flags.items() if isinstance(value, str)}, args.config)
