"""When keys are pressed: log-normal gaps, and longer ones where people stop to think.

What lives here: times only. The shape follows studies of keystroke logs (Dhakal et al., "Observations on Typing from
136 Million Keystrokes", CHI 2018), in which gaps between keys are skewed to the right and about log-normal.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

SPREAD = 0.45  # standard deviation of the logarithm of a gap
LEAST_GAP_S = 0.03
WORD_FACTOR = 1.2  # before the first letter of a word
SENTENCE_PAUSE_S = 0.9  # median, after a sentence
PARAGRAPH_PAUSE_S = 1.6
LONGEST_PAUSE_S = 4.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How fast somebody types: `median_s` between keys inside a word."""

    median_s: float = 0.2

    def gap_s(self, before: str, dice: random.Random) -> float:
        """Seconds until the next key, when `before` is the text before the caret."""
        return min(LONGEST_PAUSE_S, max(LEAST_GAP_S, self._median_after(before) * math.exp(dice.gauss(0, SPREAD))))

    def _median_after(self, before: str) -> float:
        if before.endswith("\n"):
            return PARAGRAPH_PAUSE_S
        if before.endswith((". ", "! ", "? ", '." ', '?" ', '!" ')):
            return SENTENCE_PAUSE_S
        return self.median_s * (WORD_FACTOR if before.endswith(" ") else 1)
