"""Replays a script in real time through a client of some server, and notes what each keystroke got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from .answers import Answer, newly_shown
from .editor import EditorText, Keystroke
from .outcomes import Outcome

LOOK_EACH_S = 0.002


class ClientKind(StrEnum):
    """How an editor asks."""

    PLAIN = "plain"  # a request for every keystroke
    CLEVER = "clever"  # keeps the text that still fits and asks only when none does


class ServerClient(Protocol):
    """One writer's line to a server.

    Calls return as soon as what they say is sent, and never raise for faults of the server, which are noted in the
    answer.
    """

    async def open(self, text: EditorText) -> None:
        """Begin with this text."""
        ...

    async def edit(self, before: EditorText, keystroke: Keystroke) -> None:
        """The writer has pressed a key on this text."""
        ...

    async def ask(self, text: EditorText) -> Answer:
        """Ask for text at the caret; the answer fills while it streams in, and the request before is given up."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


@dataclass(slots=True)
class Typist:
    """One writer with a client; `answers`, `outcomes` and `pressed` grow while it types.

    `pressed`: when each key of `outcomes` was pressed. `opened`: from when to when the document was opened. Both are
    seconds of `time.perf_counter`.
    """

    client: ServerClient
    text: EditorText
    kind: ClientKind
    answers: list[Answer] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    pressed: list[float] = field(default_factory=list)
    opened: tuple[float, float] = (0.0, 0.0)

    async def open(self, within_s: float) -> float | None:
        """Open the document and wait for its first text, or for the word that there is none.

        Returns the milliseconds, or None if neither came in time.
        """
        began = time.perf_counter()
        await self.client.open(self.text)
        first_ms = await self._answer_ms(began, within_s)
        self.opened = (began, time.perf_counter())
        return first_ms

    async def act(self, keystrokes: Sequence[Keystroke], within_s: float) -> float | None:
        """Make some keystrokes at once, as a paste is one, then ask.

        Returns the milliseconds from the first of them to text at the new caret, or to the word that there is none;
        None if neither came in time.
        """
        began = time.perf_counter()
        for keystroke in keystrokes:
            await self.client.edit(self.text, keystroke)
            self.text = self.text.typed(keystroke)
        return await self._answer_ms(began, within_s)

    async def until_done(self, within_s: float) -> None:
        """Wait until the newest answer is whole, or for a while."""
        began = time.perf_counter()
        while self.answers and self.answers[-1].ended is None:
            if time.perf_counter() - began > within_s:
                return
            await asyncio.sleep(LOOK_EACH_S)

    async def type(self, keystrokes: Sequence[Keystroke], delay_s: float = 0.0) -> None:
        """Type a script, beginning after a while."""
        due = time.perf_counter() + delay_s
        for at, keystroke in enumerate(keystrokes):
            due += keystroke.after_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            painted = self.answers[-1].ghost(self.text.before, self.text.after) if self.answers else ""
            through = keystroke.insert != "" and painted.startswith(keystroke.insert)
            left = painted.removeprefix(keystroke.insert) if through else ""
            pressed = time.perf_counter()
            await self.client.edit(self.text, keystroke)
            text = self.text = self.text.typed(keystroke)
            asked = self.kind is ClientKind.PLAIN or not self._has_text_for(text)
            if asked:
                self.answers.append(await self.client.ask(text))
            next_s = keystrokes[at + 1].after_s if at + 1 < len(keystrokes) else keystroke.after_s
            await asyncio.sleep(max(0.0, due + next_s - time.perf_counter()))
            self.pressed.append(pressed)
            self.outcomes.append(outcome_of(self.answers[-1], text, pressed, asked, left))

    async def _answer_ms(self, began: float, within_s: float) -> float | None:
        answer = await self.client.ask(self.text)
        self.answers.append(answer)
        while not answer.arrivals and answer.ended is None:
            if time.perf_counter() - began > within_s:
                return None
            await asyncio.sleep(LOOK_EACH_S)
        if answer.arrivals:
            return (answer.arrivals[0][0] - began) * 1000
        return None if answer.fault or answer.ended is None else (answer.ended - began) * 1000

    def _has_text_for(self, text: EditorText) -> bool:
        return bool(self.answers) and self.answers[-1].serves(text.before, text.after)


def outcome_of(answer: Answer, text: EditorText, pressed: float, asked: bool, left: str) -> Outcome:
    """What a keystroke has got by now from the newest answer. `left`: ghost text that still stood after the key."""
    first = answer.first_valid(text.before, text.after, pressed)
    silent = None if first is not None else answer.silent_since(text.before, text.after, pressed)
    return Outcome(
        first_ms=None if first is None else (first - pressed) * 1000,
        silent_ms=None if silent is None else (silent - pressed) * 1000,
        shown=newly_shown(left, answer.ghost(text.before, text.after)),
        asked=asked,
        typed_through=left != "",
    )
