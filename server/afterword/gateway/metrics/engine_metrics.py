"""What engines count about themselves, summed up over their lives.

What lives here: the figures that arrive from engines now and then, as Prometheus reads them. An engine that was started
again counts from zero, and it tells what is new since it told last: so what is here only grows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from afterword.engine.api import EngineEvent, Failed, Lost, Measured, PartLost, Ready
from afterword.engine.counters import STEP_MS, STEP_ROWS

LABEL = "engine"


@dataclass(slots=True)
class _Engine:
    """One engine over all its lives; fields as in `Measured`."""

    up: bool = False
    restarts: int = 0
    slots: int = 0
    used: int = 0
    waiting: int = 0
    steps: int = 0
    rows: int = 0
    wasted: int = 0
    dropped: int = 0
    failures: int = 0
    evictions: int = 0
    proposed: int = 0
    accepted: int = 0
    ahead: int = 0
    took_s: float = 0.0
    times: list[int] = field(default_factory=lambda: [0] * (len(STEP_MS) + 1))
    sizes: list[int] = field(default_factory=lambda: [0] * (len(STEP_ROWS) + 1))

    def add(self, news: Measured) -> None:
        """Count what was told."""
        self.slots, self.used, self.waiting = news.slots, news.used, news.waiting
        self.steps += news.steps
        self.rows += news.rows
        self.wasted += news.wasted
        self.dropped += news.dropped
        self.failures += news.failures
        self.evictions += news.evictions
        self.proposed += news.proposed
        self.accepted += news.accepted
        self.ahead += news.ahead
        self.took_s += news.took_s
        self.times = [old + new for old, new in zip(self.times, news.times, strict=True)]
        self.sizes = [old + new for old, new in zip(self.sizes, news.sizes, strict=True)]

    def die(self) -> None:
        """Nothing is held any more."""
        self.up = False
        self.restarts += 1
        self.used = self.waiting = 0


class Engines(Collector):
    """The engines of a server by number; there is at least the first."""

    def __init__(self) -> None:
        self._engines: dict[int, _Engine] = {0: _Engine()}

    def note(self, event: EngineEvent) -> None:
        """Take in what an engine reports; most of it does not matter here."""
        match event:
            case Measured(engine=number):
                self._engines.setdefault(number, _Engine()).add(event)
            case Ready(engine=number):
                self._engines.setdefault(number, _Engine()).up = True
            case Lost(engine=number) | PartLost(engine=number):
                self._engines.setdefault(number, _Engine()).die()
            case Failed():
                for engine in self._engines.values():
                    engine.up = False

    def collect(self) -> Iterable[Metric]:
        """The families, each with a series for every engine."""
        for name, meaning in _GAUGES.items():
            gauge = GaugeMetricFamily(f"afterword_engine_{name}", meaning, labels=[LABEL])
            for number, engine in self._engines.items():
                gauge.add_metric([str(number)], getattr(engine, name))
            yield gauge
        for name, (attribute, meaning) in _COUNTERS.items():
            counter = CounterMetricFamily(f"afterword_engine_{name}", meaning, labels=[LABEL])
            for number, engine in self._engines.items():
                counter.add_metric([str(number)], getattr(engine, attribute))
            yield counter
        times = HistogramMetricFamily(
            "afterword_engine_step_seconds", "Time of a step, with the choice of its tokens.", labels=[LABEL]
        )
        sizes = HistogramMetricFamily("afterword_engine_step_rows", "Rows of a step.", labels=[LABEL])
        for number, engine in self._engines.items():
            bounds = [f"{ms / 1000:g}" for ms in STEP_MS]
            times.add_metric([str(number)], _ranges(bounds, engine.times), engine.took_s)
            sizes.add_metric([str(number)], _ranges([str(rows) for rows in STEP_ROWS], engine.sizes), engine.rows)
        yield times
        yield sizes


_GAUGES = {
    "up": "1 while the engine answers, else 0.",
    "slots": "Documents that the engine can hold in its cache.",
    "used": "Documents that it holds.",
    "waiting": "Documents that wait for a slot.",
}
_COUNTERS = {
    "restarts": ("restarts", "Times that the engine died."),
    "dropped_steps": ("dropped", "Steps given up midway because nobody wanted them any more."),
    "failed_steps": ("failures", "Steps that broke."),
    "wasted_rows": ("wasted", "Rows of steps that nobody wanted any more when they were computed."),
    "evictions": ("evictions", "Documents that lost their slot to another."),
    "proposed_tokens": ("proposed", "Tokens guessed from the text and computed beside what was needed."),
    "accepted_tokens": ("accepted", "Those of them that the model would have written."),
    "ahead_rows": ("ahead", "Rows computed in spare time, before anybody asked for them."),
}


def _ranges(bounds: Sequence[str], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Counts by range as a histogram has them: how many lie at or below each bound."""
    return [(bound, float(count)) for bound, count in zip((*bounds, "+Inf"), accumulate(counts), strict=True)]
