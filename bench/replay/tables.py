"""The replay's results as tables and plots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from ..plot import Panel
from ..report import Section, number
from .outcomes import PROSE, UNFORESEEN, Figures, figures
from .plan import ReplayPlan
from .server import UNKNOWN, Description
from .trials import Results
from .typist import ClientKind

COLUMNS = (
    "writers",
    "characters",
    "server",
    "precision; version",
    "to first text, ms: median (10th-90th), 95th",
    "answered before the next key",
    "typed through",
    "tokens written for each ask",
    "tokens computed for each character shown",
    "CPU per key, ms",
    "to open, ms: median (10th-90th)",
    "peak memory, MiB",
    "faults",
)
LATER = "later than the next key"
TEXT_TITLES = {PROSE: "prose", UNFORESEEN: "text nobody foresees"}


def all_figures(results: Results) -> list[Figures]:
    """Figures of every load on every server, in the order of their first trials."""
    keys = dict.fromkeys((trial.load, trial.server) for trial in results.trials)
    return [figures(results.of(server, load)) for load, server in keys]


def sections(results: Results) -> list[Section]:
    """A table for each text, client and gap, with a line for each load on each server."""
    made = []
    every = sorted(all_figures(results), key=_place)
    for text, client, gap_ms in dict.fromkeys((one.load.text, one.load.client, one.load.gap_ms) for one in every):
        section = Section(f"Typing replay: {TEXT_TITLES[text]}, {client} client, a key each {gap_ms} ms")
        chosen = [one for one in every if (one.load.text, one.load.client, one.load.gap_ms) == (text, client, gap_ms)]
        section.table = [list(COLUMNS), *(_row(one, results.descriptions) for one in chosen)]
        made.append(section)
    if made:
        made[0].raw = {
            "trials": [trial.as_dict() for trial in results.trials],
            "figures": [one.as_dict() for one in every],
            "notes": results.notes,
            "starts_s": results.starts_s,
            "descriptions": {name: asdict(one) for name, one in results.descriptions.items()},
        }
    made += server_sections(results.descriptions, results.notes)
    return made


def server_sections(descriptions: Mapping[str, Description], notes: Sequence[str]) -> list[Section]:
    """What each server is and how it was started, and which could not be."""
    made = []
    if descriptions:
        section = Section("The servers, and how each was started")
        section.table = [["server", "precision", "version", "started with"]]
        section.table += [[name, one.precision, one.version, one.started] for name, one in descriptions.items()]
        made.append(section)
    if notes:
        section = Section("What could not be run")
        for note in notes:
            section.add(note.splitlines()[0], "")
        made.append(section)
    return made


def panels(results: Results, plan: ReplayPlan) -> list[Panel]:
    """Time against writers and against length of text, and memory against writers."""
    every = all_figures(results)
    at_base = [one for one in every if one.load == plan.base(one.load.writers)]
    fewest = min(plan.writers)
    lengths = [one for one in every if one.load == replace(plan.base(fewest), context=one.load.context)]
    by_writers, memory, by_length = {}, {}, {}
    for name in dict.fromkeys(one.server for one in every):
        mine = [one for one in at_base if one.server == name]
        by_writers[f"{name}, median"] = [(one.load.writers, one.median_ms) for one in mine]
        by_writers[f"{name}, 95th percentile"] = [(one.load.writers, one.p95_ms) for one in mine]
        memory[name] = [(one.load.writers, one.peak_mib or math.nan) for one in mine]
        same = [(one.load.context, one.median_ms) for one in lengths if one.server == name]
        if len(same) > 1:
            by_length[name] = same
    gap = plan.gaps_ms[0]
    return [
        Panel(f"Keystroke to first text, a key each {gap} ms", "writers", "ms", by_writers, doubling=True),
        Panel("Peak memory of all processes", "writers", "MiB", memory),
        Panel(f"Keystroke to first text, {count(fewest)}", "characters before the caret", "ms, median", by_length),
    ]


def count(writers: int) -> str:
    """A number of writers in words."""
    return f"{writers} writer{'' if writers == 1 else 's'}"


def time_of(ms: float) -> str:
    """Milliseconds, or that there were none."""
    return LATER if math.isinf(ms) else f"{ms:.1f}"


def median_and_spread(one: Figures) -> str:
    """The time to first text: median and 10th to 90th percentile."""
    if math.isinf(one.median_ms):
        return LATER
    return f"{one.median_ms:.1f} ({number(one.p10_ms)}-{number(one.p90_ms)})"


def _row(one: Figures, descriptions: Mapping[str, Description]) -> list[str]:
    description = descriptions.get(one.server, Description())
    return [
        str(one.load.writers),
        str(one.load.context),
        one.server,
        description.precision_and_version,
        f"{median_and_spread(one)}, {time_of(one.p95_ms)}",
        f"{one.answered:.1%} of {one.keystrokes}",
        f"{one.typed_through:.0%}",
        _written(one),
        _known(one.tokens_per_character, ".2f"),
        _known(one.cpu_ms, ".1f"),
        one.opening_spread,
        _known(one.peak_mib, ".0f"),
        str(one.faults),
    ]


def _written(one: Figures) -> str:
    """Tokens written for each request; those that a server wrote in spare time are named, too."""
    if one.written_per_ask is None:
        return UNKNOWN
    least = "at least " if one.counted_by_client else ""
    ahead = "" if one.ahead_per_ask is None else f", and {one.ahead_per_ask:.1f} rows ahead"
    return f"{least}{one.written_per_ask:.1f}{ahead}"


def _known(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)


def _place(one: Figures) -> tuple[bool, int, bool, int, int]:
    """Where a line stands; lines of the same load stay in order."""
    load = one.load
    return (load.client != ClientKind.PLAIN, -load.gap_ms, load.text != PROSE, load.context, load.writers)
