"""The command `afterword`: serve, complete, try, models."""

from afterword.cli.main import main

__all__ = ["main"]
