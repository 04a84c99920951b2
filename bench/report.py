"""Results: one figure a line, on the terminal, as JSON, and in the project's pages."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

BEGIN, END = "<!-- figures: begin (python -m bench --readme) -->", "<!-- figures: end -->"
LOW, HIGH = 0.1, 0.9  # the percentiles that stand beside medians as their spread


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """One result. `goal` says in words what was wanted, `met` whether it was reached; both may be missing."""

    name: str
    value: str
    goal: str = ""
    met: bool | None = None


@dataclass(slots=True)
class Section:
    """The figures of one measurement, a table if they are many, and the raw numbers behind them.

    `table`: lines of cells, the first of them the heads of the columns. `note`: stands under the title.
    """

    title: str
    figures: list[ReportedFigure] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)
    raw: dict[str, object] = field(default_factory=dict)
    note: str = ""

    def add(self, name: str, value: str, goal: str = "", met: bool | None = None) -> None:
        """Append a figure."""
        self.figures.append(ReportedFigure(name, value, goal, met))


def median(values: Sequence[float]) -> float:
    """The median, or NaN of nothing."""
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0 to 1) of the values lie, or NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median, 10th to 90th percentile, and how many there were. Infinite ones are said to be so."""
    if not values:
        return "none (n 0)"
    low, high = percentile(values, LOW), percentile(values, HIGH)
    return f"{number(median(values), digits)} ({number(low, digits)}-{number(high, digits)}, n {len(values)})"


def number(value: float, digits: int = 1) -> str:
    """A number with so many digits after the point; a time that never came is infinite."""
    return "never" if math.isinf(value) else f"{value:.{digits}f}"


def ms(values: Sequence[float]) -> str:
    """Median, 10th to 90th percentile, and count of milliseconds."""
    if not values:
        return spread(values)
    low, high = percentile(values, LOW), percentile(values, HIGH)
    return f"{number(median(values))} ms ({number(low)}-{number(high)}, n {len(values)})"


def as_text(machine: dict[str, str], sections: Sequence[Section]) -> str:
    """A table for the terminal."""
    width = max((len(figure.name) for section in sections for figure in section.figures), default=0)
    lines = [f"{name:10} {value}" for name, value in machine.items()]
    for section in sections:
        lines += ["", section.title, *([f"  {section.note}"] if section.note else [])]
        for figure in section.figures:
            judged = {True: "met", False: "MISSED", None: "not measured"}[figure.met]
            goal = f"   [{figure.goal}: {judged}]" if figure.goal else ""
            lines.append(f"  {figure.name:{width}}  {figure.value}{goal}")
        lines += _aligned(section.table)
    return "\n".join(lines)


def as_json(machine: dict[str, str], sections: Sequence[Section]) -> str:
    """Everything, with the raw numbers."""
    return json.dumps({"machine": machine, "sections": [asdict(section) for section in sections]}, indent=1)


def as_markdown(machine: dict[str, str], sections: Sequence[Section], image: str = "") -> str:
    """All tables, and a picture that goes first."""
    lines = [
        f"Measured with `make bench` on {machine['processor']}, {machine['memory']}; {machine['versions']}. "
        "Beside each median stand the 10th to 90th percentile and the number of values (n).",
        "",
    ]
    lines += [image, ""] if image else []
    for section in sections:
        lines += [f"**{section.title}**", ""]
        lines += [section.note, ""] if section.note else []
        if section.figures:
            lines += ["| what | result | goal |", "| --- | --- | --- |"]
            lines += [f"| {figure.name} | {figure.value} | {_judged(figure)} |" for figure in section.figures]
            lines.append("")
        if section.table:
            lines += [*as_table(section.table), ""]
    return "\n".join(lines)


def as_table(table: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown; the first line of it are the heads of the columns."""
    heads, *rows = ["| " + " | ".join(cells) + " |" for cells in table]
    return [heads, "|" + " --- |" * len(table[0]), *rows]


def _judged(figure: ReportedFigure) -> str:
    if not figure.goal:
        return ""
    return figure.goal + {True: "", False: " (missed)", None: " (not measured)"}[figure.met]


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """A table with columns as wide as what is in them."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  " + "  ".join(map(str.ljust, line, widths)).rstrip() for line in table]


def write_figures(path: Path, markdown: str) -> None:
    """Replace what stands between the two marks of a page. Raises ValueError if they are not there."""
    text = path.read_text("utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for figures")
    path.write_text(f"{head}{begin}\n{markdown.strip()}\n{end}{tail}", "utf-8")
