"""Gateway and engine as they are run: two processes, with a small random model in the second."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from afterword.engine.api import EngineEvent, Failed, Lost, Progress
from afterword.engine.client import EngineClient
from afterword.engine.options import EngineOptions

from .peer import Peer, greeted

START_S = 120  # torch alone takes seconds to load, and the machine may be busy
HANG_S = 30
SCRIPT = Path(__file__).with_name("model_server.py")

pytestmark = pytest.mark.slow


@dataclass
class Program:
    """The gateway's process, where it listens, and the number of its engine's process."""

    process: asyncio.subprocess.Process
    url: str
    engine: int

    async def line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            return (await self.process.stdout.readline()).decode().strip()

    async def next_engine(self) -> None:
        self.engine = int(await self.line())


@pytest.fixture
async def program(tiny_model_folder: Callable[..., Path]) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(tiny_model_folder()), stdout=asyncio.subprocess.PIPE
    )
    started = Program(process, "", 0)
    try:
        started.url = await started.line()
        await started.next_engine()
        yield started
    finally:
        for number in (process.pid, started.engine):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        await process.wait()


async def ghost_text(peer: Peer) -> str:
    """A suggestion from the model, whole."""
    await peer.suggest(max_tokens=8)
    text, done = await peer.until_done()
    assert done["reason"] in {"length", "end", "repetition"}
    assert done["text"] == text
    return text


async def test_when_the_engine_is_killed_nobody_is_disconnected_and_it_comes_back(program: Program) -> None:
    async with greeted(program.url) as peer, greeted(program.url) as idle:
        await peer.open("The quick brown fox")
        before = await ghost_text(peer)
        assert before

        os.kill(program.engine, signal.SIGSTOP)  # so that what is asked now is under way for certain
        await peer.edit(", of all animals,")
        suggestion = await peer.suggest(max_tokens=16)
        await peer.send(type="cancel", doc="a", id=suggestion)
        assert (await peer.until_done())[1]["reason"] == "cancelled"
        await peer.open("A new text", doc="b")
        await peer.suggest("b")
        assert await peer.answers()
        os.kill(program.engine, signal.SIGKILL)

        done = await peer.receive_type("done")
        assert (done["doc"], done["reason"]) == ("b", "error")
        lost = {"type": "notice", "kind": "engine_lost"}
        assert await peer.receive_type("notice") == lost
        assert await idle.receive() == lost

        await peer.open("The quick brown fox")  # asked at once, answered when the model is there again
        await peer.suggest(max_tokens=8)
        async with asyncio.timeout(START_S):
            await program.next_engine()
        back = {"type": "notice", "kind": "engine_restarted"}
        assert await peer.receive_type("notice") == back
        assert await idle.receive() == back
        assert (await peer.until_done())[0] == before
        assert await idle.answers()


async def test_the_engine_goes_when_the_gateway_is_killed(program: Program) -> None:
    engine = psutil.Process(program.engine)
    program.process.kill()
    async with asyncio.timeout(HANG_S):
        while engine.is_running() and engine.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_with_nobody_connected_neither_process_does_anything(program: Program) -> None:
    async with greeted(program.url) as peer:
        await peer.open("The quick brown fox")
        assert await ghost_text(peer)
    processes = [psutil.Process(program.process.pid), psutil.Process(program.engine)]
    await asyncio.sleep(1)  # what the visit left to be done

    def wakings() -> list[int]:
        return [process.num_ctx_switches().voluntary for process in processes]

    before = wakings()
    await asyncio.sleep(4)
    # Whoever looks around ten times a second, or more often, wakes up forty times.
    assert max(after - earlier for after, earlier in zip(wakings(), before, strict=True)) < 20


async def test_an_interrupt_at_the_terminal_ends_both_in_order(program: Program) -> None:
    engine = psutil.Process(program.engine)
    async with greeted(program.url) as peer:
        await peer.open("The quick brown fox")
        assert await ghost_text(peer)
        os.kill(program.engine, signal.SIGINT)  # a terminal may send it to everybody; the engine takes no notice
        program.process.send_signal(signal.SIGINT)
        assert (await peer.close_code())[0] == 1001
    async with asyncio.timeout(HANG_S):
        assert await program.process.wait() == 0
    assert not engine.is_running()


async def test_the_engine_gives_way_to_the_gateway(program: Program) -> None:
    # One session, or Linux would share processors out between the two before it looks at their threads; but not one
    # group, which an interrupt at the terminal would reach.
    assert os.getsid(program.engine) == os.getsid(program.process.pid)
    assert os.getpgid(program.engine) != os.getpgid(program.process.pid)
    assert os.sched_getscheduler(program.process.pid) == os.SCHED_OTHER
    assert os.sched_getscheduler(program.engine) == os.SCHED_BATCH  # of its first thread, which steps


async def test_a_folder_without_a_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    engine = EngineClient(EngineOptions(folder=tmp_path, name="none"))
    events: list[EngineEvent] = []
    over = asyncio.Event()

    def hear(news: Sequence[EngineEvent]) -> None:
        events.extend(news)
        if any(isinstance(event, Failed | Lost) for event in news):
            over.set()

    await engine.open(hear)
    async with asyncio.timeout(START_S):
        await over.wait()
    await engine.close()
    assert isinstance(events[0], Progress)
    assert isinstance(events[-1], Failed)
    assert "tokenizer.json" in events[-1].detail
