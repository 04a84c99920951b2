"""Programs that the benchmark starts: how they are watched, paused while others are measured, and ended.

What lives here: processes with their children, their processor time and memory, and waiting until a program answers.
Which programs, and with what arguments, is in `afterword_server` and `replay/servers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import IO

import psutil

START_WITHIN_S = 300.0
STOP_WITHIN_S = 20.0
LAST_WORDS_CHARACTERS = 2000
LOOK_EACH_S = 0.05
GLANCE_EACH_S = 0.25
REQUEST_WITHIN_S = 5.0


class NotStarted(Exception):
    """A program ended or stayed silent before it was ready; the message says which, and its last words."""


class ProcessTree:
    """A process with all its children."""

    def __init__(self, pid: int) -> None:
        """`pid`: of the process, which may have gone already."""
        try:
            self._first: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._first = None

    def members(self) -> list[psutil.Process]:
        """The process and its children, oldest first; nothing once it has gone."""
        if self._first is None:
            return []
        try:
            return [self._first, *self._first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_s(self) -> float:
        """Processor time that those alive have used so far."""
        spent_s = 0.0
        for member in self.members():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = member.cpu_times()
                spent_s += times.user + times.system
        return spent_s

    def memory_mib(self) -> float:
        """Resident memory of all together."""
        held = 0
        for member in self.members():
            with contextlib.suppress(psutil.NoSuchProcess):
                held += member.memory_info().rss
        return held / 2**20

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all."""
        for member in self.members():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(number)


class PeakMemory:
    """The most memory that processes have held while they were watched, each by itself."""

    def __init__(self, read_mib: Callable[[], Sequence[float]]) -> None:
        """`read_mib`: gives the memory of each process, or of each group of them, in the same order every time."""
        self._read_mib = read_mib
        self.start_mib = list(read_mib())
        self.most_mib = self.start_mib

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep looking while the context lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            self._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(GLANCE_EACH_S)

    def _look(self) -> None:
        self.most_mib = [max(pair) for pair in zip(self.most_mib, self._read_mib(), strict=True)]


class Program:
    """A program that runs, with what it has written so far."""

    def __init__(self, command: Sequence[str], process: asyncio.subprocess.Process, words: IO[bytes]) -> None:
        self._command = command
        self._process = process
        self._words = words
        self.tree = ProcessTree(process.pid)

    async def until_says(self, pattern: re.Pattern[str]) -> str:
        """What of its output first matches. Raises NotStarted."""
        while True:
            found = pattern.search(self._said())
            if found:
                return found.group()
            await self._look_again()

    async def until_answers(self, url: str) -> None:
        """Wait until a page is there. Raises NotStarted."""
        while not await asyncio.to_thread(_is_there, url):
            await self._look_again()

    def _said(self) -> str:
        self._words.seek(0)
        return self._words.read().decode(errors="replace")

    async def _look_again(self) -> None:
        if self._process.returncode is not None:
            name = " ".join(self._command)
            raise NotStarted(
                f"{name}\nended with status {self._process.returncode}:\n{self._said()[-LAST_WORDS_CHARACTERS:]}"
            )
        await asyncio.sleep(LOOK_EACH_S)


@contextlib.asynccontextmanager
async def running(command: Sequence[str], variables: Mapping[str, str] | None = None) -> AsyncIterator[Program]:
    """Start a program, and end it and its children whatever happens. `variables`: added to the environment."""
    with tempfile.TemporaryFile() as words:
        # In a session of its own, so that Ctrl-C reaches only the benchmark, which ends what it started in order.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
            env=os.environ | (variables or {}),
        )
        program = Program(command, process, words)
        members = program.tree.members()
        try:
            yield program
        finally:
            members = program.tree.members() or members
            program.tree.signal(signal.SIGCONT)
            await asyncio.shield(_end(process, members))


async def _end(process: asyncio.subprocess.Process, members: Sequence[psutil.Process]) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            if member.is_running():
                member.kill()


def tree_at(port: int) -> ProcessTree | None:
    """Who listens on a port of this machine, if the system tells."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
            if listens and connection.pid:
                return ProcessTree(connection.pid)
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass
    return None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _is_there(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=REQUEST_WITHIN_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
