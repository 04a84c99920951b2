"""A server for one command: on a free port of this machine, behind a secret that only the command knows."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from afterword.cli.errors import CommandError
from afterword.client import Client, ClientError, connect
from afterword.config.settings import Settings
from afterword.config.tokens import TOKEN_VARIABLE
from afterword.engine.api import EngineEvent, Failed, Progress, Ready
from afterword.engine.client import EngineClient
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.models import ModelFiles
from afterword.models.progress import TerminalProgress
from afterword.text.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class RequiredLimits:
    """What the command will request; the limits of its server are raised to that."""

    max_tokens: int
    alternatives: int


def client_for(
    args: Namespace, settings: Settings, files: ModelFiles | None, progress: TerminalProgress
) -> contextlib.AbstractAsyncContextManager[Client]:
    """A client of a private server with the model `files`, or if that is `None`, of the `--server` in `args`."""
    if files is None:
        return client_of(args.server, os.environ.get(TOKEN_VARIABLE))
    return client_of_private_server(settings, files, RequiredLimits(args.max_tokens, args.alternatives), progress)


@contextlib.asynccontextmanager
async def client_of_private_server(
    settings: Settings, files: ModelFiles, required: RequiredLimits, progress: TerminalProgress
) -> AsyncIterator[Client]:
    """A client of a server that runs while the context lasts, ready when entered. Raises `CommandError`."""
    token = secrets.token_urlsafe(24)
    limits = settings.limits
    settings = settings.changed(
        host="127.0.0.1",
        port=0,
        tokens=(token,),
        origins=(),
        page=False,
        grace_ms=0,
        max_tokens=max(required.max_tokens, limits.max_tokens),
        max_alternatives=max(required.alternatives, limits.max_alternatives),
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

    engine = EngineClient(EngineOptions.of(settings.model, files.folder, files.name))
    vocabulary = Vocabulary.from_folder(files.folder)
    async with running_server(settings, engine, vocabulary, model=files.name, watch=watch) as server:
        await ready
        progress.finish()
        async with connect(server.url, token=token, name="afterword") as client:
            yield client


@contextlib.asynccontextmanager
async def client_of(url: str, token: str | None) -> AsyncIterator[Client]:
    """A client of a running server. Raises `CommandError` if none answers there, or it refuses."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise CommandError(f"{url!r} is not the URL of a server; one looks like ws://127.0.0.1:8765/v1")
    client = connect(url, token=token, name="afterword")
    try:
        await client.__aenter__()
    except ClientError as error:
        raise CommandError(str(error)) from error
    try:
        yield client
    finally:
        await client.aclose()
