"""The judgements about text that a suggestion needs and that the protocol leaves to the server.

Pure functions of text, given to the state of a document from outside, because they rest on Unicode data (ICU).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from afterword_protocol.messages import Boundaries, Reason, Stop


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a suggestion: text before its anchor, text after the caret, language tag, kind of block."""

    before: str
    after: str
    language: str | None = None
    block: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much of a growing text may be shown.

    `release`: the first so many code points may be sent now; the rest waits for more text. Never falls as text grows.
    `reason`: set once the text is known to end after `release` code points (`stop`, `suffix` or `repetition`).
    """

    release: int
    reason: Reason | None = None


class TextRules(Protocol):
    """Where suggestions end and what parts they have."""

    def judge(self, around: Surroundings, text: str, stop: Stop, *, complete: bool) -> Verdict:
        """Judge `text`, which continues `around.before`. `complete`: no more text will come, so hold nothing back."""
        ...

    def words(self, around: Surroundings, text: str) -> tuple[int, ...]:
        """Rising code-point offsets at which a word (with the space or punctuation before it) has ended."""
        ...

    def boundaries(self, around: Surroundings, text: str) -> Boundaries:
        """Boundaries for partial acceptance, in UTF-16 units."""
        ...
