"""`python -m bench`: runs the measurements and reports them. `python -m bench compare`: compares two checkouts."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import uvloop
from tokenizers import Tokenizer

from afterword.models import ModelFiles, resolve
from afterword.models.progress import TerminalProgress

from . import cancellation, cold_paths, first_token, idle, keystrokes, machine, model, stages, steady
from .args import MEASUREMENTS, parse, plan_of, server_args_of
from .goals import Goals
from .headline import Headline
from .lifetime import until_told_to_stop
from .plot import Panel, draw
from .progress import ProgressLine
from .replay import Replayed, plan, replay, tables
from .replay.discovery import find_servers
from .replay.http_client import http_session
from .replay.server import Server
from .report import Section, as_json, as_markdown, as_text, write_figures

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
ALL_FIGURES = ROOT / "docs" / "benchmarks.md"
DOCS_PLOT = ROOT / "docs" / "bench.svg"
# About how long each measurement takes, in seconds: all of it, and with --quick. That of others is worked out.
ESTIMATES_S = {
    "model": (60, 25),
    "keystrokes": (145, 45),
    "first_token": (55, 20),
    "cancellation": (45, 15),
    "steady": (135, 30),
    "idle": (65, 30),
    "stages": (75, 30),
}


def main() -> int:
    """Measure what was asked for; the status is 1 if a goal was missed."""
    if sys.argv[1:2] == ["compare"]:
        from .compare.__main__ import main as compare

        return compare(sys.argv[2:])
    args = parse(sys.argv[1:])
    with TerminalProgress() as progress:
        files = resolve(args.model, progress=progress)
    facts = machine.describe()
    try:
        measured = uvloop.run(until_told_to_stop(_measure(args, files)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped", file=sys.stderr)
        return 130
    sections, panels, headline = measured
    print(as_text(facts, sections))
    if args.json:
        args.json.write_text(as_json(facts, sections) + "\n", "utf-8")
    plot = args.plot or (DOCS_PLOT if args.readme and panels else None)
    if plot and panels:
        plot.write_text(draw(panels), "utf-8")
    if args.readme:
        image = f"![Growth with writers, documents and length]({DOCS_PLOT.name})" if panels else ""
        write_figures(ALL_FIGURES, as_markdown(facts, sections, image))
        write_figures(README, headline.markdown(facts))
    return int(any(figure.met is False for section in sections for figure in section.figures))


async def _measure(args: Namespace, files: ModelFiles) -> tuple[list[Section], list[Panel], Headline]:
    names = args.only or MEASUREMENTS
    replay_plan = plan_of(args)
    sections: list[Section] = []
    replayed: Replayed | None = None
    async with http_session() as session:
        found: list[str] = []
        servers = find_servers(server_args_of(args), args.model, files, session, found.append)
        progress = ProgressLine(sum(_estimate_s(name, args, servers) for name in names))
        for line in found:
            progress.say(line)
        for at, name in enumerate(names, 1):
            progress.say(f"measuring {name}, {at} of {len(names)}")
            if name == "replay":
                search = args.search and not args.quick
                replayed = await replay(replay_plan, servers, progress, token_count_of(files), search)
                sections += tables.sections(replayed.results)
            elif name == "cold_paths":
                sections += await cold_paths.measure(servers, progress, args.quick)
            else:
                sections += await _measure_afterword(name, args, files)
                progress.advance(_estimate_s(name, args, servers))
            await asyncio.sleep(1)
    results = replayed.results if replayed else None
    goals = Goals(sections, results, replay_plan, replayed.soon if replayed else {}).judge()
    panels = (tables.panels(results, replay_plan) if results else []) + model.panels(sections)
    return [goals, *sections], panels, Headline(sections, results, replay_plan)


def token_count_of(files: ModelFiles) -> Callable[[str], int]:
    """Counts the tokens of a text, with the model's tokenizer."""
    tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


async def _measure_afterword(name: str, args: Namespace, files: ModelFiles) -> list[Section]:
    """A measurement of Afterword alone."""
    match name:
        case "model":
            return await model.measure(files, args.quick)
        case "keystrokes":
            return [await keystrokes.measure(args.model, args.quick, args.stop)]
        case "first_token":
            return [await first_token.measure(files, args.model, args.quick)]
        case "cancellation":
            return [await cancellation.measure(args.model, args.quick)]
        case "steady":
            return await steady.measure(files, args.model, args.quick)
        case "idle":
            return [await idle.measure(args.model, args.quick)]
        case "stages":
            return [await stages.measure(args.model, args.quick)]
    raise ValueError(f"there is no measurement called {name}")


def _estimate_s(name: str, args: Namespace, servers: list[Server]) -> float:
    if name == "replay":
        return plan.estimated_s(plan_of(args), [(one.most_writers, one.keeps_texts) for one in servers])
    if name == "cold_paths":
        return cold_paths.estimated_s([one.keeps_texts for one in servers], args.quick)
    return ESTIMATES_S[name][1 if args.quick else 0]


if __name__ == "__main__":
    sys.exit(main())
