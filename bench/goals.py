"""What Afterword means to reach on two cores, side by side with llama.cpp's server, and whether it did.

What lives here: the goals and how each is worked out from the raw numbers of other measurements. What was not measured
is neither met nor missed. Beside medians stand the 10th to 90th percentile and the number of values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .replay.outcomes import SOON_MS, Figures, Load, figures, ratio
from .replay.plan import SEVERAL_WRITERS, ReplayPlan, served
from .replay.servers import AFTERWORD, LLAMA
from .replay.tables import LATER, TEXT_TITLES, all_figures
from .replay.trials import Results
from .report import Section, median, ms, number, spread

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
# "Flat" and "no faster" are taken to hold while the last value is at most this much above what the first would give.
GROWTH_TOLERANCE = 1.25


class Goals:
    """Works the goals out, in one section."""

    def __init__(
        self,
        sections: Sequence[Section],
        replay: Results | None,
        plan: ReplayPlan,
        soon: Mapping[str, Mapping[int, bool]],
    ) -> None:
        """`soon`: by server and number of writers, whether the 95th percentile was below the limit."""
        self._raw: dict[str, Any] = {}
        for section in sections:
            self._raw |= section.raw
        self._replay = replay or Results()
        self._plan = plan
        self._soon = soon
        self.section = Section("Goals")

    def judge(self) -> Section:
        """All goals."""
        self._step()
        for load_of in (self._plan.base, self._plan.unforeseen):
            self._beside_llama(load_of(1), ONE_WRITER_RATIO)
            self._beside_llama(load_of(SEVERAL_WRITERS), SEVERAL_WRITERS_RATIO)
        self._answered()
        self._served()
        self._overhead()
        self._number("loss on real prose against float32", "worse", "{:+.2%}", LOSS_WORSE, f"{LOSS_WORSE:.1%} worse")
        self._number("start to ready, the second time", "start_s", "{:.1f} s (n 1)", START_S, f"{START_S:.0f} s")
        self._growth()
        return self.section

    def _step(self) -> None:
        steps = self._raw.get("step_ms", {})
        one, several = steps.get(1, []), steps.get(SEVERAL_WRITERS, [])
        goal = f"at most {STEP_MS:.0f} ms"
        if one:
            self.section.add("one model step, 1 row", ms(one), goal, median(one) <= STEP_MS)
        else:
            self.section.add("one model step, 1 row", NOT_MEASURED, goal)
        name, goal = "one model step, 8 rows of 8 documents", f"at most {STEP_RATIO} times"
        if one and several:
            times = median(several) / median(one)
            self.section.add(name, f"{ms(several)}, {times:.2f} times one row", goal, times <= STEP_RATIO)
        else:
            self.section.add(name, NOT_MEASURED, goal)

    def _beside_llama(self, load: Load, goal: float) -> None:
        writers = f"{load.writers} writer{'s' if load.writers > 1 else ''}"
        name = f"keystroke to first text, {TEXT_TITLES[load.text]}, plain client, {writers}"
        ours, theirs = self._of(AFTERWORD, load), self._of(LLAMA, load)
        goal_words = f"at most {goal} times llama.cpp's server"
        if ours is None or theirs is None:
            self.section.add(name, NOT_MEASURED, goal_words)
            return
        times = ratio(ours.median_ms, theirs.median_ms)
        value = f"{_time(ours)} against {_time(theirs)}"
        value += f", {times:.2f} times" if times is not None else ""
        self.section.add(name, value, goal_words, times is not None and times <= goal)

    def _answered(self) -> None:
        name, goal = "keystrokes answered before the next, 8 writers at 200 ms", f"at least {ANSWERED_SHARE:.0%}"
        base = self._plan.base(SEVERAL_WRITERS)
        ours, theirs = self._of(AFTERWORD, base), self._of(LLAMA, base)
        if ours is None:
            self.section.add(name, NOT_MEASURED, goal)
            return
        beside = f" (llama.cpp {theirs.answered:.1%} of {theirs.keystrokes})" if theirs is not None else ""
        value = f"{ours.answered:.1%} of {ours.keystrokes}{beside}"
        self.section.add(name, value, goal, ours.answered >= ANSWERED_SHARE)

    def _served(self) -> None:
        name = f"writers at 200 ms a key with a 95th percentile under {SOON_MS:.0f} ms"
        goal = f"at least {SERVED_RATIO:.0f} times llama.cpp's server"
        ours, theirs = self._soon.get(AFTERWORD), self._soon.get(LLAMA)
        if not ours or not theirs:
            self.section.add(name, NOT_MEASURED, goal)
            return
        value = f"{_at_least(ours)} against {_at_least(theirs)}"
        # A server that serves not even the fewest writers tried gives nothing to be twice as good as.
        met = served(ours) >= max(SERVED_RATIO * served(theirs), min(ours))
        unknown = not met and served(ours) == max(ours)  # more writers than were tried might have been served
        self.section.add(name, value, goal, None if unknown else met)

    def _overhead(self) -> None:
        name, goal = "overhead of gateway, socket and queue, 1 writer", f"at most {OVERHEAD_MS:.0f} ms"
        times = self._raw.get("overhead_ms", [])
        if times:
            self.section.add(name, ms(times), goal, median(times) <= OVERHEAD_MS)
        else:
            self.section.add(name, NOT_MEASURED, goal)

    def _growth(self) -> None:
        every = [one for one in all_figures(self._replay) if one.server == AFTERWORD]
        fewest = self._plan.base(min(self._plan.writers))
        lengths = [one for one in every if one.load == replace(fewest, context=one.load.context)]
        self._ratio_of_ends(
            "growth: keystroke to first text, longest document against shortest",
            [(one.load.context, one.median_ms, f"{_time(one)}") for one in lengths],
            "characters",
            flat=True,
        )
        steps = self._raw.get("step_ms", {})
        self._ratio_of_ends(
            "growth: step time, most documents against 8",
            [(count, median(times), spread(times)) for count, times in steps.items() if count >= SEVERAL_WRITERS],
            "documents",
        )
        peaks = [(one.load.writers, one.peak_mib) for one in every if one.load == self._plan.base(one.load.writers)]
        self._ratio_of_ends(
            "growth: peak memory in MiB, most writers against fewest",
            [(writers, mib, f"{mib:.0f}") for writers, mib in peaks if mib is not None],
            "writers",
        )

    def _ratio_of_ends(
        self, name: str, points: Sequence[tuple[int, float, str]], what: str, flat: bool = False
    ) -> None:
        """`points`: a size, a value, and the value in words. `what` is counted by the sizes."""
        points = sorted(points)
        ends = (points[0], points[-1]) if len(points) > 1 else None
        allowed = GROWTH_TOLERANCE * (ends[1][0] / ends[0][0] if ends and not flat else 1)
        goal = (
            f"flat once warm: at most {GROWTH_TOLERANCE} times"
            if flat
            else f"no faster than the {what}: at most {GROWTH_TOLERANCE} times as much for each of them"
        )
        if ends is None:
            self.section.add(name, NOT_MEASURED, goal)
            return
        (first, low, low_words), (last, high, high_words) = ends
        times = ratio(high, low)
        value = f"{high_words} with {last:,} {what}, {low_words} with {first:,}"
        value += f": {times:.2f} times, {allowed:.2f} allowed" if times is not None else ""
        self.section.add(name, value, goal, times is not None and times <= allowed)

    def _number(self, name: str, key: str, form: str, goal: float, words: str) -> None:
        value = self._raw.get(key)
        if not isinstance(value, int | float) or math.isnan(value):
            self.section.add(name, NOT_MEASURED, f"at most {words}")
        else:
            self.section.add(name, form.format(value), f"at most {words}", value <= goal)

    def _of(self, server: str, load: Load) -> Figures | None:
        trials = self._replay.of(server, load)
        return figures(trials) if trials else None


def _time(one: Figures) -> str:
    if math.isinf(one.median_ms):
        return LATER
    return f"{one.median_ms:.1f} ms ({number(one.p10_ms)}-{number(one.p90_ms)}, n {one.keystrokes})"


def _at_least(soon: Mapping[int, bool]) -> str:
    most = served(soon)
    return f"{most} or more" if most and most == max(soon) else str(most) if most else f"fewer than {min(soon)}"
