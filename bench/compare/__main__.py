"""The command line of a comparison, and the order of things: both checkouts in turns, round by round."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from .. import machine
from ..afterword_server import afterword_server
from ..lifetime import until_told_to_stop
from ..progress import ProgressLine
from ..report import Section, as_json, as_text
from .measurements import MEASUREMENTS, Measurement, named
from .ratios import Compared, Side, SpeedVerdict, section

ROOT = Path(__file__).parents[2]
ROUNDS = 3
START_S = 8.0  # of a server, about
UNITS = {"idle": ("thousandths of a core", 2), "start": ("ms", 0), "open": ("ms", 0)}  # and digits; else ms and 1


def main(arguments: Sequence[str]) -> int:
    """Compare; the status is 1 if anything has become slower."""
    args = _parse(arguments)
    checkouts = {Side.BASE: args.base.resolve(), Side.THIS: args.this.resolve()}
    chosen = named(args.only)
    try:
        compared = uvloop.run(until_told_to_stop(compare(checkouts, chosen, args.model, args.rounds)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped", file=sys.stderr)
        return 130
    made: list[Section] = [section(compared, f"the base, {args.base}")]
    facts = machine.describe()
    print(as_text(facts, made))
    if args.json:
        args.json.write_text(as_json(facts, made) + "\n", "utf-8")
    return int(any(one.verdict is SpeedVerdict.SLOWER for one in compared.values()))


async def compare(
    checkouts: dict[Side, Path], chosen: dict[str, Measurement], model: str, rounds: int
) -> dict[str, Compared]:
    """All figures by name. The order of the two sides is reversed from round to round."""
    settings = {one.arguments for one in chosen.values()}
    each_s = sum(one.about_s for one in chosen.values()) + START_S * len(settings)
    progress = ProgressLine(2 * (START_S + rounds * each_s))
    for side, checkout in checkouts.items():
        progress.say(f"starting {side} once, so that its model is converted and its kernels compiled")
        async with afterword_server(model, checkout=checkout):
            pass
        progress.advance(START_S)
    compared: dict[str, Compared] = {}
    for number in range(rounds):
        for side in (Side.BASE, Side.THIS) if number % 2 == 0 else (Side.THIS, Side.BASE):
            for arguments in sorted(settings):
                async with afterword_server(model, *arguments, checkout=checkouts[side]) as server:
                    progress.advance(START_S)
                    for name, one in chosen.items():
                        if one.arguments == arguments:
                            progress.say(f"round {number + 1} of {rounds}, {side}: {name}")
                            for figure, values in (await one.measure(server, number)).items():
                                unit, digits = UNITS.get(name, ("ms", 1))
                                entry = compared.setdefault(figure, Compared(figure, unit, digits))
                                entry.rounds[side].append(values)
                            progress.advance(one.about_s)
    return compared


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m bench compare",
        description="Measure two checkouts of Afterword in turns, in one run, and print the ratios of their medians. "
        "Let other programs rest meanwhile. The status is 1 if anything has become slower.",
    )
    parser.add_argument("only", nargs="*", metavar="WHAT", help=f"some of {', '.join(MEASUREMENTS)} (all)")
    parser.add_argument("--base", type=Path, required=True, metavar="PATH", help="the checkout to compare with")
    parser.add_argument("--this", type=Path, default=ROOT, metavar="PATH", help="the other checkout (this one)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, metavar="N", help=f"how often both are measured ({ROUNDS})"
    )
    parser.add_argument("--model", default="builtin", help="as for afterword serve (builtin)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to a file, with raw numbers")
    args = parser.parse_args(arguments)
    unknown = set(args.only) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    for checkout in (args.base, args.this):
        if not (checkout / "server" / "afterword").is_dir():
            parser.error(f"{checkout} is no checkout of Afterword")
    if args.rounds < 1:
        parser.error("there is at least one round")
    return args


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
