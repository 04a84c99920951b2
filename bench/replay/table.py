"""The replay's results as tables and plots."""

from __future__ import annotations

import math

from ..plot import Panel
from ..report import Section
from .plan import Wishes
from .rounds import Results
from .tally import Figures, Load, figures
from .writer import Client

COLUMNS = (
    "writers",
    "characters",
    "server",
    "to first text, ms (median, 95th)",
    "answered before the next key",
    "tokens per character",
    "CPU per key, ms",
    "to open, ms",
    "peak memory, MiB",
    "faults",
)
NEVER = "later than the next key"
UNKNOWN = "unknown"


def all_figures(results: Results) -> list[Figures]:
    """Figures of every load on every server, in the order of their first runs."""
    keys = dict.fromkeys((run.load, run.server) for run in results.runs)
    return [figures(results.of(server, load)) for load, server in keys]


def sections(results: Results) -> list[Section]:
    """A table for each client and gap, with a line for each load on each server."""
    made = []
    every = sorted(all_figures(results), key=_place)
    for client, gap_ms in dict.fromkeys((one.load.client, one.load.gap_ms) for one in every):
        section = Section(f"Typing replay: {client} client, a key each {gap_ms} ms")
        chosen = [one for one in every if (one.load.client, one.load.gap_ms) == (client, gap_ms)]
        section.table = [list(COLUMNS), *(_row(one) for one in chosen)]
        made.append(section)
    if made:
        made[0].raw = {
            "runs": [run.as_dict() for run in results.runs],
            "figures": [one.as_dict() for one in every],
            "notes": results.notes,
            "starts_s": results.starts_s,
        }
    if results.notes:
        section = Section("Typing replay: what could not be run")
        for note in results.notes:
            section.add(note.splitlines()[0], "")
        made.append(section)
    return made


def panels(results: Results, requests: Wishes) -> list[Panel]:
    """Time against writers and against length of text, and memory against writers."""
    every = all_figures(results)
    at_base = [one for one in every if one.load == requests.base(one.load.writers)]
    fewest = min(requests.writers)
    lengths = [one for one in every if one.load == _at(requests.base(fewest), one.load.context)]
    by_writers, memory, by_length = {}, {}, {}
    for name in dict.fromkeys(one.server for one in every):
        mine = [one for one in at_base if one.server == name]
        by_writers[f"{name}, median"] = [(one.load.writers, one.median_ms) for one in mine]
        by_writers[f"{name}, 95th percentile"] = [(one.load.writers, one.p95_ms) for one in mine]
        memory[name] = [(one.load.writers, one.peak_mib or math.nan) for one in mine]
        same = [(one.load.context, one.median_ms) for one in lengths if one.server == name]
        if len(same) > 1:
            by_length[name] = same
    gap = requests.gaps_ms[0]
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
    return NEVER if math.isinf(ms) else f"{ms:.1f}"


def _row(one: Figures) -> list[str]:
    return [
        str(one.load.writers),
        str(one.load.context),
        one.server,
        f"{time_of(one.median_ms)}, {time_of(one.p95_ms)}",
        f"{one.answered:.1%} of {one.keystrokes}",
        _known(one.tokens_per_character, ".2f"),
        _known(one.cpu_ms, ".1f"),
        "none" if math.isinf(one.opening_ms) else f"{one.opening_ms:.0f}",
        _known(one.peak_mib, ".0f"),
        str(one.faults),
    ]


def _known(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)


def _place(one: Figures) -> tuple[bool, int, int, int]:
    """Where a line stands; lines of the same load stay in order."""
    load = one.load
    return (load.client != Client.PLAIN, -load.gap_ms, load.context, load.writers)


def _at(load: Load, context: int) -> Load:
    return Load(load.writers, context, load.gap_ms, load.client)
