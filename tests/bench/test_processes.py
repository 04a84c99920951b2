"""Programs that the benchmark starts are watched, paused, and ended with their children."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest
from bench.processes import NotStarted, PeakMemory, ProcessTree, free_port, running

CHILD = "import time; held = bytearray(64 << 20); print('grown', flush=True); time.sleep(600)"
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}])
print("child", child.pid, flush=True)
time.sleep(600)
"""


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def gone(pid: int) -> None:
    def ended() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    await until(ended)


@pytest.mark.timeout(120)
async def test_memory_counts_children_and_nothing_is_left_behind() -> None:
    async with running([sys.executable, "-c", PARENT]) as program:
        child = int((await program.until_says(re.compile(r"child \d+"))).split()[1])
        await program.until_says(re.compile("grown"))
        peak = PeakMemory(lambda: [program.tree.memory_mib()])
        async with peak.watching():
            await asyncio.sleep(0.1)
        assert peak.most_mib[0] > 64
        assert program.tree.cpu_s() > 0
    await gone(child)


@pytest.mark.timeout(120)
async def test_a_paused_program_is_ended_too() -> None:
    async with running([sys.executable, "-c", PARENT]) as program:
        child = int((await program.until_says(re.compile(r"child \d+"))).split()[1])
        program.tree.signal(signal.SIGSTOP)
    await gone(child)


@pytest.mark.timeout(120)
async def test_a_program_that_ends_too_early_is_told_with_its_last_words() -> None:
    with pytest.raises(NotStarted, match=r"(?s)status 3.*no such luck"):
        async with running([sys.executable, "-c", "import sys; print('no such luck'); sys.exit(3)"]) as program:
            await program.until_answers(f"http://127.0.0.1:{free_port()}/health")


@pytest.mark.timeout(120)
async def test_cancelling_ends_what_was_started() -> None:
    pids: list[int] = []

    async def forever() -> None:
        async with running([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]) as program:
            await program.until_says(re.compile("up"))
            pids.extend(member.pid for member in program.tree.members())
            await asyncio.sleep(600)

    task = asyncio.create_task(forever())
    await until(lambda: bool(pids))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pids[0])


def test_of_a_process_that_has_gone_there_is_nothing() -> None:
    program = subprocess.Popen([sys.executable, "-c", ""])
    program.wait()
    tree = ProcessTree(program.pid)
    assert tree.members() == []
    assert tree.memory_mib() == 0
    assert tree.cpu_s() == 0
