"""Ends of texts by length in UTF-16 units, never cutting a character in two. Pure."""

from __future__ import annotations

from afterword_protocol.utf16 import points_at_end, points_at_start, units


def head(text: str, most_units: int) -> str:
    """The longest start of `text` that has at most `most_units` units."""
    if len(text) * 2 <= most_units or units(text) <= most_units:
        return text
    points = points_at_start(text, most_units)
    return text[: points_at_start(text, most_units - 1) if points is None else points]


def tail(text: str, most_units: int) -> str:
    """The longest end of `text` that has at most `most_units` units."""
    if len(text) * 2 <= most_units or units(text) <= most_units:
        return text
    points = points_at_end(text, most_units)
    if points is None:
        points = points_at_end(text, most_units - 1)
    return text[len(text) - (points or 0) :]
