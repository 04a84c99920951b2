"""What comes of a comparison: medians of both sides, their ratio, and how much that changes from round to round.

Pure: values in, a table out. Values are times or shares, of which less is better; a time that never came is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..replay.outcomes import ratio
from ..report import Section, median, spread

TOLERANCE = 1.05  # a figure may be this many times as high as before
FEWEST_ROUNDS = 2  # that can agree about anything


class Side(StrEnum):
    """Whose values they are."""

    BASE = "base"
    THIS = "this"


class SpeedVerdict(StrEnum):
    """What can be said of a figure, if it was measured in several rounds."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = ""


@dataclass(slots=True)
class Compared:
    """One figure: its values by side and round. `unit` and `digits`: how they are written."""

    name: str
    unit: str = "ms"
    digits: int = 1
    rounds: dict[Side, list[Sequence[float]]] = field(default_factory=lambda: {side: [] for side in Side})

    def all(self, side: Side) -> list[float]:
        """The values of all rounds."""
        return [value for values in self.rounds[side] for value in values]

    @property
    def ratio(self) -> float | None:
        """How many times the base's median this one is, over all rounds; None if that cannot be said."""
        base, this = self.all(Side.BASE), self.all(Side.THIS)
        return ratio(median(this), median(base)) if base and this else None

    @property
    def round_ratios(self) -> list[float]:
        """The same of each round."""
        pairs = zip(self.rounds[Side.BASE], self.rounds[Side.THIS], strict=False)
        known = [ratio(median(this), median(base)) for base, this in pairs if base and this]
        return [one for one in known if one is not None]

    @property
    def verdict(self) -> SpeedVerdict:
        """Slower or faster only if the medians differ by more than the tolerance and every round agrees."""
        over_all, each = self.ratio, self.round_ratios
        if over_all is None or len(each) < FEWEST_ROUNDS:
            return SpeedVerdict.SAME
        if over_all > TOLERANCE and min(each) > 1:
            return SpeedVerdict.SLOWER
        if over_all < 1 / TOLERANCE and max(each) < 1:
            return SpeedVerdict.FASTER
        return SpeedVerdict.SAME


def section(compared: Mapping[str, Compared], base: str) -> Section:
    """A table with a line for each figure. `base`: what the other side is, in words."""
    made = Section(f"This checkout against {base}")
    made.note = (
        f"Medians over all rounds, with the least and greatest ratio of a round. "
        f"Slower: more than {TOLERANCE} times the base's median, and slower in every round."
    )
    made.table = [["figure", "base: median (10th-90th, n)", "this", "ratio (rounds)", ""]]
    for one in compared.values():
        cells = [f"{spread(one.all(side), one.digits)} {one.unit}" for side in Side]
        made.table.append([one.name, *cells, _ratios(one), str(one.verdict)])
    made.raw = {
        name: {side: [[_finite(v) for v in values] for values in one.rounds[side]] for side in Side}
        for name, one in compared.items()
    }
    return made


def _ratios(one: Compared) -> str:
    if one.ratio is None:
        return "unknown"
    each = one.round_ratios
    return f"{one.ratio:.2f} ({min(each):.2f}-{max(each):.2f})" if each else f"{one.ratio:.2f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
