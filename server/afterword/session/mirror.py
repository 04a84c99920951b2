"""The server's copy of the text around a document's caret.

Splices come in UTF-16 units and are applied in code points. Text is held up to a limit; past it the oldest is forgotten
in coarse strides, because the engine has to compute everything again each time its beginning moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from afterword_protocol.messages import Open
from afterword_protocol.utf16 import points_at_end, points_at_start, units

FORGET_FRACTION = 4  # a quarter of the limit is forgotten at a time


class EditMismatchError(Exception):
    """An edit that does not fit the text held here; the message says why."""


@dataclass(frozen=True, slots=True)
class Splice:
    """A change at the caret that fits the text: code points to take away on either side, and text to put there."""

    delete: int
    insert: str
    delete_after: int
    insert_after: str


class Mirror:
    """Text before and after the caret, with what the client said of it; `limit_units` holds for all text together."""

    def __init__(self, opened: Open, limit_units: int) -> None:
        self.before = before = opened.before  # what is held of the text before the caret
        self.after = after = opened.after  # what is held of the text after the caret
        self.preface = opened.preface or ""  # what the model is to see ahead of the document
        self.language = opened.language
        self.block = opened.block
        # A preface as long as the limit must not leave the document without any text of its own.
        self._limit_units = max(limit_units - units(self.preface), limit_units // FORGET_FRACTION)
        self._before_units = units(before)
        self._after_units = units(after)
        self.length_units = self._before_units  # of all text before the caret, forgotten text included
        self._forgotten_after = False  # whether the end of the text after the caret was dropped

    @property
    def _forgotten(self) -> bool:
        return self.length_units > self._before_units or self._forgotten_after

    def typed_since(self, older: Mirror, typed: str) -> str | None:
        """What stands between the caret and the place where `older` was `typed` before its caret.

        None if that place is no longer there, or if anything but the text from there to the caret has changed.
        """
        if self._forgotten or older._forgotten:
            return None
        if (self.after, self.preface, self.language, self.block) != (
            older.after,
            older.preface,
            older.language,
            older.block,
        ):
            return None
        origin = older.before[: len(older.before) - len(typed)]
        return self.before[len(origin) :] if self.before.startswith(origin) else None

    def fit(
        self, delete_units: int, insert: str, delete_after_units: int, insert_after: str, length_units: int | None
    ) -> Splice:
        """The splice in code points. Raises EditMismatchError, having changed nothing, if it does not fit the text."""
        if delete_units > self.length_units:
            raise EditMismatchError("delete takes more than there is before the caret")
        if delete_units > self._before_units:
            raise EditMismatchError("delete reaches into text that the server no longer holds")
        if delete_after_units > self._after_units:
            raise EditMismatchError("delete_after takes more than the server holds")
        delete = points_at_end(self.before, delete_units) if delete_units else 0
        delete_after = points_at_start(self.after, delete_after_units) if delete_after_units else 0
        if delete is None or delete_after is None:
            raise EditMismatchError("the edit would split a surrogate pair")
        result_units = self.length_units - delete_units + units(insert)
        if length_units is not None and length_units != result_units:
            raise EditMismatchError(f"before would have length {result_units}, not {length_units}")
        return Splice(delete, insert, delete_after, insert_after)

    def apply(self, splice: Splice) -> bool:
        """Change the text, then forget what is beyond the limit; whether the text after the caret changed."""
        after = self.after
        if splice.delete:
            kept = len(self.before) - splice.delete
            deleted_units = units(self.before[kept:])
            self._before_units -= deleted_units
            self.length_units -= deleted_units
            self.before = self.before[:kept]
        if splice.insert:
            inserted_units = units(splice.insert)
            self._before_units += inserted_units
            self.length_units += inserted_units
            self.before += splice.insert
        if splice.delete_after:
            self._after_units -= units(self.after[: splice.delete_after])
            self.after = self.after[splice.delete_after :]
        if splice.insert_after:
            self._after_units += units(splice.insert_after)
            self.after = splice.insert_after + self.after
        if self._before_units + self._after_units > self._limit_units:
            self._forget()
        return bool(splice.delete_after or splice.insert_after) and self.after != after

    def _forget(self) -> None:
        """Cut the beginning of `before`, but leave a stride of it; if that is not enough, the far end of `after`."""
        stride = self._limit_units // FORGET_FRACTION
        target = self._limit_units - stride
        keep = max(target - self._after_units, stride)
        if self._before_units > keep:
            kept = _at_most(points_at_end, self.before, keep)
            self.before = self.before[len(self.before) - kept :]
            self._before_units = units(self.before)
        if self._before_units + self._after_units > self._limit_units:
            kept = _at_most(points_at_start, self.after, target - self._before_units)
            self.after = self.after[:kept]
            self._after_units = units(self.after)
            self._forgotten_after = True


def _at_most(points: Callable[[str, int], int | None], text: str, count_units: int) -> int:
    """Code points that make up `count_units` units at an end of `text`, or one unit less where a pair stands there."""
    exact = points(text, count_units)
    if exact is None:
        exact = points(text, count_units - 1)
    assert exact is not None
    return exact
