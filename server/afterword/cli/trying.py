"""`afterword try`: a small editor in the terminal, with a model behind it. Here it is put together."""

from __future__ import annotations

import sys
from argparse import Namespace

from afterword.cli.args import settings_of
from afterword.cli.failure import Failure
from afterword.cli.ghost import AskOptions, TerminalGhost
from afterword.cli.own_server import client_for
from afterword.cli.screen import Screen
from afterword.cli.serve import run_async
from afterword.client import Client, ClientError, Document
from afterword.clock import now_ms
from afterword.config.settings import Settings
from afterword.models import ModelFiles, resolve
from afterword.models.progress import TerminalProgress


def run(given: Namespace) -> int:
    """Let somebody type; returns the exit status."""
    settings = settings_of(given)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failure("try needs a terminal; in a script use:  afterword complete TEXT")
    with TerminalProgress() as progress:
        files = None if given.server else resolve(settings.model, settings.cache_dir, progress)
        written = run_async(type_and_see(given, settings, files, progress))
    print(written)
    return 0


async def type_and_see(
    given: Namespace, settings: Settings, files: ModelFiles | None, progress: TerminalProgress
) -> str:
    """Connect, run the editor, return what was written. `files` is the model, or `None` to ask a server."""
    async with client_for(given, settings, files, progress) as client:
        try:
            document = await client.open("try", given.text, preface=given.preface)
        except ClientError as error:
            raise Failure(str(error)) from error
        ask = AskOptions(given.max_tokens, given.stop, given.alternatives)
        ghost = TerminalGhost(document, now_ms, ask)
        return await Screen(ghost, lambda: state(client, document), given.text).run()


def state(client: Client, document: Document) -> str:
    """What the status line says of the server: its model, or why there is no ghost text."""
    trouble = document.error or client.error
    if trouble:
        return str(trouble)
    if not client.connected:
        return "waiting for the server"
    return client.welcome.model if client.welcome else ""
