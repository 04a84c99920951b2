"""Records which of the program's own functions run while a flag is up, in whatever process imports this module.

`sitecustomize.py` beside it imports it where `RECORD_VARIABLE` names a folder: both processes of a server do, because
that folder stands first on their PYTHONPATH. The flag is one byte of a file that all of them map into memory. A process
writes down what it recorded at the first call after the flag went down, each time into a file of its own.
"""

from __future__ import annotations

import asyncio.runners
import inspect
import itertools
import json
import mmap
import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

RECORD_VARIABLE = "AFTERWORD_BENCH_WALK"
FLAG = "flag"
# Below these, the stack is that of whoever started the event loop or the thread.
BASES = frozenset({asyncio.runners.__file__, threading.__file__})
PACKAGES = (f"{os.sep}afterword{os.sep}", f"{os.sep}afterword_protocol{os.sep}")

_numbers = itertools.count()  # of what was recorded, one for each time that the flag was up
_calls: list[tuple[str, str, str, int]] = []  # thread, file, function, depth
_ours: dict[str, str | None] = {}  # by file name: the path as it is told, None if it is not the program's own


def begin(folder: Path) -> None:
    """Record from now on, in all threads that are yet to start and in this one."""
    with (folder / FLAG).open("r+b") as file:
        flag = mmap.mmap(file.fileno(), 1)

    def hook(frame: FrameType, event: str, argument: Any) -> None:
        if event != "call":
            return
        if not flag[0]:
            if _calls:
                _write(folder)
            return
        path = _path(frame.f_code.co_filename)
        if path is not None:
            _calls.append((threading.current_thread().name, path, frame.f_code.co_qualname, _depth(frame)))

    threading.setprofile(hook)
    sys.setprofile(hook)


def _write(folder: Path) -> None:
    taken, _calls[:] = list(_calls), []
    (folder / f"{os.getpid()}-{next(_numbers)}.json").write_text(json.dumps(taken))


def _depth(frame: FrameType) -> int:
    """The program's own functions on the stack, from the coroutine or callback in which the call began.

    The coroutines that wait for it to end, and whatever started the event loop, are no part of it.
    """
    depth = 1
    at = frame.f_back
    while at is not None and not at.f_code.co_flags & inspect.CO_COROUTINE and at.f_code.co_filename not in BASES:
        depth += _path(at.f_code.co_filename) is not None
        at = at.f_back
    return depth


def _path(name: str) -> str | None:
    if name not in _ours:
        at = max((name.rfind(package) for package in PACKAGES), default=-1)
        _ours[name] = name[at + 1 :] if at >= 0 and "site-packages" not in name else None
    return _ours[name]
