"""`afterword complete`: continues one text, streaming to standard output."""

from __future__ import annotations

import re
import sys
from argparse import Namespace

from afterword.cli.args import settings_of
from afterword.cli.errors import CommandError
from afterword.cli.private_server import client_for
from afterword.cli.serve import run_async
from afterword.client import Client, ClientError
from afterword.config.settings import Settings
from afterword.models import ModelFiles, resolve
from afterword.models.progress import TerminalProgress

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def run(args: Namespace) -> int:
    """Continue the text; returns the exit status."""
    settings = settings_of(args)
    text = read_text(args.text)
    with TerminalProgress() as progress:
        files = None if args.server else resolve(settings.model.model, settings.model.cache_dir, progress)
        run_async(complete(args, text, settings, files, progress))
    return 0


def read_text(argument: str) -> str:
    """The text of the argument, or for `-` of standard input, without the line end that `echo` adds."""
    if argument != "-":
        return LONE_SURROGATE.sub("\ufffd", argument)  # bytes that are not UTF-8
    return sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")


async def complete(
    args: Namespace, text: str, settings: Settings, files: ModelFiles | None, progress: TerminalProgress
) -> None:
    """Print the continuation of the text as it comes. `files`: the model to run; `None` uses the server in `args`."""
    async with client_for(args, settings, files, progress) as client:
        try:
            await _print_continuation(args, text, client)
        except ClientError as error:
            raise CommandError(str(error)) from error


async def _print_continuation(args: Namespace, text: str, client: Client) -> None:
    document = await client.open("complete", text, preface=args.preface)
    suggestion = document.suggest(
        alternatives=args.alternatives,
        max_tokens=args.max_tokens,
        stop=args.stop,
        temperature=args.temperature,
        seed=args.seed,
    )
    async for piece in suggestion:
        if args.alternatives == 1:
            print(piece, end="", flush=True)
    if args.alternatives == 1:
        print()
    for number, alternative in enumerate(suggestion.texts if args.alternatives > 1 else (), 1):
        print(f"[{number}]{alternative}")
