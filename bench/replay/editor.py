"""The text that a writer sees, and what one keystroke does to it. Offsets are code points."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One keystroke: remove `delete` characters before the caret and put `insert` there, or else move the caret.

    `after_s`: seconds since the keystroke before. `move`: characters, back if negative.
    """

    after_s: float
    insert: str = ""
    delete: int = 0
    move: int = 0

    def __post_init__(self) -> None:
        if self.move and (self.insert or self.delete):
            raise ValueError("a key moves the caret or changes the text, not both")


@dataclass(frozen=True, slots=True)
class EditorText:
    """Text around the caret."""

    before: str
    after: str = ""

    def typed(self, keystroke: Keystroke) -> EditorText:
        """The text after a keystroke. Raises ValueError if it reaches beyond the text."""
        if keystroke.delete > len(self.before):
            raise ValueError("there is less before the caret than is to be deleted")
        if keystroke.move < -len(self.before) or keystroke.move > len(self.after):
            raise ValueError("the caret cannot leave the text")
        before = self.before[: len(self.before) - keystroke.delete] + keystroke.insert
        whole, caret = before + self.after, len(before) + keystroke.move
        return EditorText(whole[:caret], whole[caret:])
