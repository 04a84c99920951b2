"""How `afterword try` looks, and its keys: an editor on prompt_toolkit with dim text after the caret.

Not here: when to ask for a suggestion, and which text to paint (`ghost`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document as Text
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.styles import Style

from afterword.cli.ghost import TerminalGhost
from afterword.client import ClientError, Part, Suggestion

STYLE = Style.from_dict({"ghost": "ansibrightblack", "status": "reverse"})
KEYS = "^D quit · Tab all · ^→ word · Esc dismiss · Alt-] next"
NEWLINE_SIGN = "⏎ "

ESCAPE_WAIT_S = 0.05
"""How long an Esc may be the start of another key: a terminal sends Alt-F as Esc and F at once."""

REPAINT_S = 0.03
"""How often the screen is painted while alternatives are being written."""


@dataclass(frozen=True, slots=True)
class PaintGhost(Processor):
    """Paints ghost text after the caret, without making it part of the text."""

    ghost: TerminalGhost

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """One line of the text as it is painted."""
        fragments = transformation_input.fragments
        text = self.ghost.text.replace("\n", NEWLINE_SIGN)
        document = transformation_input.document
        if not text or transformation_input.lineno != document.cursor_position_row:
            return Transformation(fragments)
        at, width = document.cursor_position_col, len(text)
        exploded = explode_text_fragments(fragments)
        painted: StyleAndTextTuples = [*exploded[:at], ("class:ghost", text), *exploded[at:]]
        return Transformation(
            painted,
            source_to_display=lambda i: i if i <= at else i + width,
            display_to_source=lambda i: i if i <= at else max(at, i - width),
        )


class Screen:
    """The editor of `afterword try`. `status` gives the left part of the last line."""

    def __init__(self, ghost: TerminalGhost, status: Callable[[], str], text: str = "") -> None:
        self._ghost = ghost
        self._status = status
        self._buffer = Buffer(document=Text(text), multiline=True)
        control = BufferControl(self._buffer, input_processors=[PaintGhost(ghost)])
        self._app: Application[None] = Application(
            layout=Layout(
                HSplit(
                    [
                        Window(control, wrap_lines=True),
                        Window(FormattedTextControl(self._last_line), height=1, style="class:status"),
                    ]
                )
            ),
            key_bindings=self._keys(),
            style=STYLE,
            full_screen=True,
        )
        self._app.ttimeoutlen = self._app.timeoutlen = ESCAPE_WAIT_S
        self._app.key_processor.after_key_press += lambda _: self._after_key()

    async def run(self) -> str:
        """Run until the writer quits; returns the text."""
        first = self._ghost.ask() if self._buffer.text else None
        await self._app.run_async(pre_run=lambda: self._watch(first))
        return self._buffer.text

    def _last_line(self) -> str:
        parts = [self._status()]
        if self._ghost.first_ms is not None:
            parts.append(f"first text {self._ghost.first_ms:.0f} ms")
        if self._ghost.place:
            parts.append("{} of {}".format(*self._ghost.place))
        return " " + " · ".join([*parts, KEYS])

    def _after_key(self) -> None:
        """Update the document from the buffer, once for each key, paste or undo."""
        text = self._buffer.document
        self._watch(self._ghost.typed(text.text_before_cursor, text.text_after_cursor))

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        painted = Condition(lambda: bool(self._ghost.text))

        @keys.add("c-d")
        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            event.app.exit()

        @keys.add("tab", filter=painted)
        def _(event: KeyPressEvent) -> None:
            self._accept("all")

        @keys.add("c-right", filter=painted)
        @keys.add("escape", "f", filter=painted)
        def _(event: KeyPressEvent) -> None:
            self._accept("word")

        @keys.add("escape", filter=painted)
        def _(event: KeyPressEvent) -> None:
            self._ghost.dismiss()

        @keys.add("escape", "]", filter=painted)
        def _(event: KeyPressEvent) -> None:
            self._watch(self._ghost.cycle(1))

        @keys.add("escape", "[", filter=painted)
        def _(event: KeyPressEvent) -> None:
            self._watch(self._ghost.cycle(-1))

        @keys.add("tab", filter=~painted)
        def _(event: KeyPressEvent) -> None:
            """There is nothing to accept, and a tab character would be a surprise."""

        return keys

    def _accept(self, part: Part) -> None:
        self._buffer.insert_text(self._ghost.accept(part))
        self._watch(self._ghost.after_accepting())

    def _watch(self, suggestion: Suggestion | None) -> None:
        """Repaint while a suggestion is being written."""
        if suggestion is not None:
            self._app.create_background_task(self._repaint(suggestion))

    async def _repaint(self, suggestion: Suggestion) -> None:
        try:
            async for _ in suggestion:
                self._ghost.arrived()
                self._app.invalidate()
                while len(suggestion.texts) > 1 and suggestion.live:
                    await asyncio.sleep(REPAINT_S)
                    self._ghost.arrived()
                    self._app.invalidate()
        except ClientError:
            pass  # the status line shows it
        self._ghost.arrived()
        self._app.invalidate()
