"""The client's own text around the caret, and how much of it the server has.

Pure: no socket, no loop, no message ids. Callers speak Python `str` and code points; the splices that come out are
in UTF-16 code units, as the wire wants them.
"""

from __future__ import annotations

from dataclasses import dataclass

from afterword.client.clip import head, tail
from afterword_protocol.utf16 import has_lone_surrogate, units


@dataclass(frozen=True, slots=True)
class WireSplice:
    """A change at the caret in UTF-16 units, with the length of the text before the caret that must result."""

    delete: int
    insert: str
    delete_after: int
    insert_after: str
    length: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a text that the server gets: as much around the caret as its limit allows."""

    before: str
    after: str


class LocalText:
    """Text before and after the caret, and how much of it the server has."""

    def __init__(self, before: str = "", after: str = "") -> None:
        if has_lone_surrogate(before) or has_lone_surrogate(after):
            raise ValueError("the text has half a surrogate pair")
        self.before = before  # all text before the caret
        self.after = after  # all text after it
        self._before_units = units(before)  # length of `before`
        self._after_units = units(after)  # length of `after`
        self._hidden_before_units = 0  # units at the start of `before` that the server does not have
        self._hidden_after_units = 0  # units at the end of `after` that the server does not have

    def excerpt(self, room_units: int) -> Excerpt:
        """The text to send to a server that has none, at most `room_units` units; later splices count from it.

        When not all of it fits, the text after the caret gets what the text before leaves over, but at least a quarter.
        """
        after_room = max(room_units // 4, room_units - self._before_units)
        after = head(self.after, after_room) if self._after_units > after_room else self.after
        before_room = room_units - units(after)
        before = tail(self.before, before_room) if self._before_units > before_room else self.before
        self._hidden_before_units = self._before_units - units(before)
        self._hidden_after_units = self._after_units - units(after)
        return Excerpt(before, after)

    def splice(self, delete: int, insert: str, delete_after: int, insert_after: str) -> WireSplice | None:
        """Apply a change, lengths in code points; returns the splice to send.

        `None` means that the change reaches into text that the server does not have: send a new `excerpt`.
        Raises ValueError, and changes nothing, if a delete goes beyond the text or an insert is not valid Unicode.
        """
        if not 0 <= delete <= len(self.before) or not 0 <= delete_after <= len(self.after):
            raise ValueError("cannot delete beyond the ends of the text")
        if has_lone_surrogate(insert) or has_lone_surrogate(insert_after):
            raise ValueError("the text has half a surrogate pair")
        kept, gone = _cut(self.before, len(self.before) - delete)
        gone_after, kept_after = _cut(self.after, delete_after)
        delete_units, delete_after_units = units(gone), units(gone_after)
        insert_units, insert_after_units = units(insert), units(insert_after)
        unknown = (
            delete_units > self._before_units - self._hidden_before_units
            or delete_after_units > self._after_units - self._hidden_after_units
        )
        self.before = kept + insert
        self.after = insert_after + kept_after
        self._before_units += insert_units - delete_units
        self._after_units += insert_after_units - delete_after_units
        if unknown:
            return None
        length = self._before_units - self._hidden_before_units
        return WireSplice(delete_units, insert, delete_after_units, insert_after, length)


def untyped(origin: str, text: str, before: str) -> str | None:
    """The part of ghost `text`, asked for with `origin` before the caret, that is still ahead with `before` there now.

    `None` if the writer typed something else, or deleted into `origin`.
    """
    if len(before) < len(origin) or not before.startswith(origin):
        return None
    typed = before[len(origin) :]
    return text[len(typed) :] if text.startswith(typed) else None


def _cut(text: str, at: int) -> tuple[str, str]:
    return text[:at], text[at:]
