"""A server that notes when a keystroke passes which place: `python -m bench.marked gateway|engine ...`.

It is the server that `afterword serve` starts, both of its processes, with functions on the keystroke's way wrapped to
note the time (a tenth of a microsecond each). The clock is the system's monotonic one, which on Linux is the same in
all processes. What was noted is written to a file in the folder that `MARKS_VARIABLE` names when the process ends.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARKS_VARIABLE = "AFTERWORD_BENCH_MARKS"
GATEWAY, ENGINE = "gateway", "engine"

_marks: list[tuple[str, int]] = []


def note(owner: Any, function: str, before: str = "", after: str = "", *, if_given: bool = False) -> None:
    """Note a mark when a function of a class or object is entered, and one when it returns or fails.

    `if_given`: only if what it returns is not None.
    """
    original: Callable[..., Any] = getattr(owner, function)

    @functools.wraps(original)
    def noted(*given: Any, **named: Any) -> Any:
        if before:
            _marks.append((before, time.monotonic_ns()))
        returned = None
        try:
            returned = original(*given, **named)
        finally:
            if after and not (if_given and returned is None):
                _marks.append((after, time.monotonic_ns()))
        return returned

    setattr(owner, function, noted)


def write(name: str) -> None:
    """Write down what was noted."""
    (Path(os.environ[MARKS_VARIABLE]) / f"{name}.json").write_text(json.dumps(_marks))


def read(folder: Path, name: str) -> list[tuple[str, int]]:
    """What a process noted: marks and nanoseconds, in order."""
    return [(mark, at) for mark, at in json.loads((folder / f"{name}.json").read_text())]


def gateway(arguments: list[str]) -> int:
    """Serve as `afterword serve` does, with an engine process that notes as well."""
    from afterword.cli import main
    from afterword.engine.client import EngineClient
    from afterword.engine.worker_process import WorkerProcess
    from afterword.gateway.connection import Connection
    from afterword.gateway.outbox import Outbox
    from afterword.text.prompt import PromptTokens

    note(Connection, "_receive", "frame read")
    note(PromptTokens, "update", "text given", "prompt made")
    note(EngineClient, "start", after="request sent")
    note(WorkerProcess, "data_received", "events read")
    note(Connection, "on_generation", "text made", "message made")
    note(Outbox, "take", after="frame made", if_given=True)
    plain = EngineClient.__init__

    def with_marks(self: EngineClient, options: Any, **named: Any) -> None:
        named["command"] = (sys.executable, "-m", "bench.marked", ENGINE, *options.arguments())
        plain(self, options, **named)

    EngineClient.__init__ = with_marks  # type: ignore[method-assign]
    try:
        return main(["serve", *arguments])
    finally:
        write(GATEWAY)


def engine(arguments: list[str]) -> int:
    """Be an engine process."""
    from afterword.worker import __main__ as program
    from afterword.worker.core import EngineCore

    leave = program._leave
    leaving = threading.Lock()  # by whichever thread notices first that the gateway is gone; never released

    def write_and_leave(status: int = 0) -> None:
        leaving.acquire()
        write(ENGINE)
        leave(status)

    program._leave = write_and_leave
    note(EngineCore, "start", "request read")
    note(program.Line, "emit", "tokens chosen")
    make = EngineCore.__init__

    def make_with_marks(self: EngineCore, *given: Any, **named: Any) -> None:
        make(self, *given, **named)
        note(self._runner, "forward", "step begun", "step done")

    EngineCore.__init__ = make_with_marks  # type: ignore[method-assign]
    return program.main(arguments)


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    sys.exit(gateway(rest) if role == GATEWAY else engine(rest))
