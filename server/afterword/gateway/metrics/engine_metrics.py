"""What engines count about themselves, summed up over their lives.

What lives here: how reports of engines become families of the metrics page. Which figures there are, and what they
mean, is declared in `engine.counters`. An engine that was started again counts from zero, and it reports what is new
since its last report, so what is here only grows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from afterword.engine.api import EngineEvent, Failed, Lost, Measured, PartLost, Ready
from afterword.engine.counters import FIGURES, Counters, Figure, Kind, add

PREFIX = "afterword_engine_"
LABEL = "engine"
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


@dataclass(slots=True)
class _Engine:
    """One engine over all its lives."""

    up: bool = False
    restarts: int = 0
    counters: Counters = field(default_factory=Counters)

    def die(self) -> None:
        """Nothing is held any more."""
        self.up = False
        self.restarts += 1
        self.counters.used = self.counters.waiting = 0


class Engines(Collector):
    """The engines of a server by number; there is at least the first."""

    def __init__(self) -> None:
        self._engines: dict[int, _Engine] = {0: _Engine()}

    def note(self, event: EngineEvent) -> None:
        """Take in what an engine reports; most of it does not matter here."""
        match event:
            case Measured(values=values, engine=number):
                add(self._engines.setdefault(number, _Engine()).counters, values)
            case Ready(engine=number):
                self._engines.setdefault(number, _Engine()).up = True
            case Lost(engine=number) | PartLost(engine=number):
                self._engines.setdefault(number, _Engine()).die()
            case Failed():
                for engine in self._engines.values():
                    engine.up = False

    def collect(self) -> Iterable[Metric]:
        """The families, each with a series for every engine."""
        up = GaugeMetricFamily(
            f"{PREFIX}up",
            "1 while the engine answers, else 0. Engines are numbered in the order of `device`, from 0.",
            labels=[LABEL],
        )
        restarts = CounterMetricFamily(f"{PREFIX}restarts", "Times that the engine died.", labels=[LABEL])
        for number, engine in self._engines.items():
            up.add_metric([str(number)], engine.up)
            restarts.add_metric([str(number)], engine.restarts)
        yield up
        yield restarts
        for figure in FIGURES:
            if figure.metric:
                yield self._family(figure, figure.metric, figure.help)
            if figure.former_metric:
                renamed = f"Deprecated: now called {PREFIX}{figure.metric}; the next version drops this name."
                yield self._family(figure, figure.former_metric, renamed)

    def _family(self, figure: Figure, name: str, meaning: str) -> Family:
        family: Family = _FAMILIES[figure.kind](PREFIX + name, meaning, labels=[LABEL])
        for number, engine in self._engines.items():
            value = getattr(engine.counters, figure.name)
            if isinstance(family, HistogramMetricFamily):
                total, *counts = value
                family.add_metric([str(number)], _buckets(figure.bounds, counts), total)
            else:
                family.add_metric([str(number)], value)
        return family


_FAMILIES: dict[Kind, type[Family]] = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.HISTOGRAM: HistogramMetricFamily,
}


def former_names() -> dict[str, str]:
    """Metrics that still have the name of the version before as well: new name to former name."""
    return {PREFIX + figure.metric: PREFIX + figure.former_metric for figure in FIGURES if figure.former_metric}


def _buckets(bounds: Iterable[float], counts: Iterable[float]) -> list[tuple[str, float]]:
    """Counts by range as a histogram has them: how many lie at or below each bound."""
    names = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    return [(name, float(count)) for name, count in zip(names, accumulate(counts), strict=True)]
