"""Frames that wait for a client to read them.

What lives here: the queue of one connection and its rules. Nobody waits here and nothing is sent from here. While a
client keeps up, every message passes through unchanged. For one that does not:

- pieces of one suggestion that wait are merged into one frame;
- pieces of a suggestion that died while they waited are dropped, because its `done` carries the whole text;
- everything else keeps its place, and the whole is bounded: past the bound the client has to go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from afterword_protocol.messages import LOGPROB_DIGITS, Done, Reason, ServerMessage, Token

DEAD = frozenset({Reason.CANCELLED, Reason.DIVERGED, Reason.SUPERSEDED})

# What a waiting message costs beside its text: objects, field names, numbers. An estimate; the bound need not be exact.
MESSAGE_BYTES = 256


class Frame(NamedTuple):
    """What is to be sent. `asked_ms`: if this is the first text that answers an ask, when that ask was made."""

    text: str
    asked_ms: float | None


@dataclass(slots=True)
class _Entry:
    """A message in the queue, or `None` in the place of one that was dropped. `bytes`: about what it holds."""

    message: ServerMessage | None
    asked_ms: float | None
    bytes: int = MESSAGE_BYTES


class Outbox:
    """A queue of messages. `put` what the session wants sent, `take` what goes out next."""

    def __init__(self, encode: Callable[[ServerMessage], str], limit_bytes: int) -> None:
        self._encode = encode
        self._limit_bytes = limit_bytes
        self._waiting: deque[_Entry] = deque()
        # By document and suggestion, then by alternative: the waiting entry that a further piece may be merged into.
        self._pieces: dict[tuple[str, int], dict[int, _Entry]] = {}
        self._bytes = 0

    def __bool__(self) -> bool:
        """Whether there is something to take."""
        return self._bytes > 0

    def put(self, message: ServerMessage, asked_ms: float | None = None) -> bool:
        """Append a message, after merging and dropping what the rules above say. `asked_ms` as for `Frame`.

        Returns whether all that waits now may wait.
        """
        entry = _Entry(message, asked_ms)
        if isinstance(message, Token):
            entry.bytes += len(message.text)
            pieces = self._pieces.setdefault((message.doc, message.id), {})
            earlier = pieces.get(message.alternative)
            if earlier is not None:
                assert isinstance(earlier.message, Token)
                earlier.message = _joined(earlier.message, message)
                earlier.bytes += len(message.text)
                self._bytes += len(message.text)
                return self._bytes <= self._limit_bytes
            pieces[message.alternative] = entry
        elif isinstance(message, Done):
            entry.bytes += len(message.text or "")
            for each in message.alternatives or ():
                entry.bytes += len(each.text)
            # Nothing merges across a `done`; and pieces of what is dead need not be sent at all.
            for piece in self._pieces.pop((message.doc, message.id), {}).values():
                if message.reason in DEAD:
                    self._bytes -= piece.bytes
                    piece.message = None
        self._waiting.append(entry)
        self._bytes += entry.bytes
        return self._bytes <= self._limit_bytes

    def take(self) -> Frame | None:
        """The next frame to send, or `None` if nothing waits."""
        while self._waiting:
            entry = self._waiting.popleft()
            message = entry.message
            if message is None:
                continue
            self._bytes -= entry.bytes
            if isinstance(message, Token):
                pieces = self._pieces.get((message.doc, message.id))
                if pieces is not None and pieces.get(message.alternative) is entry:
                    del pieces[message.alternative]
                    if not pieces:
                        del self._pieces[message.doc, message.id]
            return Frame(self._encode(message), entry.asked_ms)
        return None

    def clear(self) -> None:
        """Drop everything that waits."""
        self._waiting.clear()
        self._pieces.clear()
        self._bytes = 0


def _joined(first: Token, then: Token) -> Token:
    logprob = None
    if first.logprob is not None and then.logprob is not None:
        logprob = round(first.logprob + then.logprob, LOGPROB_DIGITS)
    return Token(
        doc=first.doc,
        id=first.id,
        pos=first.pos,
        text=first.text + then.text,
        alternative=first.alternative,
        logprob=logprob,
    )
