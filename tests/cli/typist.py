"""Somebody who types with ghost text, and the server's end of the line, played by the test."""

from __future__ import annotations

import itertools
from typing import Any

from afterword.cli.ghost import SuggestOptions, TerminalGhost
from afterword.client.document import Document
from afterword_protocol.messages import (
    Alternative,
    Boundaries,
    ClientMessage,
    Done,
    Limits,
    Reason,
    Suggest,
    Timing,
    Token,
    Usage,
)


class Wire:
    """The server's end of the document's channel: what was sent, and what is answered."""

    def __init__(self) -> None:
        self.epoch = 1
        self.limits = Limits(docs=8, message_bytes=65536, context=4096, max_tokens=64, alternatives=4)
        self.sent: list[ClientMessage] = []
        self._markers = itertools.count(1)

    def send(self, message: ClientMessage) -> None:
        self.sent.append(message)

    def next_ping(self) -> int:
        return next(self._markers)

    def forget(self, name: str) -> None:
        """Nothing to forget."""

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.sent if isinstance(message, kind)]


class Typist:
    """Somebody who types with ghost text. `now_ms` is the time."""

    def __init__(self, before: str = "", after: str = "") -> None:
        self.wire = Wire()
        self.document = Document(self.wire, "d", before, after, None, None, None)
        self.now_ms = 0.0
        self.ghost = TerminalGhost(self.document, lambda: self.now_ms, SuggestOptions(max_tokens=8))
        self.wire.sent.clear()

    def type(self, text: str) -> None:
        self.ghost.typed(self.document.before + text, self.document.after)

    def delete(self, count: int = 1) -> None:
        self.ghost.typed(self.document.before[:-count], self.document.after)

    def token(self, text: str, pos: int = 0, alternative: int = 0) -> None:
        number = self.wire.of(Suggest)[-1].id
        self.document.receive(Token(doc="d", id=number, pos=pos, text=text, alternative=alternative))
        self.ghost.arrived()

    def done(self, *texts: str) -> None:
        ends = Boundaries(words=(4, 9))
        answer: dict[str, Any] = {"text": texts[0], "boundaries": ends}
        if len(texts) > 1:
            answer = {"alternatives": tuple(Alternative(text=t, reason=Reason.STOP, boundaries=ends) for t in texts)}
        number = self.wire.of(Suggest)[-1].id
        self.document.receive(Done(doc="d", id=number, reason=Reason.STOP, usage=Usage(), timing=Timing(), **answer))
        self.ghost.arrived()
