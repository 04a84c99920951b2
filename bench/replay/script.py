"""What is typed: every keystroke of a writer, made from a text and a seed before anything is measured.

What lives here: typos and their mending, pastes, and trips of the caret into the middle of the text. When keys come is
in `rhythm`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from .editor import EditorText, Keystroke
from .rhythm import Rhythm

TYPO_SHARE = 0.025  # of letters
LATE_TYPO_SHARE = 0.4  # of typos, those seen only one letter later
PASTE_SHARE = 0.08  # of sentences, those that come from the clipboard
TRIP_SHARE = 0.012  # of word ends, those after which something earlier is put right
TURN_CHARACTERS = 37  # by which a writer begins later than the one before with the same text
LONGEST_PASTE = 160  # characters
LONGEST_TRIP = 600  # characters
ADDED = ("really ", "very ", "perhaps ", "of course ", "then ", "still ")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def opening(texts: Sequence[str], writer: int, context: int, edition: int = 0) -> tuple[str, str]:
    """What stands there before a writer begins, about `context` characters, and what is then typed.

    Writers begin with different texts, at different places, and each edition with a line of its own, so that no server
    knows the beginning of a text from an earlier one. Raises ValueError if the texts are shorter than asked.
    """
    turned = [*texts[writer % len(texts) :], *texts[: writer % len(texts)]]
    whole = f"{edition}.{writer}\n\n" + "\n\n".join(turned)[TURN_CHARACTERS * (writer // len(texts)) :]
    cut = whole.find(" ", context)
    if cut < 0:
        raise ValueError(f"the texts have fewer than {context} characters")
    return whole[: cut + 1], whole[cut + 1 :]


def script(before: str, to_type: str, rhythm: Rhythm, seconds: float, seed: int) -> list[Keystroke]:
    """Keystrokes for so many seconds, as a person would make them who wants to write `to_type` after `before`."""
    return _ScriptBuilder(before, to_type, rhythm, seed).keystrokes(seconds)


class _ScriptBuilder:
    def __init__(self, before: str, to_type: str, rhythm: Rhythm, seed: int) -> None:
        self._text = EditorText(before)
        self._left = to_type
        self._rhythm = rhythm
        self._dice = random.Random(seed)
        self._strokes: list[Keystroke] = []
        self._clock_s = 0.0

    def keystrokes(self, seconds: float) -> list[Keystroke]:
        while self._left and self._clock_s < seconds:
            self._next()
        clock = 0.0
        kept = []
        for keystroke in self._strokes:
            clock += keystroke.after_s
            if clock > seconds:
                break
            kept.append(keystroke)
        return kept

    def _next(self) -> None:
        before = self._text.before
        if before.endswith((". ", "\n")) and self._dice.random() < PASTE_SHARE:
            self._paste()
        elif before.endswith(" ") and self._dice.random() < TRIP_SHARE:
            self._trip()
        else:
            self._letter()

    def _letter(self) -> None:
        key = self._left[0]
        if key.isalpha() and self._dice.random() < TYPO_SHARE:
            late = self._left[1:2].isalpha() and self._dice.random() < LATE_TYPO_SHARE
            self._press(insert=_neighbour(key, self._dice))
            if late:
                self._press(insert=self._left[1])
            for _ in range(2 if late else 1):
                self._press(delete=1)
        self._take(1)

    def _paste(self) -> None:
        end = self._left.find(". ")
        self._take(min(LONGEST_PASTE, end + 2 if end >= 0 else len(self._left)))

    def _trip(self) -> None:
        """Go back to the beginning of a word, add something there, and return."""
        before = self._text.before
        starts = [at for at in range(max(1, len(before) - LONGEST_TRIP), len(before)) if before[at - 1] == " "]
        if not starts:
            return
        back = len(before) - self._dice.choice(starts)
        self._press(move=-back)
        for key in self._dice.choice(ADDED):
            self._press(insert=key)
        self._press(move=back)

    def _take(self, characters: int) -> None:
        self._press(insert=self._left[:characters])
        self._left = self._left[characters:]

    def _press(self, *, insert: str = "", delete: int = 0, move: int = 0) -> None:
        keystroke = Keystroke(self._rhythm.gap_s(self._text.before, self._dice), insert, delete, move)
        self._text = self._text.typed(keystroke)
        self._strokes.append(keystroke)
        self._clock_s += keystroke.after_s


def _neighbour(key: str, dice: random.Random) -> str:
    for row in _ROWS:
        at = row.find(key.lower())
        if at >= 0:
            return dice.choice([row[n] for n in (at - 1, at + 1) if 0 <= n < len(row)])
    return "e"
