"""What Afterword means to reach on two cores, side by side with llama.cpp's server, and whether it did.

What lives here: the goals and how each is worked out from the raw numbers of other measurements. What was not measured
is neither met nor missed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .replay.peers import LLAMA, OURS
from .replay.plan import SEVERAL_WRITERS, Wishes, served
from .replay.rounds import Results
from .replay.table import all_figures, time_of
from .replay.tally import SOON_MS, Figures, Load, figures, ratio
from .report import Section, median

NOT_MEASURED = "not measured"
STEP_MS = 25.0
STEP_RATIO = 1.8
ONE_WRITER_RATIO = 1.0
SEVERAL_WRITERS_RATIO = 0.5
ANSWERED_SHARE = 0.99
SERVED_RATIO = 2.0
OVERHEAD_MS = 3.0
LOSS_WORSE = 0.005
START_S = 10.0
# "Flat" and "linear" are taken to hold while the last value is at most this much above what the first would give.
FLAT_TOLERANCE = 1.25


class Goals:
    """Works the goals out, in one section."""

    def __init__(
        self,
        sections: Sequence[Section],
        replay: Results | None,
        requests: Wishes,
        soon: Mapping[str, Mapping[int, bool]],
    ) -> None:
        """`soon`: by server and number of writers, whether the 95th percentile was below the limit."""
        self._raw: dict[str, Any] = {}
        for section in sections:
            self._raw |= section.raw
        self._replay = replay or Results()
        self._requests = requests
        self._soon = soon
        self.section = Section("Goals")

    def judge(self) -> Section:
        """All goals."""
        self._step()
        self._beside_llama(1, ONE_WRITER_RATIO)
        self._beside_llama(SEVERAL_WRITERS, SEVERAL_WRITERS_RATIO)
        self._answered()
        self._served()
        self._number("overhead of gateway, socket and queue, 1 writer", "overhead_ms", "{:.1f} ms", OVERHEAD_MS, "3 ms")
        self._number("loss on real prose against float32", "worse", "{:+.2%}", LOSS_WORSE, "0.5% worse")
        self._number("start to ready, the second time", "start_s", "{:.1f} s", START_S, "10 s")
        self._growth()
        return self.section

    def _step(self) -> None:
        steps = self._raw.get("step_ms", {})
        one = median(steps[1]) if 1 in steps else None
        several = median(steps[SEVERAL_WRITERS]) if SEVERAL_WRITERS in steps else None
        self._most("one model step, 1 row", one, "{:.1f} ms", STEP_MS, "25 ms")
        several_ratio = several / one if one and several else None
        self._most(
            "one model step, 8 rows of 8 documents", several_ratio, "{:.2f} times one row", STEP_RATIO, "1.8 times"
        )

    def _beside_llama(self, writers: int, goal: float) -> None:
        name = f"keystroke to first text, plain client, {writers} writer{'s' if writers > 1 else ''}"
        load = self._base(writers)
        ours, theirs = self._of(OURS, load), self._of(LLAMA, load)
        goal_words = f"at most {goal} times llama.cpp's server"
        if ours is None or theirs is None:
            self.section.add(name, NOT_MEASURED, goal_words)
            return
        times = ratio(ours.median_ms, theirs.median_ms)
        value = f"{_time(ours.median_ms)} against {_time(theirs.median_ms)}"
        value += f", {times:.2f} times" if times is not None else ""
        self.section.add(name, value, goal_words, times is not None and times <= goal)

    def _answered(self) -> None:
        name, goal = "keystrokes answered before the next, 8 writers at 200 ms", f"at least {ANSWERED_SHARE:.0%}"
        ours, theirs = self._of(OURS, self._base(SEVERAL_WRITERS)), self._of(LLAMA, self._base(SEVERAL_WRITERS))
        if ours is None:
            self.section.add(name, NOT_MEASURED, goal)
            return
        beside = f" (llama.cpp {theirs.answered:.1%})" if theirs is not None else ""
        self.section.add(name, f"{ours.answered:.1%}{beside}", goal, ours.answered >= ANSWERED_SHARE)

    def _served(self) -> None:
        name = f"writers at 200 ms a key with a 95th percentile under {SOON_MS:.0f} ms"
        goal = f"at least {SERVED_RATIO:.0f} times llama.cpp's server"
        ours, theirs = self._soon.get(OURS), self._soon.get(LLAMA)
        if not ours or not theirs:
            self.section.add(name, NOT_MEASURED, goal)
            return
        value = f"{_at_least(ours)} against {_at_least(theirs)}"
        # A server that serves not even the fewest writers tried gives nothing to be twice as good as.
        met = served(ours) >= max(SERVED_RATIO * served(theirs), min(ours))
        unknown = not met and served(ours) == max(ours)  # more writers than were tried might have been served
        self.section.add(name, value, goal, None if unknown else met)

    def _growth(self) -> None:
        every = [one for one in all_figures(self._replay) if one.server == OURS]
        fewest = self._base(min(self._requests.writers))
        lengths = [one for one in every if one.load == Load(fewest.writers, one.load.context, *_kind(fewest))]
        self._ratio_of_ends(
            "growth: keystroke to first text, longest document against shortest",
            [(one.load.context, one.median_ms) for one in lengths],
            "flat once warm",
            flat=True,
        )
        steps = self._raw.get("step_ms", {})
        self._ratio_of_ends(
            "growth: step time, most documents against 8",
            [(count, median(times)) for count, times in steps.items() if count >= SEVERAL_WRITERS],
            "no faster than the documents",
        )
        peaks = [(one.load.writers, one.peak_mib) for one in every if one.load == self._base(one.load.writers)]
        self._ratio_of_ends(
            "growth: memory, most writers against fewest",
            [(writers, mib) for writers, mib in peaks if mib is not None],
            "no faster than the writers",
        )

    def _ratio_of_ends(self, name: str, points: Sequence[tuple[int, float]], goal: str, flat: bool = False) -> None:
        points = sorted(points)
        if len(points) < 2:
            self.section.add(name, NOT_MEASURED, goal)
            return
        (first, low), (last, high) = points[0], points[-1]
        times = ratio(high, low)
        allowed = FLAT_TOLERANCE * (1 if flat else last / first)
        value = f"{high:.1f} at {last} against {low:.1f} at {first}" + (f", {times:.2f} times" if times else "")
        self.section.add(name, value, goal, times is not None and times <= allowed)

    def _number(self, name: str, key: str, form: str, goal: float, words: str) -> None:
        value = self._raw.get(key)
        self._most(name, value if isinstance(value, int | float) else None, form, goal, words)

    def _most(self, name: str, value: float | None, form: str, goal: float, words: str) -> None:
        if value is None or math.isnan(value):
            self.section.add(name, NOT_MEASURED, f"at most {words}")
        else:
            self.section.add(name, form.format(value), f"at most {words}", value <= goal)

    def _base(self, writers: int) -> Load:
        return self._requests.base(writers)

    def _of(self, server: str, load: Load) -> Figures | None:
        runs = self._replay.of(server, load)
        return figures(runs) if runs else None


def _kind(load: Load) -> tuple[int, str]:
    return load.gap_ms, load.client


def _time(ms: float) -> str:
    return time_of(ms) if math.isinf(ms) else f"{time_of(ms)} ms"


def _at_least(soon: Mapping[int, bool]) -> str:
    most = served(soon)
    return f"{most} or more" if most and most == max(soon) else str(most) if most else f"fewer than {min(soon)}"
