"""What an engine counts about its work: each figure is declared once, here.

What lives here: the declaration, how figures add up, and when a worker reports them. A field of `Counters` is a figure;
its metadata give it a help text, a unit and a kind, and the kind says how it adds up. Everything else is derived:

- The worker counts in a `Counters`. `CounterReporter` makes of it what is new since the last report.
- `Measured.values` carries that to the gateway: `{name of the field: value}`.
- The metrics page keeps a `Counters` for each engine, adds every report to it with `add`, and shows what `FIGURES`
  lists: a family `afterword_engine_<metric>` of the kind, with the help and, where a figure has a new name for one
  version, the same again under `former_metric`.

A new figure is one more field, counted where it happens. Nothing here imports torch.
"""

from __future__ import annotations

import enum
import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from afterword.engine.api import Measured

REPORT_INTERVAL_S = 1.0

# Upper bounds of the ranges of histograms.
STEP_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
STEP_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)

Value = float | list[float]
"""Of a figure: a number, or for a histogram the sum of what was observed and then the count in each range."""


class Kind(enum.Enum):
    """How a figure adds up."""

    GAUGE = "gauge"
    """It does not: the latest value holds."""
    COUNTER = "counter"
    """Reports are added."""
    HISTOGRAM = "histogram"
    """Reports are added, range by range."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The declaration of a figure.

    `name`: the field of `Counters`. `metric`: its name on the metrics page, after `afterword_engine_`; empty if it is
    not shown there. `former_metric`: the name it had one version ago. `bounds`: of a histogram, the upper bounds of its
    ranges in `unit`; one more range holds all beyond the last.
    """

    name: str
    kind: Kind
    help: str
    unit: str
    metric: str
    former_metric: str = ""
    bounds: tuple[float, ...] = ()


def _figure(kind: Kind, help: str, unit: str, metric: str = "", former: str = "") -> Any:
    return field(default=0, metadata=_about(kind, help, unit, metric, former))


def _about(
    kind: Kind, help: str, unit: str, metric: str, former: str = "", bounds: tuple[float, ...] = ()
) -> dict[str, Any]:
    return {"kind": kind, "help": help, "unit": unit, "metric": metric, "former_metric": former, "bounds": bounds}


@dataclass(slots=True)
class Counters:
    """Figures of one engine."""

    # Gauges.
    slots: int = _figure(Kind.GAUGE, "Documents that the engine can hold in its cache.", "documents", "slots")
    used: int = _figure(Kind.GAUGE, "Documents that it holds.", "documents", "used")
    waiting: int = _figure(Kind.GAUGE, "Documents that wait for a slot.", "documents", "waiting")
    # Steps.
    steps: int = _figure(Kind.COUNTER, "Steps begun.", "steps")
    rows: int = _figure(Kind.COUNTER, "Rows of all steps begun.", "rows")
    layers: int = _figure(Kind.COUNTER, "Attention layers begun.", "layers")
    dropped_steps: int = _figure(
        Kind.COUNTER, "Steps given up midway because nobody wanted them any more.", "steps", "dropped_steps"
    )
    failed_steps: int = _figure(
        Kind.COUNTER, "Steps that raised an error; the log says which.", "steps", "failed_steps"
    )
    wasted_rows: int = _figure(
        Kind.COUNTER, "Rows that nobody wanted any more when they were computed.", "rows", "wasted_rows"
    )
    step_seconds: list[float] = field(
        default_factory=lambda: [0] * (len(STEP_SECONDS) + 2),
        metadata=_about(
            Kind.HISTOGRAM,
            "Time of a step, with the choice of its tokens.",
            "seconds",
            "step_seconds",
            bounds=STEP_SECONDS,
        ),
    )
    step_rows: list[float] = field(
        default_factory=lambda: [0] * (len(STEP_ROWS) + 2),
        metadata=_about(
            Kind.HISTOGRAM,
            "Rows of a step: tokens that were computed in one run of the model.",
            "rows",
            "step_rows",
            bounds=STEP_ROWS,
        ),
    )
    # What comes of them.
    preemptions: int = _figure(
        Kind.COUNTER,
        "Documents that lost their slot to another and must be read again.",
        "documents",
        "preemptions",
        former="evictions",
    )
    draft_tokens: int = _figure(
        Kind.COUNTER,
        "Draft tokens: guesses from the text, computed in rows that cost little.",
        "tokens",
        "draft_tokens",
        former="proposed_tokens",
    )
    accepted_tokens: int = _figure(
        Kind.COUNTER, "Draft tokens that the model would have written: each saved a step.", "tokens", "accepted_tokens"
    )
    lookahead_rows: int = _figure(
        Kind.COUNTER,
        "Rows computed in idle time, for text that nobody has asked for yet.",
        "rows",
        "lookahead_rows",
        former="ahead_rows",
    )

    def count_step(self, rows: int, seconds: float) -> None:
        """Count a step that is over."""
        times, sizes = self.step_seconds, self.step_rows
        times[0] += seconds
        times[1 + bisect_left(STEP_SECONDS, seconds)] += 1
        sizes[0] += rows
        sizes[1 + bisect_left(STEP_ROWS, rows)] += 1


FIGURES = tuple(Figure(declared.name, **declared.metadata) for declared in fields(Counters))


def add(total: Counters, news: Mapping[str, Value]) -> None:
    """Add a report to a total."""
    for figure in FIGURES:
        value, more = getattr(total, figure.name), news[figure.name]
        if figure.kind is Kind.GAUGE:
            value = more
        elif isinstance(more, list):
            value = [one + another for one, another in zip(value, more, strict=True)]
        else:
            value += more
        setattr(total, figure.name, value)


def since(now: Counters, then: Counters) -> dict[str, Value]:
    """What is new in `now`: the report that makes `now` of `then` when it is added."""
    news: dict[str, Value] = {}
    for figure in FIGURES:
        value, before = getattr(now, figure.name), getattr(then, figure.name)
        if figure.kind is Kind.COUNTER:
            value -= before
        elif figure.kind is Kind.HISTOGRAM:
            value = [one - another for one, another in zip(value, before, strict=True)]
        news[figure.name] = value
    return news


class CounterReporter:
    """Decides when a worker reports its counters, and makes the report: what is new since the last one.

    At most one report in `REPORT_INTERVAL_S`, and none while nothing happens.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._reported: Counters | None = None
        self._due_s = 0.0

    @property
    def due(self) -> bool:
        """Whether the last report is long enough ago for another."""
        return time.monotonic() >= self._due_s

    def wait_s(self) -> float | None:
        """Seconds until the next report if nothing more happens: None for never, 0 for now."""
        now, then = self._counters, self._reported
        if then is not None and (now.steps, now.used, now.waiting) == (then.steps, then.used, then.waiting):
            return None
        return max(0.0, self._due_s - time.monotonic())

    def report(self) -> Measured:
        """The report. The next one begins where it ends."""
        then, self._reported = self._reported or Counters(), Counters()
        news = since(self._counters, then)
        add(self._reported, since(self._counters, self._reported))
        self._due_s = time.monotonic() + REPORT_INTERVAL_S
        return Measured(news)
