"""The command `afterword`: serve, complete, try, models."""

from .main import main

__all__ = ["main"]
