"""A writer at work: replays a script in real time against a seat at some server, and notes what each keystroke got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from .answers import Answer, newly_shown
from .page import Page, Stroke
from .tally import Outcome

LOOK_EACH_S = 0.002


class Client(StrEnum):
    """How an editor asks."""

    PLAIN = "plain"  # a request for every keystroke
    CLEVER = "clever"  # keeps what still fits and asks only when nothing does


class Seat(Protocol):
    """A place for one writer at a server. Calls return as soon as what they say is sent, and never raise for faults of
    the server, which are noted in the answer.
    """

    async def open(self, page: Page) -> None:
        """Begin with this text."""
        ...

    async def edit(self, before: Page, stroke: Stroke) -> None:
        """The writer has pressed a key on this page."""
        ...

    async def ask(self, page: Page) -> Answer:
        """Ask for text at the caret; the answer fills while it streams in, and the request before is given up."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


@dataclass(slots=True)
class Writer:
    """One writer at a seat; `answers` and `outcomes` grow while it types."""

    seat: Seat
    page: Page
    client: Client
    answers: list[Answer] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    async def open(self, within_s: float) -> float | None:
        """Open the document and wait for its first text; the milliseconds, or None if none came in time."""
        began = time.perf_counter()
        await self.seat.open(self.page)
        answer = await self.seat.ask(self.page)
        self.answers.append(answer)
        while not answer.arrivals and answer.ended is None:
            if time.perf_counter() - began > within_s:
                return None
            await asyncio.sleep(LOOK_EACH_S)
        return (answer.arrivals[0][0] - began) * 1000 if answer.arrivals else None

    async def type(self, strokes: Sequence[Stroke], delay_s: float = 0.0) -> None:
        """Type a script, beginning after a while."""
        due = time.perf_counter() + delay_s
        for at, stroke in enumerate(strokes):
            due += stroke.after_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            painted = self.answers[-1].ghost(self.page.before, self.page.after) if self.answers else ""
            left = painted.removeprefix(stroke.insert) if stroke.insert and painted.startswith(stroke.insert) else ""
            pressed = time.perf_counter()
            await self.seat.edit(self.page, stroke)
            page = self.page = self.page.typed(stroke)
            asked = (
                self.client is Client.PLAIN or not self.answers or not self.answers[-1].serves(page.before, page.after)
            )
            if asked:
                self.answers.append(await self.seat.ask(page))
            next_s = strokes[at + 1].after_s if at + 1 < len(strokes) else stroke.after_s
            await asyncio.sleep(max(0.0, due + next_s - time.perf_counter()))
            self.outcomes.append(outcome_of(self.answers[-1], page, pressed, asked, left))


def outcome_of(answer: Answer, page: Page, pressed: float, asked: bool, left: str) -> Outcome:
    """What a keystroke has got by now from the newest answer. `left`: ghost text that still stood after the key."""
    first = answer.first_valid(page.before, page.after, pressed)
    silent = None if first is not None else answer.silent_since(page.before, page.after, pressed)
    return Outcome(
        first_ms=None if first is None else (first - pressed) * 1000,
        silent_ms=None if silent is None else (silent - pressed) * 1000,
        shown=newly_shown(left, answer.ghost(page.before, page.after)),
        asked=asked,
    )
