"""The table of metrics in docs/metrics.md, from their declarations.

`python -m afterword.gateway.metrics --check` fails if it is out of date; `--write` renews it.
"""

from __future__ import annotations

from pathlib import Path

from afterword.gateway.metrics.engine_metrics import former_names
from afterword.gateway.metrics.gateway_metrics import Census, Metrics
from afterword.generated import keep_current

PAGE = Path(__file__).parents[4] / "docs" / "metrics.md"
OWN = "afterword"  # the others are those of the process, which prometheus_client describes


def table() -> str:
    """The metrics as a Markdown table; former names stand beside the new ones."""
    former = former_names()
    rows = ["| metric | kind | meaning |", "| --- | --- | --- |"]
    for family in Metrics("", "", Census).families():
        if not family.name.startswith(OWN) or family.name in former.values():
            continue
        labels = [label for label in family.samples[0].labels if label != "le"] if family.type != "info" else []
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        name = family.name + suffix + (f"{{{','.join(labels)}}}" if labels else "")
        meaning = family.documentation
        if family.name in former:
            meaning += f" Formerly, and until the next version also, `{former[family.name]}{suffix}`."
        rows.append(f"| `{name}` | {family.type} | {meaning} |")
    return "\n".join(rows)


def main(arguments: list[str], page: Path = PAGE) -> int:
    """Print the table, or with `--check` compare the one on the page with it, or with `--write` renew it there."""
    return keep_current(arguments, page, "metrics", table(), "python -m afterword.gateway.metrics")
