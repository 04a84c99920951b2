"""A server that notes when a keystroke passes which place: `python -m bench.instrumented_server gateway|worker ...`.

It is the server that `afterword serve` starts, both of its processes, with functions on the keystroke's way wrapped to
note the time (a tenth of a microsecond each). The clock is the system's monotonic one, which on Linux is the same in
all processes. What was noted is written to a file in the folder that `MARKS_VARIABLE` names when the process ends.

What lives here: everything that the benchmark knows of the server's functions by name.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import threading
import time
from asyncio import timeout
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .afterword_server import ADDRESS, ServeProcess
from .processes import START_WITHIN_S, running

MARKS_VARIABLE = "AFTERWORD_BENCH_MARKS"
GATEWAY, WORKER = "gateway", "worker"

Mark = tuple[str, int]  # a name and nanoseconds


@dataclass(frozen=True, slots=True)
class NotedStep:
    """A step of the model that was computed: nanoseconds, and the documents whose rows were still wanted at its end."""

    begun: int
    done: int
    documents: frozenset[str]


_marks: list[Mark] = []
_steps: list[tuple[int, int, list[str]]] = []


def note(owner: Any, function: str, before: str = "", after: str = "", *, if_not_none: bool = False) -> None:
    """Note a mark when a function of a class or object is entered, and one when it returns or fails.

    `if_not_none`: only if what it returns is not None.
    """
    original: Callable[..., Any] = getattr(owner, function)

    @functools.wraps(original)
    def noted(*args: Any, **others: Any) -> Any:
        if before:
            _marks.append((before, time.monotonic_ns()))
        returned = None
        try:
            returned = original(*args, **others)
        finally:
            if after and not (if_not_none and returned is None):
                _marks.append((after, time.monotonic_ns()))
        return returned

    setattr(owner, function, noted)


def note_steps(runner: Any) -> None:
    """Note each step of a runner: when it began and ended, and for which documents."""
    original: Callable[[Any], Any] = runner.forward

    def noted(step: Any) -> Any:
        begun = time.monotonic_ns()
        _marks.append(("step begun", begun))
        try:
            return original(step)
        finally:
            done = time.monotonic_ns()
            _marks.append(("step done", done))
            _steps.append((begun, done, [str(span.document) for span in step.spans if not span.skipped]))

    runner.forward = noted


def write(name: str) -> None:
    """Write down what was noted."""
    path = Path(os.environ[MARKS_VARIABLE]) / f"{name}.json"
    path.write_text(json.dumps({"marks": _marks, "steps": _steps}))


def read_marks(folder: Path) -> list[Mark]:
    """What both processes noted, in the order of time."""
    marks = [(mark, at) for name in (GATEWAY, WORKER) for mark, at in _read(folder, name)["marks"]]
    return sorted(marks, key=lambda mark: mark[1])


def read_steps(folder: Path) -> list[NotedStep]:
    """The steps that the worker computed, in order."""
    return [NotedStep(begun, done, frozenset(names)) for begun, done, names in _read(folder, WORKER)["steps"]]


def _read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return content


@contextlib.asynccontextmanager
async def instrumented_server(model: str, folder: Path) -> AsyncIterator[ServeProcess]:
    """Run a server that notes while the context lasts; what it noted is in the folder when the context has ended."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "bench.instrumented_server", GATEWAY, "--port=0", f"--model={model}"]
    async with running(command, {MARKS_VARIABLE: str(folder)}) as program:
        async with timeout(START_WITHIN_S):
            url = await program.until_says(ADDRESS)
        yield ServeProcess(url, time.perf_counter() - began, tuple(program.tree.members()), program.tree)


def gateway(arguments: list[str]) -> int:
    """Serve as `afterword serve` does, with a worker that notes as well."""
    from afterword.cli import main
    from afterword.engine.client import EngineClient
    from afterword.engine.worker_process import WorkerProcess
    from afterword.gateway.outbox import Outbox
    from afterword.session.session import Session
    from afterword.text.prompt import PromptTokens

    note(Session, "receive", "frame read")
    note(PromptTokens, "update", "text given", "prompt made")
    note(EngineClient, "submit", after="request sent")
    note(WorkerProcess, "data_received", "events read")
    note(Session, "on_generation", "text made", "message made")
    note(Outbox, "take", after="frame made", if_not_none=True)
    plain = EngineClient.__init__

    def with_marks(self: EngineClient, options: Any, **others: Any) -> None:
        others["command"] = (
            sys.executable,
            "-m",
            "bench.instrumented_server",
            WORKER,
            f"--options={options.to_json()}",
        )
        plain(self, options, **others)

    EngineClient.__init__ = with_marks  # type: ignore[method-assign]
    try:
        return main(["serve", *arguments])
    finally:
        write(GATEWAY)


def worker(arguments: list[str]) -> int:
    """Be a worker."""
    from afterword.worker import __main__ as program
    from afterword.worker.engine_core import EngineCore
    from afterword.worker.scheduler.scheduler import Scheduler

    leave = program._leave
    leaving = threading.Lock()  # by whichever thread notices first that the gateway is gone; never released

    def write_and_leave(status: int = 0) -> None:
        leaving.acquire()
        write(WORKER)
        leave(status)

    program._leave = write_and_leave
    note(Scheduler, "add", "request read")
    note(program.GatewaySocket, "emit", "tokens chosen")
    make = EngineCore.__init__

    def make_with_marks(self: EngineCore, *args: Any, **others: Any) -> None:
        make(self, *args, **others)
        note_steps(self.runner)

    EngineCore.__init__ = make_with_marks  # type: ignore[method-assign]
    return program.main(arguments)


if __name__ == "__main__":
    # Under its own name, so that what the wrapped functions note is in the module that writes it.
    from bench import instrumented_server as itself

    role, *rest = sys.argv[1:]
    sys.exit(itself.gateway(rest) if role == GATEWAY else itself.worker(rest))
