"""Several engines as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from afterword.engine.api import (
    Ended,
    EngineEvent,
    EventSink,
    Failed,
    Lost,
    Measured,
    PartLost,
    Progress,
    Ready,
    Request,
    Sampled,
)
from afterword.engine.client import EngineClient
from afterword.engine.options import EngineOptions
from afterword.engine.router import EngineRouter, engine_of

READY = Ready("model", 1024, 8, "cuda:0", "bfloat16")


class Member:
    """An engine that notes what it is told, and says what a test says."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.closed = False
        self._sink: EventSink | None = None

    async def open(self, sink: EventSink) -> None:
        self._sink = sink

    def start(self, request: Request) -> None:
        self.told.append(("start", request.document))

    def update(self, run: int, limit_tokens: int) -> None:
        self.told.append(("update", run))

    def stop(self, run: int, useful: bool = False) -> None:
        self.told.append(("stop", run))

    def forget(self, document: int) -> None:
        self.told.append(("forget", document))

    async def close(self) -> None:
        self.closed = True

    def say(self, *events: EngineEvent) -> None:
        assert self._sink is not None
        self._sink(events)


class Desk:
    """A pool of members, and what it said."""

    def __init__(self, members: int) -> None:
        self.members = [Member() for _ in range(members)]
        self.pool = EngineRouter(self.members)
        self.heard: list[EngineEvent] = []
        self._run = 0

    async def open(self, ready: bool = True) -> Desk:
        await self.pool.open(self._hear)
        if ready:
            for member in self.members:
                member.say(READY)
            self.heard.clear()
        return self

    def ask(self, document: int, alternatives: int = 1) -> int:
        self._run += 1
        self.pool.start(Request(document, self._run, [1], alternatives=alternatives))
        return self._run

    def home(self, document: int) -> int:
        """The member that got the document's last request."""
        [home] = [at for at, member in enumerate(self.members) if ("start", document) in member.told]
        return home

    def _hear(self, events: Sequence[EngineEvent]) -> None:
        self.heard += events


async def test_documents_are_spread_evenly_and_stay_where_they_are() -> None:
    desk = await Desk(3).open()
    for document in range(9):
        desk.ask(document)
    homes = [desk.home(document) for document in range(9)]
    assert sorted(homes) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for document in range(9):
        desk.ask(document)
    assert [desk.home(document) for document in range(9)] == homes


async def test_what_concerns_a_run_or_a_document_goes_to_its_engine_alone() -> None:
    desk = await Desk(2).open()
    desk.ask(1)
    run = desk.ask(2)
    home = desk.members[desk.home(2)]
    other = desk.members[1 - desk.home(2)]
    desk.pool.update(run, 30)
    desk.pool.stop(run)
    desk.pool.forget(2)
    assert home.told[-3:] == [("update", run), ("stop", run), ("forget", 2)]
    assert other.told == [("start", 1)]


async def test_a_forgotten_document_makes_room_for_another() -> None:
    desk = await Desk(2).open()
    desk.ask(1)
    desk.ask(2)
    left = desk.home(1)
    desk.pool.forget(1)
    desk.ask(3)
    assert desk.home(3) == left


async def test_it_is_ready_with_its_first_engine_and_counts_the_slots_of_all_that_are() -> None:
    desk = await Desk(2).open(ready=False)
    desk.members[1].say(Progress("loading weights"))
    desk.members[0].say(READY)
    desk.members[1].say(Progress("warming up"), READY)
    assert [getattr(event, "slots", event) for event in desk.heard] == [Progress("loading weights"), 8, 16]


async def test_while_one_engine_is_loading_documents_go_to_one_that_answers() -> None:
    desk = await Desk(2).open(ready=False)
    desk.members[1].say(READY)
    for document in range(4):
        desk.ask(document)
    assert {desk.home(document) for document in range(4)} == {1}


async def test_when_an_engine_dies_only_its_own_runs_end_and_their_documents_move() -> None:
    desk = await Desk(2).open()
    runs = {document: desk.ask(document, alternatives=2) for document in (1, 2)}
    lost = desk.home(1)
    desk.members[lost].say(Lost("it was killed"), Progress("starting the engine again"))
    ended = [Ended(runs[1], alternative, "error", "it was killed") for alternative in (0, 1)]
    assert desk.heard == [PartLost(lost, "it was killed"), *ended]
    desk.members[lost].told.clear()
    desk.ask(1)
    assert desk.home(1) == 1 - lost


async def test_when_the_last_engine_dies_the_pool_is_lost() -> None:
    desk = await Desk(2).open()
    desk.members[0].say(Lost("one"))
    desk.members[1].say(Lost("two"))
    assert desk.heard == [PartLost(0, "one"), Lost("two", engine=1)]
    desk.members[1].say(READY)
    assert desk.heard[-1] == replace(READY, engine=1)


async def test_one_engine_that_cannot_start_does_not_stop_the_others() -> None:
    desk = await Desk(2).open(ready=False)
    desk.members[0].say(Failed("out of memory"))
    desk.members[1].say(READY)
    desk.ask(1)
    assert desk.home(1) == 1
    assert desk.heard == [replace(READY, engine=1)]


async def test_it_has_failed_when_no_engine_can_start() -> None:
    desk = await Desk(2).open(ready=False)
    run = desk.ask(1)
    for member in desk.members:
        member.say(Failed("out of memory"))
    assert desk.heard == [Ended(run, 0, "error", "out of memory"), Failed("out of memory")]


async def test_events_of_runs_are_handed_on() -> None:
    desk = await Desk(2).open()
    run = desk.ask(1)
    desk.members[desk.home(1)].say(Sampled(run, 0, 5, -0.5))
    assert desk.heard == [Sampled(run, 0, 5, -0.5)]


async def test_it_is_told_which_engine_is_ready_and_which_measured_what() -> None:
    desk = await Desk(2).open(ready=False)
    measured = Measured(8, 1, 0, 5, 9, 0, 0, 0, 0, 4, 2, 1, 0.25, [5], [5])
    desk.members[1].say(READY, measured)
    assert desk.heard == [replace(READY, engine=1), replace(measured, engine=1)]


async def test_a_document_whose_engine_died_stays_where_it_went_and_new_ones_fill_the_engine_that_is_back() -> None:
    desk = await Desk(2).open()
    for document in (1, 2):
        desk.ask(document)
    lost = desk.home(1)
    desk.members[lost].say(Lost("it was killed"))
    desk.ask(1)
    desk.members[lost].told.clear()
    desk.members[lost].say(READY)
    desk.ask(1)
    desk.ask(3)
    desk.ask(4)
    assert desk.members[lost].told == [("start", 3), ("start", 4)]


async def test_closing_closes_every_engine() -> None:
    desk = await Desk(3).open()
    await desk.pool.close()
    assert all(member.closed for member in desk.members)


@pytest.mark.parametrize(("device", "kind"), [("cpu", EngineClient), ("cuda:0, cuda:1", EngineRouter)])
def test_several_devices_are_an_engine_each(tmp_path: Path, device: str, kind: type) -> None:
    assert isinstance(engine_of(EngineOptions(folder=tmp_path, name="model", device=device)), kind)
