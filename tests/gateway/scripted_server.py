"""A program that serves as `afterword serve` does, around a scripted engine. Started by the tests of signals.

Arguments: a tokenizer file, and what the engine does. Prints the server's address once it listens.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvloop

from afterword.config.settings import Settings
from afterword.engine.api import Command, Request
from afterword.gateway.server import EngineStartError, serve
from afterword.text.vocabulary import Vocabulary

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.gateway.fake_engine import FakeEngine


class SlowEngine(FakeEngine):
    """Writes the first token at once, and the rest a little later or, if told so, never."""

    never = False

    def submit(self, command: Command) -> None:
        super().submit(command)
        if isinstance(command, Request):
            loop = asyncio.get_running_loop()
            loop.call_soon(self.write, command, 1)
            if not self.never:
                loop.call_later(0.3, self.write, command)


async def main(tokenizer: Path, behaviour: str) -> int:
    vocabulary = Vocabulary.from_file(tokenizer)
    engine = SlowEngine(vocabulary, automatic=False)
    engine.never = behaviour == "never ends"
    if behaviour == "refuses":
        asyncio.get_running_loop().call_later(0.1, engine.fail, "no such model")
    grace_ms = 300 if behaviour == "never ends" else 60_000
    options = Settings().changed(port=0, grace_ms=grace_ms)
    try:
        await serve(
            options, engine, vocabulary, model="scripted", listening=lambda server: print(server.url, flush=True)
        )
    except EngineStartError as error:
        print(error, flush=True)
        return 1
    print("engine closed" if engine.closed else "engine left open", flush=True)
    return 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(Path(sys.argv[1]), sys.argv[2])))
