"""An error that ends a command, in words for whoever typed it."""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot be carried out; the message says why."""
