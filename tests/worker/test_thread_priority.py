"""Threads that compute give way to those that wake up."""

from __future__ import annotations

import os
import threading

import pytest

from afterword.worker import thread_priority


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has a batch policy")
def test_the_thread_and_those_it_starts_give_way_and_no_other_does() -> None:
    found: list[int] = []

    def note() -> None:
        found.append(os.sched_getscheduler(0))

    def compute() -> None:
        thread_priority.give_way()
        note()
        started = threading.Thread(target=note)
        started.start()
        started.join()

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert found == [os.SCHED_BATCH, os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux has a batch policy")
def test_it_stays_as_nice_as_it_was() -> None:
    found: list[int] = []

    def compute() -> None:
        os.setpriority(os.PRIO_PROCESS, 0, 5)
        thread_priority.give_way()
        found.append(os.getpriority(os.PRIO_PROCESS, 0))

    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert found == [5]


def test_an_unknown_processor_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_priority.platform, "machine", lambda: "pdp11")
    thread = threading.Thread(target=thread_priority.give_way)
    thread.start()
    thread.join()
