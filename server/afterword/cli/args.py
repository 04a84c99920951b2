"""From a parsed command line to settings."""

from __future__ import annotations

from argparse import Namespace

from afterword.config.settings import Settings, load


def settings_of(given: Namespace) -> Settings:
    """The settings that apply to a command line. Raises `SettingsError`."""
    flags = {name: value for name, value in vars(given).items() if name in Settings.model_fields}
    # `complete` and `try` have a flag of their own by this name, which is no setting.
    return load({name: value for name, value in flags.items() if isinstance(value, str)}, given.config)
