"""The error that ends a command."""

from __future__ import annotations


class CommandError(Exception):
    """The command failed; the message tells the user why."""
