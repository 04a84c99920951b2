"""`python -m bench`: runs the measurements and reports them."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from afterword.models import ModelFiles, resolve
from afterword.models.progress import TerminalProgress

from . import at_once, idle, machine, soon, stages, steady
from .report import Section, as_json, as_markdown, as_text, write_readme

README = Path(__file__).parent.parent / "README.md"
MEASUREMENTS = ("soon", "at_once", "steady", "idle", "stages")


def main() -> int:
    """Measure what was asked for; the status is 1 if a goal was missed."""
    given = _parse()
    with TerminalProgress() as progress:
        files = resolve(given.model, progress=progress)
    facts = machine.describe()
    sections = uvloop.run(_measure(given.only or MEASUREMENTS, files, given.model, given.quick))
    print(as_text(facts, sections))
    if given.json:
        given.json.write_text(as_json(facts, sections) + "\n", "utf-8")
    if given.readme:
        write_readme(README, as_markdown(facts, sections))
    return int(any(figure.met is False for section in sections for figure in section.figures))


async def _measure(names: tuple[str, ...], files: ModelFiles, model: str, quick: bool) -> list[Section]:
    sections: list[Section] = []
    for name in names:
        print(f"measuring: {name} ...", file=sys.stderr, flush=True)
        if name == "soon":
            sections += await soon.measure(files, model, quick)
        elif name == "at_once":
            sections.append(await at_once.measure(model, quick))
        elif name == "steady":
            sections += await steady.measure(files, model, quick)
        elif name == "idle":
            sections.append(await idle.measure(model, quick))
        elif name == "stages":
            sections.append(await stages.measure(model, quick))
        await asyncio.sleep(1)
    return sections


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m bench", description="Measure speed. Other programs should rest meanwhile."
    )
    parser.add_argument("only", nargs="*", metavar="WHAT", help=f"some of {', '.join(MEASUREMENTS)} (all)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--model", default="builtin", help="as for afterword serve (builtin)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to a file")
    parser.add_argument("--readme", action="store_true", help="also write the figures into README.md")
    given = parser.parse_args()
    unknown = set(given.only) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    return given


if __name__ == "__main__":
    sys.exit(main())
