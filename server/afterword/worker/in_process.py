"""Loading a core for an engine in the process of those who use it: see `afterword.engine.in_process`."""

from __future__ import annotations

from afterword.engine.options import EngineOptions
from afterword.worker.loading import Loaded, Report, load_core
from afterword.worker.thread_priority import give_way


def load_giving_way(options: EngineOptions, progress: Report) -> Loaded:
    """`load_core` on a thread that is the engine's: from now on it gives way to the threads of those who use it."""
    give_way()
    return load_core(options, progress)
