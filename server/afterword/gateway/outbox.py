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
from typing import NamedTuple

from afterword_protocol.messages import LOGPROB_DIGITS, Done, Reason, ServerMessage, Token

DEAD = frozenset({Reason.CANCELLED, Reason.DIVERGED, Reason.SUPERSEDED})

# What a waiting message costs beside its text: objects, field names, numbers. An estimate; the bound need not be exact.
MESSAGE_BYTES = 256

Piece = tuple[str, int, int]  # document, suggestion, alternative


class Frame(NamedTuple):
    """What is to be sent. `asked_ms`: when that was asked for which this has the first text of, if it has."""

    text: str
    asked_ms: float | None


class Outbox:
    """A queue of messages. `put` what the session wants sent, `take` what goes out next."""

    def __init__(self, encode: Callable[[ServerMessage], str], limit_bytes: int) -> None:
        self._encode = encode
        self._limit_bytes = limit_bytes
        self._waiting: deque[_Entry] = deque()
        self._pieces: dict[Piece, _Entry] = {}  # the waiting entry that a further piece may be merged into
        self._bytes = 0

    def __bool__(self) -> bool:
        """Whether there is something to take."""
        return self._bytes > 0

    @property
    def overfull(self) -> bool:
        """Whether more waits than may wait."""
        return self._bytes > self._limit_bytes

    def put(self, message: ServerMessage, asked_ms: float | None = None) -> None:
        """Append a message, after merging and dropping what the rules above say. `asked_ms` as for `Frame`."""
        if isinstance(message, Token) and self._merge(message):
            return
        if isinstance(message, Done):
            self._finish(message)
        entry = _Entry(message, asked_ms)
        self._waiting.append(entry)
        self._bytes += entry.bytes
        if isinstance(message, Token):
            self._pieces[_piece(message)] = entry

    def take(self) -> Frame | None:
        """The next frame to send, or `None` if nothing waits."""
        while self._waiting:
            entry = self._waiting.popleft()
            message = entry.message
            if message is None:
                continue
            self._bytes -= entry.bytes
            if isinstance(message, Token) and self._pieces.get(_piece(message)) is entry:
                del self._pieces[_piece(message)]
            return Frame(self._encode(message), entry.asked_ms)
        return None

    def clear(self) -> None:
        """Drop everything that waits."""
        self._waiting.clear()
        self._pieces.clear()
        self._bytes = 0

    def _merge(self, later: Token) -> bool:
        """Append a piece to the one before it, if that still waits."""
        entry = self._pieces.get(_piece(later))
        if entry is None or not isinstance(entry.message, Token):
            return False
        self._bytes -= entry.bytes
        entry.message = _joined(entry.message, later)
        self._bytes += entry.bytes
        return True

    def _finish(self, done: Done) -> None:
        """Nothing merges across a `done`; and pieces of what is dead need not be sent at all."""
        for piece in [piece for piece in self._pieces if piece[:2] == (done.doc, done.id)]:
            entry = self._pieces.pop(piece)
            if done.reason in DEAD:
                self._bytes -= entry.bytes
                entry.message = None


class _Entry:
    """A message in the queue, or `None` in the place of one that was dropped."""

    __slots__ = ("asked_ms", "message")

    def __init__(self, message: ServerMessage, asked_ms: float | None) -> None:
        self.message: ServerMessage | None = message
        self.asked_ms = asked_ms

    @property
    def bytes(self) -> int:
        """About how much memory the message holds."""
        message = self.message
        if isinstance(message, Token):
            return MESSAGE_BYTES + len(message.text)
        if isinstance(message, Done):
            texts = [message.text or "", *(each.text for each in message.alternatives or ())]
            return MESSAGE_BYTES + sum(map(len, texts))
        return MESSAGE_BYTES


def _piece(token: Token) -> Piece:
    return token.doc, token.id, token.alternative


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
