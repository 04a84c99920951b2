"""The five rows of figures in README.md, from the raw numbers of the measurements.

What lives here: which figures a newcomer reads first, and their words. What was not measured is said to be so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .cold_paths import END, MEND, OPEN, PASTE
from .keystrokes import Answered
from .replay.outcomes import PROSE, Figures, Load, figures, ratio
from .replay.plan import SEVERAL_WRITERS, ReplayPlan
from .replay.servers import AFTERWORD, LLAMA
from .replay.tables import LATER
from .replay.trials import Results
from .report import Section, as_table, median, number

NOT_MEASURED = "not measured"
MANY_WRITERS = 64


class Headline:
    """Works the rows out."""

    def __init__(self, sections: Sequence[Section], replay: Results | None, plan: ReplayPlan) -> None:
        self._raw: dict[str, Any] = {}
        for section in sections:
            self._raw |= section.raw
        self._replay = replay or Results()
        self._plan = plan

    def markdown(self, machine: dict[str, str]) -> str:
        """The table, with the machine and the servers it was measured on."""
        described = self._replay.descriptions
        servers = [
            f"{name} ({described[name].precision_and_version})" for name in (AFTERWORD, LLAMA) if name in described
        ]
        beside = f": {' beside '.join(servers)}" if servers else ""
        rows = [["median of one writer; of 8 writers", "Afterword", "llama.cpp", "ratio"], *self.rows()]
        return "\n".join([f"Measured on {machine['processor']}{beside}, same weights.", "", *as_table(rows)])

    def rows(self) -> list[list[str]]:
        """Five rows of four cells."""
        return [
            self._first_text("a key in prose to its first text", self._plan.base),
            self._first_text("a key in text that nobody foresees", self._plan.unforeseen),
            self._shares(),
            self._cold(),
            self._answered(),
        ]

    def _first_text(self, name: str, load_of: Any) -> list[str]:
        pairs = [(self._of(AFTERWORD, load), self._of(LLAMA, load)) for load in (load_of(1), load_of(SEVERAL_WRITERS))]
        ours = "; ".join(_time(one) for one, _ in pairs)
        theirs = "; ".join(_time(other) for _, other in pairs)
        return [name, ours, theirs, "; ".join(_ratio(one, other) for one, other in pairs)]

    def _shares(self) -> list[str]:
        shares = self._raw.get("shares", {}).get(PROSE, {})
        words = []
        for way in (Answered.THROUGH, Answered.WITHOUT_STEP, Answered.WITH_STEP):
            both = [shares.get(str(writers), {}).get(str(way)) for writers in (1, SEVERAL_WRITERS)]
            told = "; ".join(NOT_MEASURED if share is None else f"{share:.0%}" for share in both)
            words.append(f"{told} {way}")
        return ["how keys in prose were answered", ", ".join(words), "each by steps of the model", ""]

    def _cold(self) -> list[str]:
        times = self._raw.get("cold_ms", {})

        def told(server: str) -> str:
            values = [[one for one in times.get(server, {}).get(act, []) if one is not None] for act in acts]
            return ", ".join(f"{number(median(one), 0)} ms" if one else NOT_MEASURED for one in values)

        acts = (OPEN, PASTE, END, MEND)
        ratios = [self._raw.get("cold_ratio", {}).get(AFTERWORD, {}).get(act) for act in acts]
        name = "; ".join(acts)
        return [name, told(AFTERWORD), told(LLAMA), ", ".join("" if one is None else f"{one:.2f}" for one in ratios)]

    def _answered(self) -> list[str]:
        loads = [self._plan.base(SEVERAL_WRITERS), self._plan.base(MANY_WRITERS)]
        cells = []
        for server in (AFTERWORD, LLAMA):
            found = [self._of(server, load) for load in loads]
            cells.append("; ".join(NOT_MEASURED if one is None else f"{one.answered:.1%}" for one in found))
        return [f"keys answered before the next: {SEVERAL_WRITERS}; {MANY_WRITERS} writers", *cells, ""]

    def _of(self, server: str, load: Load) -> Figures | None:
        trials = self._replay.of(server, load)
        return figures(trials) if trials else None


def _time(one: Figures | None) -> str:
    if one is None:
        return NOT_MEASURED
    return LATER if one.median_ms == float("inf") else f"{one.median_ms:.1f} ms"


def _ratio(ours: Figures | None, theirs: Figures | None) -> str:
    times = ratio(ours.median_ms, theirs.median_ms) if ours is not None and theirs is not None else None
    return "" if times is None else f"{times:.2f}"
