"""An answer as it streams in, and what of it still fits the text. Times are seconds of `time.perf_counter`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Answer:
    """What a server wrote for one request.

    `before`, `after`: the text around the caret when it was asked.
    `arrivals`: when how many characters of `text` were there. `ended`: when nothing more was to come.
    `computed`: tokens that were computed for this, prompt and text; `written`: of them, those of the text. Both as far
    as the server told; None if it told nothing.
    `fault`: what went wrong, if anything did.
    """

    before: str
    after: str
    asked: float
    text: str = ""
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    ended: float | None = None
    computed: int | None = None
    written: int | None = None
    fault: str = ""

    def add(self, piece: str, now: float) -> None:
        """More text came."""
        if piece:
            self.text += piece
            self.arrivals.append((now, len(self.text)))

    def end(self, now: float, length: int | None = None) -> None:
        """Nothing more comes. `length`: the text ends after so many characters, and what came beyond is dropped."""
        self.ended = now
        if length is not None and length < len(self.text):
            self.text = self.text[:length]
            kept = [(at, reached) for at, reached in self.arrivals if reached <= length]
            beyond = [(at, length) for at, reached in self.arrivals if reached > length][:1]
            self.arrivals = kept + (beyond if length > (kept[-1][1] if kept else 0) else [])

    def fail(self, fault: str, now: float) -> None:
        """It went wrong, and nothing more comes."""
        self.fault = self.fault or fault
        self.ended = now

    def typed(self, before: str, after: str) -> int | None:
        """Characters of the answer that have been typed since, or None if the text went another way."""
        whole = self.before + self.text
        if after != self.after or len(before) < len(self.before) or not whole.startswith(before):
            return None
        return len(before) - len(self.before)

    def ghost(self, before: str, after: str) -> str:
        """What would be painted after the caret now."""
        typed = self.typed(before, after)
        return "" if typed is None else self.text[typed:]

    def serves(self, before: str, after: str) -> bool:
        """Whether a client need not ask anew: the answer fits, and more of it is ahead or still to come."""
        typed = self.typed(before, after)
        return typed is not None and (typed < len(self.text) or self.ended is None)

    def first_valid(self, before: str, after: str, since: float) -> float | None:
        """When there was text ahead of this caret, not before `since`; None if there has been none so far."""
        typed = self.typed(before, after)
        if typed is None:
            return None
        return next((max(since, at) for at, length in self.arrivals if length > typed), None)

    def silent_since(self, before: str, after: str, since: float) -> float | None:
        """When the server had said, without a fault, that it has nothing for this caret; None if it has not."""
        if self.ended is None or self.fault or self.typed(before, after) != len(self.text):
            return None
        return max(since, self.ended)


def newly_shown(left: str, ghost: str) -> int:
    """Characters of a ghost text that were not on the screen already, where `left` was still standing."""
    standing = 0
    for old, new in zip(left, ghost, strict=False):
        if old != new:
            break
        standing += 1
    return len(ghost) - standing
