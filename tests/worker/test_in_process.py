"""The engine behind its interface: on a thread of its own, events on the loop."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from afterword.engine.api import (
    Ended,
    Failed,
    Forget,
    Measured,
    Paused,
    Progress,
    RaiseLimit,
    Ready,
    Request,
    Sampled,
    StopRun,
)
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.worker.in_process import load_giving_way
from afterword.worker.loading import Loaded, load_core

TEXT = (40, 77, 120, 33, 201, 90, 15, 62)
HANG_S = 60
OWNER = "somebody"


class Listener:
    """A sink that can be waited at."""

    def __init__(self):
        self.events = []
        self._came = asyncio.Event()

    def __call__(self, events):
        self.events += events
        self._came.set()

    async def until(self, wanted):
        """Wait until some event is as wanted; returns it."""
        async with asyncio.timeout(HANG_S):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                self._came.clear()
                await self._came.wait()

    def of(self, run):
        return [event for event in self.events if getattr(event, "run", None) == run]


def kind(*kinds):
    return lambda event: isinstance(event, kinds)


def over(run):
    return lambda event: isinstance(event, Paused | Ended) and event.run == run


@pytest.fixture
async def opened(model):
    """An engine over the small llama, and what it says."""
    core = model.core(eos=False)
    engine = InProcessEngine(lambda report: Loaded(core, Ready("tiny", 96, 4, "cpu", "float32")))
    listener = Listener()
    await engine.open(listener)
    await listener.until(kind(Ready))
    yield engine, listener
    await engine.close()


async def test_a_folder_is_loaded_with_progress_and_then_answers(tiny_model_folder):
    options = EngineOptions(folder=tiny_model_folder("llama"), name="tiny", device="cpu", cache_mb=32)
    engine = InProcessEngine(partial(load_giving_way, options))
    listener = Listener()
    await engine.open(listener)
    engine.submit(Request(OWNER, 1, 1, TEXT, limit_tokens=3))
    await listener.until(over(1))
    await engine.close()
    stages = [type(event) for event in listener.events]
    assert stages[0] is Progress
    ready = next(event for event in listener.events if isinstance(event, Ready))
    assert (ready.model, ready.device, ready.dtype) == ("tiny", "cpu", "int8")
    assert ready.context_tokens + 256 <= 512
    assert stages.index(Ready) < stages.index(Sampled)


def test_a_loaded_core_has_taken_its_first_steps_and_holds_nothing_of_them(tiny_model_folder):
    core = load_core(EngineOptions(folder=tiny_model_folder("llama"), name="tiny")).core
    assert core.counters.steps >= 2
    assert core.idle
    assert all(slot.document is None for slot in core.slots.all)


async def test_a_missing_folder_is_told_as_a_failure(tmp_path):
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=tmp_path / "nothing", name="x")))
    listener = Listener()
    await engine.open(listener)
    failed = await listener.until(kind(Failed))
    assert failed.detail
    await engine.close()


async def test_only_the_newest_request_that_came_before_ready_is_served(model):
    core, gate = model.core(eos=False), threading.Event()

    def load(report):
        assert gate.wait(HANG_S)
        return Loaded(core, Ready("tiny", 96, 4, "cpu", "float32"))

    engine, listener = InProcessEngine(load), Listener()
    await engine.open(listener)
    engine.submit(Request(OWNER, 1, 1, TEXT, limit_tokens=2))
    engine.submit(Request(OWNER, 1, 2, TEXT, limit_tokens=2))
    engine.submit(RaiseLimit(OWNER, 1, 2, 4))
    engine.submit(Request(OWNER, 2, 3, TEXT, limit_tokens=2))
    engine.submit(StopRun(OWNER, 2, 3))
    engine.submit(Request(OWNER, 3, 4, TEXT, limit_tokens=2))
    engine.submit(Forget(OWNER, 3))
    gate.set()
    await listener.until(over(2))
    await engine.close()
    assert sum(isinstance(event, Sampled) for event in listener.of(2)) == 4
    assert listener.of(1) == listener.of(3) == listener.of(4) == []


async def test_no_event_of_a_stopped_run_follows_the_stop(opened):
    engine, listener = opened
    for run in range(1, 30):
        engine.submit(Request(OWNER, 1, run, (*TEXT, run), limit_tokens=50))
        await asyncio.sleep(0.003)
        engine.submit(StopRun(OWNER, 1, run))
        seen = len(listener.of(run))
        await asyncio.sleep(0.002)
        assert len(listener.of(run)) == seen


async def test_no_event_of_a_replaced_run_follows_its_replacement(opened):
    engine, listener = opened
    for run in range(1, 30):
        engine.submit(Request(OWNER, 1, run, (*TEXT, run), limit_tokens=50))
        before = len(listener.events)
        await asyncio.sleep(0.002)
        told = [event for event in listener.events[before:] if not isinstance(event, Measured)]
        assert {event.run for event in told} <= {run}


async def test_a_request_after_a_pause_in_the_work_wakes_the_engine(opened):
    engine, listener = opened
    engine.submit(Request(OWNER, 1, 1, TEXT, limit_tokens=2))
    await listener.until(over(1))
    await asyncio.sleep(0.05)
    engine.submit(Request(OWNER, 1, 2, TEXT, limit_tokens=3))
    await listener.until(over(2))
    engine.submit(RaiseLimit(OWNER, 1, 2, 5))
    await listener.until(lambda event: isinstance(event, Sampled) and len(listener.of(2)) > 5)


async def test_an_idle_engine_is_not_woken(opened, monkeypatch):
    engine, listener = opened
    engine.submit(Request(OWNER, 1, 1, TEXT, limit_tokens=2))
    await listener.until(over(1))
    await asyncio.sleep(0.1)
    looks, step = [], engine.core.step
    monkeypatch.setattr(engine.core, "step", lambda: looks.append(1) or step())
    await asyncio.sleep(1)
    # Once more it may look up, to tell of its last steps.
    assert len(looks) <= 1


async def test_closing_before_the_model_is_there_ends_the_thread(model):
    core, gate = model.core(), threading.Event()

    def load(report):
        gate.wait(HANG_S)
        return Loaded(core, Ready("tiny", 96, 4, "cpu", "float32"))

    engine = InProcessEngine(load)
    await engine.open(lambda events: None)
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0.01)
    gate.set()
    async with asyncio.timeout(HANG_S):
        await closing
    assert not any(thread.name == "afterword-engine" for thread in threading.enumerate())
