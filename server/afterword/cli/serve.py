"""`afterword serve`: finds the model, runs gateway and engine, and prints where they are.

Not here: the server itself (`afterword.gateway.server`).
"""

from __future__ import annotations

import asyncio
import logging
import sys
from argparse import Namespace
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from afterword.cli.args import settings_of
from afterword.cli.errors import CommandError
from afterword.config.settings import ServerSettings, SettingsError
from afterword.config.tokens import with_all_tokens
from afterword.engine.api import EngineEvent, Lost, PartLost, Progress, Ready
from afterword.engine.options import EngineOptions
from afterword.engine.router import engine_of
from afterword.faults import describe_fault
from afterword.gateway.auth import InsecureBindError, require_tokens
from afterword.gateway.server import EngineStartError, RunningServer, serve
from afterword.models import ModelFiles, resolve
from afterword.models.progress import TerminalProgress
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.messages import SUBPROTOCOL

T = TypeVar("T")


def run(args: Namespace) -> int:
    """Serve until a signal stops it; returns the exit status."""
    settings = with_all_tokens(settings_of(args))
    check_bind(settings.server)
    log_to_stderr(settings.server.log_level)
    with TerminalProgress() as progress:
        files = resolve(settings.model.model, settings.model.cache_dir, progress)
        announcer = Announcer(files, progress)
        engine = engine_of(EngineOptions.of(settings.model, files.folder, files.name))
        vocabulary = Vocabulary.from_folder(files.folder)
        try:
            run_async(
                serve(
                    settings,
                    engine,
                    vocabulary,
                    model=files.name,
                    watch=announcer.watch,
                    listening=announcer.listening,
                )
            )
        except EngineStartError as error:
            raise CommandError(f"the model {files.name} cannot be served: {error}") from error
        except OSError as error:
            raise CommandError(
                f"cannot listen on {settings.server.host} port {settings.server.port}: {error.strerror or error}; "
                "choose another address with --host and --port"
            ) from error
    print("Stopped.")
    return 0


class Announcer:
    """Prints what the engine does, and where the server is once it is ready."""

    def __init__(self, files: ModelFiles, progress: TerminalProgress) -> None:
        self._files = files
        self._progress = progress
        self._server: RunningServer | None = None
        self._ready: set[int] = set()  # engines that were announced as ready

    def listening(self, server: RunningServer) -> None:
        """The server listens."""
        self._server = server

    def watch(self, event: EngineEvent) -> None:
        """The engine reports."""
        if isinstance(event, Progress):
            self._progress(event.stage, event.fraction)
        elif isinstance(event, Lost):
            self._progress.finish()
            print(f"The engine died and is restarting: {event.detail}", file=sys.stderr)
        elif isinstance(event, PartLost):
            print(f"Engine {event.engine} died; the others go on: {event.detail}", file=sys.stderr)
        elif isinstance(event, Ready) and self._server is not None:
            self._progress.finish()
            again = "is ready again" if event.engine in self._ready else "is ready as well"
            news = f"The engine on {event.device} {again}."
            print(news if self._ready else self._banner(self._server, event), flush=True)
            self._ready.add(event.engine)

    def _banner(self, server: RunningServer, ready: Ready) -> str:
        license_name = f" ({self._files.license})" if self._files.license else ""
        return "\n".join(
            [
                "Afterword is ready.",
                *([f"  write    {server.web}/"] if server.page else []),
                f"  editors  {server.url}  (subprotocol {SUBPROTOCOL})",
                f"  health   {server.web}/healthz",
                f"  model    {self._files.name}{license_name}: {ready.dtype} on {ready.device}, "
                f"{ready.context_tokens} tokens of context",
                "  stop     Ctrl-C",
            ]
        )


def check_bind(server: ServerSettings) -> None:
    """Refuse early to let other machines in without a token. Raises `SettingsError`."""
    try:
        require_tokens(server.host, server.tokens)
    except InsecureBindError as error:
        raise SettingsError(str(error)) from error


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the fastest event loop available."""
    try:
        import uvloop
    except ImportError:  # not available on Windows
        return asyncio.run(work)
    return uvloop.run(work)


class GatewayLogFormatter(logging.Formatter):
    """Logs exceptions without their messages, which may quote a writer's text."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """The exception's type and where it was raised."""
        return describe_fault(ei[1]) if ei[1] is not None else ""


def log_to_stderr(level: str) -> None:
    """Log to standard error, from this level up."""
    handler = logging.StreamHandler()
    handler.setFormatter(GatewayLogFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=level.upper())
