"""Lengths and offsets in UTF-16 code units, converted to and from Python's code points.

Messages count UTF-16 code units, everything inside counts code points; the difference is one unit for each character
beyond U+FFFF. The conversions look at no more text than the span they are asked about, so that a keystroke at the end
of a long document costs the length of the keystroke.
"""

from __future__ import annotations

_LAST_SINGLE_UNIT = "\uffff"
_UNIT_BYTES = 2


def units(text: str) -> int:
    """Length of `text` in UTF-16 code units."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // _UNIT_BYTES


def points_at_end(text: str, count_units: int) -> int | None:
    """How many code points the last `count_units` units of `text` are.

    None if `text` is shorter than that, or if the span would begin inside a surrogate pair.
    """
    if count_units == 0:
        return 0
    tail = text[-count_units:]
    if _single_units(tail):
        return count_units if len(tail) == count_units else None
    raw = tail.encode("utf-16-le")[-count_units * _UNIT_BYTES :]
    if len(raw) < count_units * _UNIT_BYTES or _is_low_surrogate(raw[1]):
        return None
    return len(raw.decode("utf-16-le"))


def points_at_start(text: str, count_units: int) -> int | None:
    """How many code points the first `count_units` units of `text` are.

    None if `text` is shorter than that, or if the span would end inside a surrogate pair.
    """
    if count_units == 0:
        return 0
    head = text[:count_units]
    if _single_units(head):
        return count_units if len(head) == count_units else None
    raw = head.encode("utf-16-le")[: count_units * _UNIT_BYTES]
    if len(raw) < count_units * _UNIT_BYTES or _is_high_surrogate(raw[-1]):
        return None
    return len(raw.decode("utf-16-le"))


def has_lone_surrogate(text: str) -> bool:
    """Whether `text` holds half of a surrogate pair, which is not a character."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _single_units(text: str) -> bool:
    return text.isascii() or max(text) <= _LAST_SINGLE_UNIT


def _is_high_surrogate(high_byte: int) -> bool:
    return 0xD8 <= high_byte <= 0xDB


def _is_low_surrogate(high_byte: int) -> bool:
    return 0xDC <= high_byte <= 0xDF
