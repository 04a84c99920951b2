"""`afterword try`: a small editor in the terminal, with a model behind it. Not here: its parts (`ghost`, `screen`)."""

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
    """Run the editor; returns the exit status."""
    settings = settings_of(args)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("try needs a terminal; in a script, use:  afterword complete TEXT")
    with TerminalProgress() as progress:
        files = None if args.server else resolve(settings.model.model, settings.model.cache_dir, progress)
        written = run_async(run_editor(args, settings, files, progress))
    print(written)
    return 0


async def run_editor(args: Namespace, settings: Settings, files: ModelFiles | None, progress: TerminalProgress) -> str:
    """Run the editor; returns what was written. `files`: the model to run; `None` uses the server in `args`."""
    async with client_for(args, settings, files, progress) as client:
        try:
            document = await client.open("try", args.text, preface=args.preface)
        except ClientError as error:
            raise CommandError(str(error)) from error
        ask = SuggestOptions(args.max_tokens, args.stop, args.alternatives)
        ghost = TerminalGhost(document, now_ms, ask)
        return await Screen(ghost, lambda: status(client, document), args.text).run()


def status(client: Client, document: Document) -> str:
    """The server's part of the status line: its model, or why there is no ghost text."""
    error = document.error or client.error
    if error:
        return str(error)
    if not client.connected:
        return "reconnecting"
    return client.welcome.model if client.welcome else ""
