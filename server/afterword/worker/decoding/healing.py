"""Token healing: which tokens agree with bytes that the writer has already typed after the prompt.

What lives here: a sorted table of the bytes of all tokens, and look-ups in it. A token agrees with remaining bytes if
it begins with all of them, or if it is a piece of their beginning after which the rest can still be written.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agreeing:
    """Tokens that agree with some bytes.

    `within`: ids of those that end before or with them. `whole`: places in `Healer.tokens` of those that are the bytes;
    `beyond`: of those that begin with them and go on, right behind. Half of all tokens begin with a space, so these are
    not gathered, only pointed at.
    """

    within: tuple[int, ...]
    whole: range
    beyond: range


class Healer:
    """Answers, for bytes that must come next, which tokens may. `tokens`: ids in the order of their bytes."""

    def __init__(self, token_bytes: Sequence[bytes | None], banned: Container[int] = ()) -> None:
        """`token_bytes[id]`: what a token adds to the text; None or empty for those that add nothing."""
        table = sorted((text, token) for token, text in enumerate(token_bytes) if text and token not in banned)
        self._texts = [text for text, _ in table]
        self.tokens = [token for _, token in table]
        self._ids: dict[bytes, tuple[int, ...]] = {}  # of the tokens that are these bytes
        for text, token in table:
            self._ids[text] = (*self._ids.get(text, ()), token)
        self._longest = max(map(len, self._texts), default=0)

    def agreeing(self, remaining: bytes) -> Agreeing:
        """Tokens that agree with `remaining` (not empty). Both groups are empty when nothing can write it."""
        # From the end backwards: from which places in the bytes on can the rest be written at all?
        size, longest, ids = len(remaining), self._longest, self._ids
        writable = [False] * size + [True]
        low = high = 0
        for at in range(size - 1, -1, -1):
            low, high = self._beginning_with(remaining[at:])
            writable[at] = low < high
            end = at + 1
            while not writable[at] and end <= size and end - at <= longest:
                writable[at] = writable[end] and remaining[at:end] in ids
                end += 1
        within: list[int] = []
        for end in range(1, min(size, longest) + 1):
            if writable[end]:
                within += ids.get(remaining[:end], ())
        # `low` and `high` are of all the bytes now. Tokens no longer than the bytes are those bytes, and stand before
        # all that go on.
        longer = bisect_right(self._texts, remaining, low, high)
        return Agreeing(tuple(within), range(low, longer), range(longer, high))

    def _beginning_with(self, piece: bytes) -> tuple[int, int]:
        """Where in the table the tokens that begin with `piece` lie."""
        low = bisect_left(self._texts, piece)
        stem = piece.rstrip(b"\xff")
        if not stem:
            return low, len(self._texts)
        after = stem[:-1] + bytes([stem[-1] + 1])
        return low, bisect_left(self._texts, after, lo=low)
