"""The client's own copy of the text around the caret, and what of it the server has been given.

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
class Shown:
    """The part of a text that a server is given: as much around the caret as its limit allows."""

    before: str
    after: str


class LocalText:
    """Text before and after the caret, and how much of it the server knows.

    `room_units`: how many units of text the server takes; what is farther from the caret stays here.
    """

    def __init__(self, before: str = "", after: str = "") -> None:
        if has_lone_surrogate(before) or has_lone_surrogate(after):
            raise ValueError("half a surrogate pair is no text")
        self.before = before  # all text before the caret
        self.after = after  # all text after it
        self._before_units = units(before)  # length of `before`
        self._after_units = units(after)  # length of `after`
        self._hidden_before_units = 0  # units at the start of `before` that the server was not given
        self._hidden_after_units = 0  # units at the end of `after` that the server was not given

    def show(self, room_units: int) -> Shown:
        """The text to give the server when it starts anew; later splices count from what was shown here.

        When not all of it fits, the text after the caret gets what the text before leaves over, but at least a quarter.
        """
        after_room = max(room_units // 4, room_units - self._before_units)
        after = head(self.after, after_room) if self._after_units > after_room else self.after
        before_room = room_units - units(after)
        before = tail(self.before, before_room) if self._before_units > before_room else self.before
        self._hidden_before_units = self._before_units - units(before)
        self._hidden_after_units = self._after_units - units(after)
        return Shown(before, after)

    def splice(self, delete: int, insert: str, delete_after: int, insert_after: str) -> WireSplice | None:
        """Apply a change, lengths in code points; returns what to tell the server.

        `None` means that the change reaches into text the server never had: show it the text anew.
        Raises ValueError, and changes nothing, if a delete goes beyond the text or an insert is not valid Unicode.
        """
        if not 0 <= delete <= len(self.before) or not 0 <= delete_after <= len(self.after):
            raise ValueError("cannot delete beyond the ends of the text")
        if has_lone_surrogate(insert) or has_lone_surrogate(insert_after):
            raise ValueError("half a surrogate pair is no text")
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
    """What of ghost `text`, asked for when `origin` stood before the caret, is still ahead of the writer at `before`.

    `None` once the writer has gone another way, or back behind the place where the suggestion began.
    """
    if len(before) < len(origin) or not before.startswith(origin):
        return None
    typed = before[len(origin) :]
    return text[len(typed) :] if text.startswith(typed) else None


def _cut(text: str, at: int) -> tuple[str, str]:
    return text[:at], text[at:]
