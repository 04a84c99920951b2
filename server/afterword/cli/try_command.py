"""`afterword try`: a small editor in the terminal, with a model behind it. Here it is put together."""

from __future__ import annotations

import sys
from argparse import Namespace

from afterword.cli.args import settings_of
from afterword.cli.errors import CommandError
from afterword.cli.ghost import SuggestOptions, TerminalGhost
from afterword.cli.private_server import client_for
from afterword.cli.screen import Screen
from afterword.cli.serve import run_async
from afterword.client import Client, ClientError, Document
from afterword.clock import now_ms
from afterword.config.settings import Settings
from afterword.models import ModelFiles, resolve
from afterword.models.progress import TerminalProgress


def run(args: Namespace) -> int:
    """Let somebody type; returns the exit status."""
    settings = settings_of(args)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("try needs a terminal; in a script use:  afterword complete TEXT")
    with TerminalProgress() as progress:
        files = None if args.server else resolve(settings.model, settings.cache_dir, progress)
        written = run_async(type_and_see(args, settings, files, progress))
    print(written)
    return 0


async def type_and_see(
    args: Namespace, settings: Settings, files: ModelFiles | None, progress: TerminalProgress
) -> str:
    """Connect, run the editor, return what was written. `files` is the model, or `None` to ask a server."""
    async with client_for(args, settings, files, progress) as client:
        try:
            document = await client.open("try", args.text, preface=args.preface)
        except ClientError as error:
            raise CommandError(str(error)) from error
        ask = SuggestOptions(args.max_tokens, args.stop, args.alternatives)
        ghost = TerminalGhost(document, now_ms, ask)
        return await Screen(ghost, lambda: state(client, document), args.text).run()


def state(client: Client, document: Document) -> str:
    """What the status line says of the server: its model, or why there is no ghost text."""
    trouble = document.error or client.error
    if trouble:
        return str(trouble)
    if not client.connected:
        return "waiting for the server"
    return client.welcome.model if client.welcome else ""
