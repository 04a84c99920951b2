"""A program that serves a model folder with an engine in its own process. Started by the tests of both processes.

Prints the server's address, and the engine's process number each time that it is ready.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from afterword.config.settings import Settings
from afterword.engine.api import EngineEvent, Ready
from afterword.engine.client import EngineClient
from afterword.engine.options import EngineOptions
from afterword.gateway.server import serve
from afterword.text.vocabulary import Vocabulary


async def main(folder: Path) -> None:
    engine = EngineClient(
        EngineOptions(folder=folder, name="tiny", device="cpu", context_tokens=256, cache_mb=64, threads=1)
    )

    def watch(event: EngineEvent) -> None:
        if isinstance(event, Ready):
            print(engine.pid, flush=True)

    await serve(
        Settings().changed(port=0),
        engine,
        Vocabulary.from_folder(folder),
        model="tiny",
        watch=watch,
        listening=lambda server: print(server.url, flush=True),
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1])))
