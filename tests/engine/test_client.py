"""An engine in its own process, with a process that follows a script in place of a model."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from afterword.engine.api import (
    Ended,
    EngineEvent,
    Failed,
    Lost,
    Paused,
    Progress,
    Ready,
    Request,
    Sampled,
    Started,
    StopRun,
)
from afterword.engine.client import EngineClient, RestartWaits
from afterword.engine.options import EngineOptions

SCRIPT = Path(__file__).with_name("scripted_worker.py")
HANG_S = 30  # far beyond what any step here takes


class Listener:
    """Collects events and waits for them."""

    def __init__(self) -> None:
        self.events: list[EngineEvent] = []
        self._news = asyncio.Event()

    def hear(self, events: Sequence[EngineEvent]) -> None:
        self.events += events
        self._news.set()

    async def until(self, met: Callable[[list[EngineEvent]], bool]) -> None:
        async with asyncio.timeout(HANG_S):
            while not met(self.events):
                self._news.clear()
                await self._news.wait()

    async def until_kind(self, kind: type[EngineEvent], count: int = 1) -> None:
        await self.until(lambda events: sum(isinstance(event, kind) for event in events) >= count)


@contextlib.asynccontextmanager
async def running(behaviour: str, folder: Path) -> AsyncIterator[tuple[EngineClient, Listener]]:
    command = (sys.executable, str(SCRIPT), behaviour, str(folder))
    engine = EngineClient(
        EngineOptions(folder=folder, name="scripted"), command=command, waits=RestartWaits(first_ms=10)
    )
    listener = Listener()
    await engine.open(listener.hear)
    try:
        yield engine, listener
    finally:
        async with asyncio.timeout(HANG_S):
            await engine.close()


def told(folder: Path) -> list[str]:
    file = folder / "commands"
    return file.read_text().splitlines() if file.exists() else []


def request(run: int, length: int = 3, *, document: int = 1) -> Request:
    return Request("w", document, run, range(length))


async def test_it_tells_its_progress_then_is_ready_and_answers_wishes(tmp_path: Path) -> None:
    async with running("behaves", tmp_path) as (engine, listener):
        await listener.until_kind(Ready)
        assert listener.events == [Progress("loading", 0.5), Ready("scripted", 1024, 4, "cpu", "float32")]
        engine.submit(request(7, 3))
        await listener.until_kind(Paused)
        assert listener.events[2:] == [
            Started("w", 1, 7, 3, 0, 3, 0.0),
            Sampled("w", 1, 7, 0, 3, -0.1),
            Paused("w", 1, 7, 0),
        ]


async def test_before_it_is_ready_the_newest_wish_of_each_document_waits(tmp_path: Path) -> None:
    async with running("loads slowly", tmp_path) as (engine, listener):
        await listener.until_kind(Progress)
        for run in range(1, 20):
            engine.submit(request(run))
        engine.submit(request(20, document=2))
        engine.submit(request(21, document=3))
        engine.submit(StopRun("w", 3, 21))
        (tmp_path / "go").touch()
        await listener.until_kind(Paused, 2)
        assert told(tmp_path) == ["request 19 3", "request 20 3"]


async def test_while_it_does_not_read_wishes_do_not_pile_up(tmp_path: Path) -> None:
    async with running("does not read", tmp_path) as (engine, listener):
        await listener.until_kind(Ready)
        for run in range(1, 2001):
            engine.submit(request(run, 2000))
            await asyncio.sleep(0)
        (tmp_path / "go").touch()
        await listener.until(lambda events: any(isinstance(event, Paused) and event.run == 2000 for event in events))
        assert len(told(tmp_path)) < 200


async def test_when_it_dies_that_is_told_and_it_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running("dies on a request", tmp_path) as (engine, listener):
        await listener.until_kind(Ready)
        engine.submit(request(1))
        await listener.until_kind(Lost)
        assert listener.events[2] == Lost("it was killed by SIGKILL")
        engine.submit(request(2))
        await listener.until_kind(Ready, 2)
        await listener.until_kind(Paused)
        assert [event for event in listener.events if isinstance(event, Started)] == [Started("w", 1, 2, 3, 0, 3, 0.0)]
        assert "this is the end" in caplog.text


async def test_killed_from_outside_while_idle_it_comes_back(tmp_path: Path) -> None:
    async with running("behaves", tmp_path) as (engine, listener):
        await listener.until_kind(Ready)
        first = engine.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await listener.until_kind(Ready, 2)
        assert engine.pid != first


async def test_it_is_tried_again_when_it_dies_while_loading(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running("crashes at once", tmp_path) as (_, listener):
        await listener.until_kind(Ready)
        losses = [event for event in listener.events if isinstance(event, Lost)]
        assert losses == [Lost("it exited with status 3")] * 2
        assert "out of luck" in caplog.text


async def test_nonsense_from_it_counts_as_a_death(tmp_path: Path) -> None:
    async with running("talks nonsense", tmp_path) as (_, listener):
        await listener.until_kind(Ready)
        assert Lost("it sent nonsense") in listener.events


async def test_a_refused_model_is_not_tried_again_and_wishes_fail(tmp_path: Path) -> None:
    async with running("refuses", tmp_path) as (engine, listener):
        engine.submit(request(1))
        await listener.until_kind(Ended)
        engine.submit(Request("w", 1, 2, (1,), alternatives=2))
        await listener.until_kind(Ended, 3)
        assert listener.events == [
            Progress("loading", 0.5),
            Failed("no such model"),
            Ended("w", 1, 1, 0, "error", "no such model"),
            Ended("w", 1, 2, 0, "error", "no such model"),
            Ended("w", 1, 2, 1, "error", "no such model"),
        ]
        await asyncio.sleep(0.1)
        assert (tmp_path / "lives").read_text() == "1"


async def test_a_model_that_worked_once_is_tried_again_when_it_is_refused_later(tmp_path: Path) -> None:
    async with running("refuses later", tmp_path) as (engine, listener):
        await listener.until_kind(Ready)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        await listener.until_kind(Ready, 2)
        losses = [event for event in listener.events if isinstance(event, Lost)]
        assert losses == [Lost("it was killed by SIGKILL"), Lost("no such model")]
        assert not any(isinstance(event, Failed) for event in listener.events)


async def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    engine = EngineClient(EngineOptions(folder=tmp_path, name="none"), command=(str(tmp_path / "missing"),))
    listener = Listener()
    await engine.open(listener.hear)
    await listener.until_kind(Lost)
    assert listener.events[0] == Lost("it could not be started: No such file or directory")
    await engine.close()


@pytest.mark.parametrize("behaviour", ["behaves", "hangs", "loads slowly"])
async def test_closing_ends_the_process_even_one_that_is_stuck(tmp_path: Path, behaviour: str) -> None:
    async with running(behaviour, tmp_path) as (engine, listener):
        await listener.until_kind(Progress if behaviour == "loads slowly" else Ready)
        pid = engine.pid
        assert pid is not None
        heard = len(listener.events)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert len(listener.events) == heard


async def test_an_interrupt_at_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    async with running("behaves", tmp_path) as (engine, listener):
        await listener.until_kind(Ready)
        assert engine.pid is not None
        assert os.getpgid(engine.pid) != os.getpgid(0)


async def test_the_secrets_of_the_gateway_stay_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERWORD_TOKEN", "secret")
    async with running("behaves", tmp_path) as (_, listener):
        await listener.until_kind(Ready)
    assert "AFTERWORD_TOKEN" not in (tmp_path / "environment").read_text().split()


def test_the_wait_grows_up_to_a_bound_and_starts_over_once_the_engine_was_well() -> None:
    waits = RestartWaits(first_ms=100, factor=2, greatest_ms=500, well_after_ms=1000)
    last: float | None = None
    seen = []
    for ready_for_ms in (0, 0, 999, 0, 0, 1000, 0):
        last = waits.next_ms(last, ready_for_ms)
        seen.append(last)
    assert seen == [100, 200, 400, 500, 500, 100, 200]
