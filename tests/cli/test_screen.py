"""The editor of `afterword try`: which key does what, on a terminal that the test holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pyte
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from afterword.cli.screen import ESCAPE_WAIT_S, Screen
from afterword_protocol.messages import Dismiss, Suggest

from .typist import Typist

COLUMNS, ROWS = 60, 6
HANG_S = 20.0

TAB, ESCAPE, CONTROL_D, CONTROL_RIGHT, BACKSPACE = "\t", "\x1b", "\x04", "\x1b[1;5C", "\x7f"


class Paper:
    """A terminal's screen as a file that an output writes to."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        self._stream.feed(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return -1

    @property
    def line(self) -> str:
        return str(self.screen.display[0]).rstrip()

    @property
    def status(self) -> str:
        return str(self.screen.display[ROWS - 1]).strip()

    @property
    def dim(self) -> str:
        """What is painted on the first line in the colour of ghost text."""
        cells = [self.screen.buffer[0][column] for column in range(COLUMNS)]
        return "".join(cell.data for cell in cells if cell.fg == "brightblack").rstrip()


class Terminal:
    """Somebody at a terminal: presses keys, sees the screen. `typist` is the server's end."""

    def __init__(self, keyboard: PipeInput, paper: Paper) -> None:
        self.typist = Typist()
        self.paper = paper
        self._keyboard = keyboard
        self.screen = Screen(self.typist.ghost, lambda: "some-model")
        self.editor = asyncio.create_task(self.screen.run())

    async def press(self, keys: str) -> None:
        self._keyboard.send_text(keys)
        await asyncio.sleep(0)

    async def until(self, holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + HANG_S
        while not holds():  # a screen has no event for what it shows
            assert time.monotonic() < deadline, f"{what}; the screen shows {self.paper.screen.display}"
            await asyncio.sleep(0.005)

    async def sees(self, line: str, dim: str) -> None:
        await self.until(
            lambda: (self.paper.line, self.paper.dim) == (line, dim), f"waited for {line!r} with dim {dim!r}"
        )

    async def asked(self, times: int) -> None:
        await self.until(lambda: len(self.typist.wire.of(Suggest)) >= times, f"waited for suggest number {times}")

    async def quit(self) -> str:
        await self.press(CONTROL_D)
        return await asyncio.wait_for(self.editor, HANG_S)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    paper = Paper()
    output = Vt100_Output(paper, lambda: Size(rows=ROWS, columns=COLUMNS), term="xterm-256color")  # type: ignore[arg-type]
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=output):
        terminal = Terminal(keyboard, paper)
        yield terminal
        if not terminal.editor.done():
            await terminal.quit()


async def suggested(terminal: Terminal) -> None:
    """The writer typed, and a suggestion is painted."""
    await terminal.press("The sky ")
    await terminal.asked(1)
    await terminal.until(lambda: terminal.typist.document.before == "The sky ", "waited for the text to be typed")
    await terminal.until(lambda: len(terminal.typist.wire.of(Suggest)) == 8, "one suggestion for each key")
    terminal.typist.token("very blue today")
    await terminal.sees("The sky very blue today", "very blue today")


async def test_what_is_suggested_is_dim_and_not_part_of_the_text(terminal: Terminal) -> None:
    await suggested(terminal)
    assert "some-model" in terminal.paper.status
    assert "first text 0 ms" in terminal.paper.status
    assert await terminal.quit() == "The sky "


async def test_tab_takes_all_of_it(terminal: Terminal) -> None:
    await suggested(terminal)
    await terminal.press(TAB)
    await terminal.sees("The sky very blue today", "")
    assert await terminal.quit() == "The sky very blue today"


@pytest.mark.parametrize("key", [CONTROL_RIGHT, ESCAPE + "f"])
async def test_a_word_is_taken_at_a_time(terminal: Terminal, key: str) -> None:
    await suggested(terminal)
    terminal.typist.done("very blue today")
    await terminal.press(key)
    await terminal.sees("The sky very blue today", " blue today")
    await terminal.press(key)
    await terminal.sees("The sky very blue today", " today")
    assert await terminal.quit() == "The sky very blue"


async def test_escape_waves_it_away(terminal: Terminal) -> None:
    await suggested(terminal)
    await terminal.press(ESCAPE)
    await terminal.sees("The sky", "")
    assert len(terminal.typist.wire.of(Dismiss)) == 1


async def test_typing_along_and_deleting_keeps_it(terminal: Terminal) -> None:
    await suggested(terminal)
    await terminal.press("ve")
    await terminal.sees("The sky very blue today", "ry blue today")
    await terminal.press(BACKSPACE)
    await terminal.sees("The sky very blue today", "ery blue today")
    assert len(terminal.typist.wire.of(Suggest)) == 8


async def test_alternatives_are_shown_one_after_the_other(terminal: Terminal) -> None:
    await suggested(terminal)
    await terminal.press(ESCAPE + "]")
    await terminal.until(lambda: terminal.typist.wire.of(Suggest)[-1].alternatives == 3, "others are asked for")
    for number, text in enumerate(["very blue today", "was grey", "fell"]):
        terminal.typist.token(text, alternative=number)
    await terminal.sees("The sky was grey", "was grey")
    assert "2 of 3" in terminal.paper.status
    await terminal.press(ESCAPE + "[")
    await asyncio.sleep(ESCAPE_WAIT_S)
    await terminal.sees("The sky very blue today", "very blue today")


async def test_ghost_text_is_painted_between_what_stands_around_the_caret(terminal: Terminal) -> None:
    await terminal.press("ac\x1b[D")
    await terminal.until(lambda: terminal.typist.document.after == "c", "waited for the caret to move")
    await terminal.press("b")
    await terminal.until(lambda: terminal.typist.document.before == "ab", "waited for the letter")
    terminal.typist.token("BB\nB")
    await terminal.sees("abBB⏎ Bc", "BB⏎ B")
    assert await terminal.quit() == "abc"


async def test_tab_without_a_suggestion_does_nothing(terminal: Terminal) -> None:
    await terminal.press(TAB)
    assert await terminal.quit() == ""
