"""The walk as a picture in text, and what holds it to the code.

What lives here: the rows of the picture (each file on the way, and the function by which it is entered), how they
stand in docs/architecture.md, and how long the walk may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .walk import Call, Walk

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
BEGIN, END = "<!-- walk: begin (python -m bench.walk --write) -->", "<!-- walk: end -->"

# How long the walk of a keystroke may be, so that somebody can follow it. Which functions are passed depends a little
# on what the model writes, which is not the same on all kinds of processors: the first has room for that.
MOST_FUNCTIONS = 160
MOST_GATEWAY_FILES = 30
MOST_DEPTH = 12

OUT, WORKER, BACK = "gateway, on the way out", "worker", "gateway, on the way back"
ARROWS = {OUT: "editor: edit, suggest", WORKER: "request", BACK: "tokens"}


@dataclass(frozen=True, slots=True)
class Row:
    """A file on the way, the function by which it is entered, and how many of its functions are passed."""

    stage: str
    file: str
    entry: str
    functions: int


def rows(walk: Walk) -> list[Row]:
    """The rows of the picture: three stages, each file of a stage once, in the order in which they are reached."""
    back = next((at for at, call in enumerate(walk.gateway) if call.function.endswith(".data_received")), 0)
    stages = {OUT: walk.gateway[:back], WORKER: walk.worker, BACK: walk.gateway[back:]}
    return [
        Row(stage, file, *_entered(calls, file))
        for stage, calls in stages.items()
        for file in dict.fromkeys(call.file for call in calls)
    ]


def draw(walk: Walk) -> str:
    """The picture, as Markdown."""
    found = rows(walk)
    width = max(len(row.file) for row in found)
    lines: list[str] = []
    stage = ""
    for row in found:
        if row.stage != stage:
            stage = row.stage
            lines += [f"  │  {ARROWS[stage]}", "  ▼", stage]
        others = f" and {row.functions - 1} more" if row.functions > 1 else ""
        lines.append(f"  │ {row.file:<{width}}  {row.entry}{others}")
    lines += ["  │  token", "  ▼", "editor"]
    return "\n".join([f"{summary(walk)}.", "", "```text", *lines, "```"])


def summary(walk: Walk) -> str:
    """How long the walk is, in a sentence."""
    return (
        f"One keystroke passes {walk.functions} functions in {len(walk.files)} files "
        f"({len(walk.gateway_files)} of the gateway), "
        f"at most {walk.gateway_depth} calls deep in the gateway"
    )


def too_long(walk: Walk) -> list[str]:
    """What of the walk is longer than it may be, in words."""
    lengths = {
        "functions": (walk.functions, MOST_FUNCTIONS),
        "files in the gateway": (len(walk.gateway_files), MOST_GATEWAY_FILES),
        "calls deep in the gateway": (walk.gateway_depth, MOST_DEPTH),
    }
    return [f"{length} {name}, more than {most}" for name, (length, most) in lengths.items() if length > most]


def differences(walk: Walk, page: str) -> list[str]:
    """Files on the walk that the page's picture lacks, and rows of it that are not on the walk.

    How many functions are passed in each depends on the text that the model writes, so it is not compared.
    """
    picture = page.partition(BEGIN)[2].partition(END)[0]
    found = rows(walk)
    missing = [f"the picture lacks {row.file}" for row in found if row.file not in picture]
    drawn = [line.split()[1] for line in picture.splitlines() if line.startswith("  │ ") and ".py" in line]
    passed = {row.file for row in found}
    return missing + [f"{file} is in the picture, but not on the walk" for file in drawn if file not in passed]


def written(page: str, walk: Walk) -> str:
    """The page with a new picture. Raises ValueError if it has no marks for one."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{draw(walk)}\n\n{END}{after}"


def _entered(calls: Sequence[Call], file: str) -> tuple[str, int]:
    functions = dict.fromkeys(call.function for call in calls if call.file == file)
    named = [name for name in functions if "<" not in name] or list(functions)
    return named[0], len(functions)
