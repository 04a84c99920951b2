"""Where two lists of tokens are alike: common beginnings, and places that end alike. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

COMPARED_TOKENS = 64


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix of two lists of tokens."""
    end = min(len(left), len(right))
    at = 0
    # Comparing slices runs at C speed; only the piece where they part is walked.
    while at < end and left[at : at + COMPARED_TOKENS] == right[at : at + COMPARED_TOKENS]:
        at += COMPARED_TOKENS
    at = min(at, end)
    while at < end and left[at] == right[at]:
        at += 1
    return at


def common_suffix(left: Sequence[int], left_end: int, right: Sequence[int], most: int) -> int:
    """How many tokens before `left_end` and at the end of `right` are the same, `most` at most."""
    most = min(most, left_end, len(right))
    length = 0
    while length < most and left[left_end - 1 - length] == right[-1 - length]:
        length += 1
    return length


def places_after(ending: Sequence[int], tokens: Sequence[int]) -> Iterator[int]:
    """Places in `tokens`, before its end, where `ending` (not empty) has just ended; the last one first."""
    # As bytes, because searching those runs at C speed. Neither is longer than a few thousand tokens.
    haystack, needle = array("q", tokens).tobytes(), array("q", ending).tobytes()
    width = len(needle) // len(ending)
    at = haystack.rfind(needle, 0, max(0, len(haystack) - width))
    while at >= 0:
        if at % width == 0:
            yield at // width + len(ending)
        at = haystack.rfind(needle, 0, at + len(needle) - 1)
