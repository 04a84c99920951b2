"""What keystrokes got, and the figures made of it. Times are in milliseconds.

A keystroke is answered by text that is valid for it, or by the server's word that there is none. One that got neither
before the next counts as infinitely late in every median and percentile, whatever the reason, so that no server looks
better for errors or for giving up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .. import report
from ..report import median, percentile

SOON_MS = 100.0  # limit of the 95th percentile below which writers count as served
TOLD_SHARE = 0.5  # of answers whose cost the server told, below which nothing is said about cost
PROSE, UNFORESEEN = "prose", "unforeseen"


@dataclass(frozen=True, slots=True)
class Load:
    """What is typed: by how many writers, after how many characters, at what median gap, with which client.

    `text`: `PROSE`, or `UNFORESEEN` for words with their letters mixed.
    """

    writers: int
    context: int
    gap_ms: int
    client: str
    text: str = PROSE


@dataclass(frozen=True, slots=True)
class Outcome:
    """One keystroke.

    `first_ms`: until text valid for it was there; None if none came before the next key. `silent_ms`: until it was
    said that there is none. `shown`: characters that came to stand on the screen with it. `asked`: whether the client
    sent a request. `typed_through`: whether the key was what the ghost text said, and more of it was left.
    """

    first_ms: float | None
    silent_ms: float | None
    shown: int
    asked: bool
    typed_through: bool = False

    @property
    def answer_ms(self) -> float:
        """Until there was an answer; infinite without one."""
        if self.first_ms is not None:
            return self.first_ms
        return math.inf if self.silent_ms is None else self.silent_ms


@dataclass(frozen=True, slots=True)
class Trial:
    """One load on one server, once.

    `openings_ms`: from a cold document to its answer, one writer after another; None where none came.
    `tokens`: computed for all answers, None if not told. `written`: of them, those that were written; `ahead`: those
    computed in spare time, before anybody asked. `counted_by_client`: the server did not tell what it wrote, so
    `written` counts what came, and is the least it can have been. `cpu_s`, `peak_mib`: of all the server's processes,
    None if they are elsewhere. `load_average`: of the machine over the last minute, when the trial began.
    """

    server: str
    load: Load
    outcomes: Sequence[Outcome]
    openings_ms: Sequence[float | None]
    tokens: int | None
    cpu_s: float | None
    peak_mib: float | None
    faults: int
    load_average: float
    written: int | None = None
    ahead: int | None = None
    counted_by_client: bool = False

    def as_dict(self) -> dict[str, object]:
        """For JSON, with a row of numbers for all keystrokes instead of an object each."""
        plain = asdict(self)
        plain["outcomes"] = {
            "first_ms": [None if one.first_ms is None else round(one.first_ms, 2) for one in self.outcomes],
            "silent_ms": [None if one.silent_ms is None else round(one.silent_ms, 2) for one in self.outcomes],
            "shown": [one.shown for one in self.outcomes],
            "asked": [int(one.asked) for one in self.outcomes],
            "typed_through": [int(one.typed_through) for one in self.outcomes],
        }
        return plain


@dataclass(frozen=True, slots=True)
class Figures:
    """All trials of one load on one server, in figures. `median_ms`, `p10_ms`, ...: see above; they may be infinite.

    `answered`, `with_text`, `typed_through`: shares of keystrokes, the first two before the next. `through_ms`,
    `others_ms`: medians of keystrokes that were typed through, and of all others; None of nothing. `opening_spread`:
    median, spread and count in words. `tokens_per_character`: tokens computed for each character shown.
    `written_per_ask`, `ahead_per_ask`: tokens written for each request. `cpu_ms`: for each keystroke.
    """

    server: str
    load: Load
    keystrokes: int
    requests: int
    median_ms: float
    p10_ms: float
    p90_ms: float
    p95_ms: float
    answered: float
    with_text: float
    typed_through: float
    through_ms: float | None
    others_ms: float | None
    opening_ms: float
    opening_spread: str
    tokens_per_character: float | None
    written_per_ask: float | None
    ahead_per_ask: float | None
    counted_by_client: bool
    cpu_ms: float | None
    peak_mib: float | None
    faults: int

    def as_dict(self) -> dict[str, object]:
        """For JSON, which knows no infinity."""
        plain = asdict(self)
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in plain.items()
        }


def figures(trials: Sequence[Trial]) -> Figures:
    """The figures of trials of the same load on the same server. Raises ValueError if nothing was typed."""
    outcomes = [outcome for trial in trials for outcome in trial.outcomes]
    if not outcomes:
        raise ValueError("nothing was typed")
    if len({(trial.server, trial.load) for trial in trials}) > 1:
        raise ValueError("these are trials of different loads or servers")
    count = len(outcomes)
    answers = [outcome.answer_ms for outcome in outcomes]
    openings = [math.inf if ms is None else ms for trial in trials for ms in trial.openings_ms]
    requests = sum(outcome.asked for outcome in outcomes)
    shown = sum(outcome.shown for outcome in outcomes)
    tokens = [trial.tokens for trial in trials if trial.tokens is not None]
    cpu_s = [trial.cpu_s for trial in trials if trial.cpu_s is not None]
    return Figures(
        server=trials[0].server,
        load=trials[0].load,
        keystrokes=count,
        requests=requests,
        median_ms=median(answers),
        p10_ms=percentile(answers, report.LOW),
        p90_ms=percentile(answers, report.HIGH),
        p95_ms=percentile(answers, 0.95),
        answered=sum(answer < math.inf for answer in answers) / count,
        with_text=sum(outcome.first_ms is not None for outcome in outcomes) / count,
        typed_through=sum(outcome.typed_through for outcome in outcomes) / count,
        through_ms=_median([outcome.answer_ms for outcome in outcomes if outcome.typed_through]),
        others_ms=_median([outcome.answer_ms for outcome in outcomes if not outcome.typed_through]),
        opening_ms=median(openings) if openings else math.inf,
        opening_spread=report.spread(openings, 0),
        tokens_per_character=sum(tokens) / shown if len(tokens) == len(trials) and shown else None,
        written_per_ask=_per_ask([trial.written for trial in trials], requests),
        ahead_per_ask=_per_ask([trial.ahead for trial in trials], requests),
        counted_by_client=any(trial.counted_by_client for trial in trials),
        cpu_ms=1000 * sum(cpu_s) / count if len(cpu_s) == len(trials) else None,
        peak_mib=max((trial.peak_mib for trial in trials if trial.peak_mib is not None), default=None),
        faults=sum(trial.faults for trial in trials),
    )


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _per_ask(tokens: Sequence[int | None], requests: int) -> float | None:
    known = [one for one in tokens if one is not None]
    return sum(known) / requests if requests and len(known) == len(tokens) else None


def tokens_told(told: Sequence[int | None]) -> int | None:
    """The sum of what answers cost, or None if too few told."""
    known = [tokens for tokens in told if tokens is not None]
    return sum(known) if told and len(known) >= TOLD_SHARE * len(told) else None


def ratio(ours: float, theirs: float) -> float | None:
    """How many times as long ours takes; None if that cannot be said, as both are infinite or theirs is nothing."""
    if not theirs or (math.isinf(ours) and math.isinf(theirs)):
        return None
    return ours / theirs
