"""Plots, as SVG. What is plotted is plain data; drawing is matplotlib's, which knows more about axes than we want to.

Text stays text, so that the file is small and can be searched, and nothing in it depends on when it was made.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLOURS = {"afterword": "#c2410c", "llama.cpp": "#1d4ed8"}
OTHER_COLOURS = ("#15803d", "#7e22ce", "#0e7490", "#a16207")
PANEL_INCHES = (4.6, 3.1)
COLUMNS = 2

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: a line for each name. Points that are not finite are left out. `doubling`: logarithmic axes."""

    title: str
    across: str
    up: str
    lines: Mapping[str, Points]
    doubling: bool = False


def draw(panels: Sequence[Panel]) -> str:
    """All panels with anything in them, as one SVG document. Raises ValueError if there is nothing to draw."""
    drawn = [panel for panel in panels if any(_finite(points) for points in panel.lines.values())]
    if not drawn:
        raise ValueError("there is nothing to draw")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = math.ceil(len(drawn) / COLUMNS)
    columns = min(COLUMNS, len(drawn))
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "afterword", "font.size": 9, "font.family": "sans-serif"}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(PANEL_INCHES[0] * columns, PANEL_INCHES[1] * rows), layout="constrained")
        for axes, panel in zip(figure.subplots(rows, columns, squeeze=False).flat, drawn, strict=False):
            _fill(axes, panel)
        for axes in list(figure.axes)[len(drawn) :]:
            axes.remove()
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def _fill(axes: object, panel: Panel) -> None:
    from matplotlib.axes import Axes
    from matplotlib.ticker import NullLocator, ScalarFormatter

    assert isinstance(axes, Axes)
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.set_xlabel(panel.across)
    axes.set_ylabel(panel.up)
    ticks = sorted({x for points in panel.lines.values() for x, _ in _finite(points)})
    if panel.doubling:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=10)
        axes.set_xticks(ticks)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_major_formatter(ScalarFormatter())
    others = iter(OTHER_COLOURS * len(panel.lines))
    for name, points in panel.lines.items():
        shown = sorted(_finite(points))
        colour = next((colour for start, colour in COLOURS.items() if name.startswith(start)), None) or next(others)
        style = "--" if "95th" in name else "-"
        if shown:
            axes.plot(*zip(*shown, strict=True), style, color=colour, label=name, marker="o", markersize=3.5)
    if not panel.doubling:
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    axes.grid(True, linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7.5, frameon=False)


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
