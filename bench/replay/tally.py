"""What keystrokes got, and the figures made of it. Times in milliseconds.

A keystroke is answered by text that is valid for it, or by the server's word that there is none. One that got neither
before the next counts as infinitely late in every median and percentile, whatever the reason, so that no server looks
better for errors or for giving up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..report import median, percentile

SOON_MS = 100.0  # limit of the 95th percentile below which writers count as served
TOLD_SHARE = 0.5  # of answers whose cost the server told, below which nothing is said about cost


@dataclass(frozen=True, slots=True)
class Load:
    """What is typed: by how many writers, after how many characters, at what median gap, with which client."""

    writers: int
    context: int
    gap_ms: int
    client: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One keystroke.

    `first_ms`: until text valid for it was there; None if none came before the next key. `silent_ms`: until it was
    said that there is none. `shown`: characters that came to stand on the screen with it. `asked`: whether the client
    sent a request.
    """

    first_ms: float | None
    silent_ms: float | None
    shown: int
    asked: bool

    @property
    def answer_ms(self) -> float:
        """Until there was an answer; infinite without one."""
        if self.first_ms is not None:
            return self.first_ms
        return math.inf if self.silent_ms is None else self.silent_ms


@dataclass(frozen=True, slots=True)
class Run:
    """One load on one server, once.

    `openings_ms`: from a cold document to its first text, one writer after another; None where none came.
    `tokens`: computed for all answers, None if not told. `cpu_s`, `peak_mib`: of all the server's processes, None if
    they are elsewhere. `load_average`: of the machine over the last minute, when the run began.
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

    def as_dict(self) -> dict[str, object]:
        """For JSON, with a row of numbers for all keystrokes instead of an object each."""
        plain = asdict(self)
        plain["outcomes"] = {
            "first_ms": [None if one.first_ms is None else round(one.first_ms, 2) for one in self.outcomes],
            "silent_ms": [None if one.silent_ms is None else round(one.silent_ms, 2) for one in self.outcomes],
            "shown": [one.shown for one in self.outcomes],
            "asked": [int(one.asked) for one in self.outcomes],
        }
        return plain


@dataclass(frozen=True, slots=True)
class Figures:
    """All runs of one load on one server, in figures. `median_ms`, `p95_ms`: see above; they may be infinite.

    `answered`, `with_text`: shares of keystrokes, before the next. `tokens_per_character`: tokens computed for each
    character shown. `cpu_ms`: for each keystroke.
    """

    server: str
    load: Load
    keystrokes: int
    requests: int
    median_ms: float
    p95_ms: float
    answered: float
    with_text: float
    opening_ms: float
    tokens_per_character: float | None
    cpu_ms: float | None
    peak_mib: float | None
    faults: int

    def as_dict(self) -> dict[str, object]:
        """For JSON, which knows no infinity."""
        return {name: None if value == math.inf else value for name, value in asdict(self).items()}


def figures(runs: Sequence[Run]) -> Figures:
    """The figures of runs of the same load on the same server. Raises ValueError if nothing was typed."""
    outcomes = [outcome for run in runs for outcome in run.outcomes]
    if not outcomes:
        raise ValueError("nothing was typed")
    if len({(run.server, run.load) for run in runs}) > 1:
        raise ValueError("these are runs of different loads or servers")
    count = len(outcomes)
    answers = [outcome.answer_ms for outcome in outcomes]
    openings = [math.inf if ms is None else ms for run in runs for ms in run.openings_ms]
    shown = sum(outcome.shown for outcome in outcomes)
    tokens = [run.tokens for run in runs if run.tokens is not None]
    cpu_s = [run.cpu_s for run in runs if run.cpu_s is not None]
    return Figures(
        server=runs[0].server,
        load=runs[0].load,
        keystrokes=count,
        requests=sum(outcome.asked for outcome in outcomes),
        median_ms=median(answers),
        p95_ms=percentile(answers, 0.95),
        answered=sum(answer < math.inf for answer in answers) / count,
        with_text=sum(outcome.first_ms is not None for outcome in outcomes) / count,
        opening_ms=median(openings) if openings else math.inf,
        tokens_per_character=sum(tokens) / shown if len(tokens) == len(runs) and shown else None,
        cpu_ms=1000 * sum(cpu_s) / count if len(cpu_s) == len(runs) else None,
        peak_mib=max((run.peak_mib for run in runs if run.peak_mib is not None), default=None),
        faults=sum(run.faults for run in runs),
    )


def tokens_told(told: Sequence[int | None]) -> int | None:
    """The sum of what answers cost, or None if too few told."""
    known = [tokens for tokens in told if tokens is not None]
    return sum(known) if told and len(known) >= TOLD_SHARE * len(told) else None


def ratio(ours: float, theirs: float) -> float | None:
    """How many times as long ours takes; None if that cannot be said, as both are infinite or theirs is nothing."""
    if not theirs or (math.isinf(ours) and math.isinf(theirs)):
        return None
    return ours / theirs
