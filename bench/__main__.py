"""`python -m bench`: runs the measurements and reports them."""

from __future__ import annotations

import asyncio
import signal
import sys
from argparse import Namespace
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import uvloop

from afterword.models import ModelFiles, resolve
from afterword.models.progress import TerminalProgress

from . import at_once, idle, machine, model, soon, stages, steady
from .arguments import MEASUREMENTS, named_of, parse, wishes_of
from .goals import Goals
from .plot import Panel, draw
from .replay import Replayed, replay, table
from .report import Section, as_json, as_markdown, as_text, write_readme

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
README_PLOT = ROOT / "docs" / "bench.svg"


def main() -> int:
    """Measure what was asked for; the status is 1 if a goal was missed."""
    given = parse(sys.argv[1:])
    with TerminalProgress() as progress:
        files = resolve(given.model, progress=progress)
    facts = machine.describe()
    try:
        sections, panels = uvloop.run(_until_told(_measure(given, files)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _tell("stopped")
        return 130
    print(as_text(facts, sections))
    if given.json:
        given.json.write_text(as_json(facts, sections) + "\n", "utf-8")
    plot = given.plot or (README_PLOT if given.readme and panels else None)
    if plot:
        plot.write_text(draw(panels), "utf-8")
    if given.readme:
        image = f"![Growth with writers, documents and length]({README_PLOT.relative_to(ROOT)})" if panels else ""
        write_readme(README, as_markdown(facts, sections, image))
    return int(any(figure.met is False for section in sections for figure in section.figures))


async def _until_told(work: Awaitable[T]) -> T:
    """Stop in order, ending every program that was started, when told to by SIGTERM as by Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


async def _measure(given: Namespace, files: ModelFiles) -> tuple[list[Section], list[Panel]]:
    names = given.only or MEASUREMENTS
    requests = wishes_of(given)
    sections: list[Section] = []
    replayed: Replayed | None = None
    for name in names:
        _tell(f"measuring: {name}")
        if name == "model":
            sections += await model.measure(files, given.quick)
        elif name == "replay":
            replayed = await replay(
                requests, named_of(given), given.model, files, given.search and not given.quick, _tell
            )
            sections += table.sections(replayed.results)
        elif name == "soon":
            sections += await soon.measure(files, given.model, given.quick)
        elif name == "at_once":
            sections.append(await at_once.measure(given.model, given.quick))
        elif name == "steady":
            sections += await steady.measure(files, given.model, given.quick)
        elif name == "idle":
            sections.append(await idle.measure(given.model, given.quick))
        elif name == "stages":
            sections.append(await stages.measure(given.model, given.quick))
        await asyncio.sleep(1)
    results = replayed.results if replayed else None
    goals = Goals(sections, results, requests, replayed.soon if replayed else {}).judge()
    panels = (table.panels(results, requests) if results else []) + model.panels(sections)
    return [goals, *sections], panels


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
