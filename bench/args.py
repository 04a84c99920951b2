"""The command line of the benchmark."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .replay.discovery import ServerArgs
from .replay.plan import ReplayPlan
from .replay.typist import ClientKind

MEASUREMENTS = (
    "model",
    "replay",
    "keystrokes",
    "cold_paths",
    "first_token",
    "cancellation",
    "steady",
    "idle",
    "stages",
)
STOPS = ("sentence", "none")
FULL = ReplayPlan()
QUICK = ReplayPlan(writers=(1, 8), gaps_ms=(200,), contexts=(300, 4000), clients=("plain",), seconds=5.0, rounds=1)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What was asked for. Ends the program, saying why, if it makes no sense."""
    parser = argparse.ArgumentParser(
        "python -m bench",
        description="Measure speed. Let other programs rest meanwhile. `python -m bench compare --help` says how to "
        "compare two checkouts with each other.",
    )
    parser.add_argument("only", nargs="*", metavar="WHAT", help=f"some of {', '.join(MEASUREMENTS)} (all)")
    parser.add_argument(
        "--quick", action="store_true", help="fewer and shorter rounds: six minutes instead of half an hour"
    )
    parser.add_argument("--model", default="builtin", help="as for afterword serve (builtin)")
    parser.add_argument("--stop", choices=STOPS, default=STOPS[0], help=f"where all answers end ({STOPS[0]})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to a file, with raw numbers")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="also draw how things grow, as SVG")
    parser.add_argument(
        "--readme",
        action="store_true",
        help="also write the headline into README.md, and all tables and the plot into docs",
    )
    typing = parser.add_argument_group("the typing replay", "the first of each list is combined with every other list")
    typing.add_argument("--writers", type=_numbers, metavar="N,N", help=_default("writers"))
    typing.add_argument("--gap", type=_numbers, metavar="MS,MS", help=f"median between keys; {_default('gaps_ms')}")
    typing.add_argument("--context", type=_numbers, metavar="N,N", help=f"characters; {_default('contexts')}")
    typing.add_argument("--client", type=_clients, metavar="KIND,KIND", help=_default("clients"))
    typing.add_argument("--seconds", type=float, metavar="S", help=f"of each trial ({FULL.seconds}; {QUICK.seconds})")
    typing.add_argument("--rounds", type=int, metavar="N", help=f"of the base ({FULL.rounds}; {QUICK.rounds})")
    typing.add_argument(
        "--no-search", dest="search", action="store_false", help="do not seek how many are served; nor does --quick"
    )
    servers = parser.add_argument_group("servers to compare with, on the same weights")
    servers.add_argument("--llama-server", type=Path, metavar="PATH", help="program to start (the one on the path)")
    servers.add_argument("--llama-url", metavar="URL", help="one that runs already, with a slot for each writer")
    servers.add_argument("--llama-version", metavar="TEXT", help="its version, where it does not know it well itself")
    servers.add_argument("--openai-url", action="append", default=[], metavar="URL", help="any with /v1/completions")
    servers.add_argument(
        "--no-others", dest="others", action="store_false", help="start no transformers and no vLLM; nor does --quick"
    )
    args = parser.parse_args(arguments)
    unknown = set(args.only) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    if args.llama_server and not args.llama_server.is_file():
        parser.error(f"{args.llama_server} is not there")
    return args


def plan_of(args: argparse.Namespace) -> ReplayPlan:
    """What the typing replay is to try."""
    usual = QUICK if args.quick else FULL
    return ReplayPlan(
        writers=args.writers or usual.writers,
        gaps_ms=args.gap or usual.gaps_ms,
        contexts=args.context or usual.contexts,
        clients=args.client or usual.clients,
        seconds=args.seconds or usual.seconds,
        rounds=args.rounds or usual.rounds,
    )


def server_args_of(args: argparse.Namespace) -> ServerArgs:
    """The servers to compare with."""
    others = args.others and not args.quick
    return ServerArgs(args.llama_server, args.llama_url, args.llama_version, tuple(args.openai_url), others, args.stop)


def _default(name: str) -> str:
    full, quick = (",".join(map(str, getattr(plan, name))) for plan in (FULL, QUICK))
    return f"({full}; with --quick {quick})"


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in text.split(","))
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError("numbers begin at 1")
    return numbers


def _clients(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    if not set(kinds) <= set(ClientKind):
        raise argparse.ArgumentTypeError(f"there are {' and '.join(ClientKind)}")
    return kinds
