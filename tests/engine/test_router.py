"""Several engines as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from afterword.engine.api import (
    Command,
    Ended,
    EngineEvent,
    EventSink,
    Failed,
    Forget,
    Lost,
    Measured,
    PartLost,
    Progress,
    RaiseLimit,
    Ready,
    Request,
    Sampled,
    StopRun,
)
from afterword.engine.client import EngineClient
from afterword.engine.options import EngineOptions
from afterword.engine.router import EngineRouter, engine_of

READY = Ready("model", 1024, 8, "cuda:0", "bfloat16")


class Member:
    """An engine that notes what it is told, and reports what a test says."""

    def __init__(self) -> None:
        self.told: list[Command] = []
        self.closed = False
        self._sink: EventSink | None = None

    @property
    def requested(self) -> list[int]:
        """The documents of the requests it got, in order."""
        return [command.document for command in self.told if isinstance(command, Request)]

    async def open(self, sink: EventSink) -> None:
        self._sink = sink

    def submit(self, command: Command) -> None:
        self.told.append(command)

    async def close(self) -> None:
        self.closed = True

    def say(self, *events: EngineEvent) -> None:
        assert self._sink is not None
        self._sink(events)


class Pool:
    """Members behind a router, and what it reported."""

    def __init__(self, members: int) -> None:
        self.members = [Member() for _ in range(members)]
        self.router = EngineRouter(self.members)
        self.heard: list[EngineEvent] = []
        self._run = 0

    async def open(self, ready: bool = True) -> Pool:
        await self.router.open(self._hear)
        if ready:
            for member in self.members:
                member.say(READY)
            self.heard.clear()
        return self

    def ask(self, document: int, alternatives: int = 1) -> int:
        self._run += 1
        self.router.submit(Request("w", document, self._run, [1], alternatives=alternatives))
        return self._run

    def home(self, document: int) -> int:
        """The member that got the document's last request."""
        [home] = [at for at, member in enumerate(self.members) if document in member.requested]
        return home

    def _hear(self, events: Sequence[EngineEvent]) -> None:
        self.heard += events


async def test_documents_are_spread_evenly_and_stay_where_they_are() -> None:
    pool = await Pool(3).open()
    for document in range(9):
        pool.ask(document)
    homes = [pool.home(document) for document in range(9)]
    assert sorted(homes) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for document in range(9):
        pool.ask(document)
    assert [pool.home(document) for document in range(9)] == homes


async def test_what_concerns_a_run_or_a_document_goes_to_its_engine_alone() -> None:
    pool = await Pool(2).open()
    pool.ask(1)
    run = pool.ask(2)
    home = pool.members[pool.home(2)]
    other = pool.members[1 - pool.home(2)]
    commands = [RaiseLimit("w", 2, run, 30), StopRun("w", 2, run), Forget("w", 2)]
    for command in commands:
        pool.router.submit(command)
    assert home.told[-3:] == commands
    assert [command.document for command in other.told] == [1]


async def test_a_forgotten_document_makes_room_for_another() -> None:
    pool = await Pool(2).open()
    pool.ask(1)
    pool.ask(2)
    left = pool.home(1)
    pool.router.submit(Forget("w", 1))
    pool.ask(3)
    assert pool.home(3) == left


async def test_it_is_ready_with_its_first_engine_and_counts_the_slots_of_all_that_are() -> None:
    pool = await Pool(2).open(ready=False)
    pool.members[1].say(Progress("loading weights"))
    pool.members[0].say(READY)
    pool.members[1].say(Progress("warming up"), READY)
    assert [getattr(event, "slots", event) for event in pool.heard] == [Progress("loading weights"), 8, 16]


async def test_while_one_engine_is_loading_documents_go_to_one_that_answers() -> None:
    pool = await Pool(2).open(ready=False)
    pool.members[1].say(READY)
    for document in range(4):
        pool.ask(document)
    assert {pool.home(document) for document in range(4)} == {1}


async def test_when_an_engine_dies_only_its_own_runs_end_and_their_documents_move() -> None:
    pool = await Pool(2).open()
    runs = {document: pool.ask(document, alternatives=2) for document in (1, 2)}
    lost = pool.home(1)
    pool.members[lost].say(Lost("it was killed"), Progress("starting the engine again"))
    ended = [Ended("w", 1, runs[1], alternative, "error", "it was killed") for alternative in (0, 1)]
    assert pool.heard == [PartLost(lost, "it was killed"), *ended]
    pool.members[lost].told.clear()
    pool.ask(1)
    assert pool.home(1) == 1 - lost


async def test_when_the_last_engine_dies_the_pool_is_lost() -> None:
    pool = await Pool(2).open()
    pool.members[0].say(Lost("one"))
    pool.members[1].say(Lost("two"))
    assert pool.heard == [PartLost(0, "one"), Lost("two", engine=1)]
    pool.members[1].say(READY)
    assert pool.heard[-1] == replace(READY, engine=1)


async def test_one_engine_that_cannot_start_does_not_stop_the_others() -> None:
    pool = await Pool(2).open(ready=False)
    pool.members[0].say(Failed("out of memory"))
    pool.members[1].say(READY)
    pool.ask(1)
    assert pool.home(1) == 1
    assert pool.heard == [replace(READY, engine=1)]


async def test_it_has_failed_when_no_engine_can_start() -> None:
    pool = await Pool(2).open(ready=False)
    run = pool.ask(1)
    for member in pool.members:
        member.say(Failed("out of memory"))
    assert pool.heard == [Ended("w", 1, run, 0, "error", "out of memory"), Failed("out of memory")]


async def test_events_of_runs_are_handed_on() -> None:
    pool = await Pool(2).open()
    run = pool.ask(1)
    pool.members[pool.home(1)].say(Sampled("w", 1, run, 0, 5, -0.5))
    assert pool.heard == [Sampled("w", 1, run, 0, 5, -0.5)]


async def test_it_is_told_which_engine_is_ready_and_which_measured_what() -> None:
    pool = await Pool(2).open(ready=False)
    measured = Measured({"slots": 8, "steps": 5})
    pool.members[1].say(READY, measured)
    assert pool.heard == [replace(READY, engine=1), replace(measured, engine=1)]


async def test_a_document_whose_engine_died_stays_where_it_went_and_new_ones_fill_the_engine_that_is_back() -> None:
    pool = await Pool(2).open()
    for document in (1, 2):
        pool.ask(document)
    lost = pool.home(1)
    pool.members[lost].say(Lost("it was killed"))
    pool.ask(1)
    pool.members[lost].told.clear()
    pool.members[lost].say(READY)
    pool.ask(1)
    pool.ask(3)
    pool.ask(4)
    assert pool.members[lost].requested == [3, 4]


async def test_closing_closes_every_engine() -> None:
    pool = await Pool(3).open()
    await pool.router.close()
    assert all(member.closed for member in pool.members)


@pytest.mark.parametrize(("device", "kind"), [("cpu", EngineClient), ("cuda:0, cuda:1", EngineRouter)])
def test_several_devices_are_an_engine_each(tmp_path: Path, device: str, kind: type) -> None:
    assert isinstance(engine_of(EngineOptions(folder=tmp_path, name="model", device=device)), kind)
