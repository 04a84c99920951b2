"""A server for one command: on this machine only, on any free port, behind a secret nobody else knows."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import secrets
from argparse import Namespace
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from afterword.cli.errors import CommandError
from afterword.client import Client, ClientError, connect
from afterword.config.settings import Settings
from afterword.engine.api import EngineEvent, Failed, Progress, Ready
from afterword.engine.client import EngineClient
from afterword.gateway.auth import TOKEN_VARIABLE
from afterword.gateway.server import running_server
from afterword.models import ModelFiles
from afterword.models.progress import TerminalProgress
from afterword.text.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True, slots=True)
class Needs:
    """What the command will ask of the server: its limits are raised to that."""

    max_tokens: int
    alternatives: int


def client_for(
    args: Namespace, settings: Settings, files: ModelFiles | None, progress: TerminalProgress
) -> contextlib.AbstractAsyncContextManager[Client]:
    """The client that a command asks for: of an own server of the model `files`, or with `None` of `--server`."""
    if files is None:
        return client_of(args.server, os.environ.get(TOKEN_VARIABLE))
    return client_of_own_server(settings, files, Needs(args.max_tokens, args.alternatives), progress)


@contextlib.asynccontextmanager
async def client_of_own_server(
    settings: Settings, files: ModelFiles, needs: Needs, progress: TerminalProgress
) -> AsyncIterator[Client]:
    """A client of a server that lasts as long as the context; ready when entered. Raises `CommandError`."""
    token = secrets.token_urlsafe(24)
    options = settings.gateway(files.name)
    limits = dataclasses.replace(
        options.limits,
        max_tokens=max(needs.max_tokens, options.limits.max_tokens),
        alternatives=max(needs.alternatives, options.limits.alternatives),
    )
    options = dataclasses.replace(
        options, host="127.0.0.1", port=0, tokens=(token,), origins=(), limits=limits, grace_ms=0, site=None
    )
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def watch(event: EngineEvent) -> None:
        if ready.done():
            return
        if isinstance(event, Progress):
            progress(event.stage, event.fraction)
        elif isinstance(event, Ready):
            ready.set_result(None)
        elif isinstance(event, Failed):
            ready.set_exception(CommandError(f"the model {files.name} cannot be used: {event.detail}"))

    engine = EngineClient(settings.engine(files))
    vocabulary = Vocabulary.from_folder(files.folder)
    async with running_server(options, engine, vocabulary, watch=watch) as server:
        await ready
        progress.finish()
        async with connect(server.url, token=token, name="afterword") as client:
            yield client


@contextlib.asynccontextmanager
async def client_of(url: str, token: str | None) -> AsyncIterator[Client]:
    """A client of a server that runs already. Raises `CommandError` if there is none or it refuses."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise CommandError(f"{url!r} is not the address of a server; it looks like ws://127.0.0.1:8765/v1")
    client = connect(url, token=token, name="afterword")
    try:
        await client.__aenter__()
    except ClientError as error:
        raise CommandError(str(error)) from error
    try:
        yield client
    finally:
        await client.aclose()
