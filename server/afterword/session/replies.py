"""Answers to what cannot be honoured: the `error`, and the `done` that an ask is owed in any case."""

from __future__ import annotations

from dataclasses import dataclass

from afterword.session.effects import Effect, Send
from afterword_protocol.messages import (
    Accept,
    Boundaries,
    Cancel,
    Close,
    Dismiss,
    Done,
    Edit,
    Error,
    ErrorCode,
    Extend,
    Reason,
    Suggest,
    Timing,
    Usage,
)

DocumentMessage = Edit | Suggest | Extend | Accept | Cancel | Dismiss | Close
"""What a client says about a document that is open."""


def error(
    code: ErrorCode,
    message: str,
    doc: str | None = None,
    id: int | None = None,
    field: str | None = None,
    retry_after_ms: float | None = None,
) -> Send:
    """An `error` to send."""
    return Send(Error(code=code, message=message, doc=doc, id=id, field=field, retry_after_ms=retry_after_ms))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a `suggest` or `extend` is not begun. Without a `code` the reason of its `done` says all."""

    code: ErrorCode | None
    message: str
    reason: Reason = Reason.ERROR
    field: str | None = None
    retry_after_ms: float | None = None

    def errors(self, asked: Suggest | Extend) -> list[Effect]:
        """The `error` that explains it, if one does."""
        if self.code is None:
            return []
        return [error(self.code, self.message, asked.doc, asked.id, self.field, self.retry_after_ms)]

    def answer(self, asked: Suggest | Extend) -> list[Effect]:
        """The `error`, and the `done` of a suggestion of which there is no text."""
        several = isinstance(asked, Suggest) and asked.alternatives > 1
        done = Done(
            doc=asked.doc,
            id=asked.id,
            reason=self.reason,
            text=None if several else "",
            boundaries=None if several else Boundaries(),
            alternatives=() if several else None,
            usage=Usage(),
            timing=Timing(),
        )
        return [*self.errors(asked), Send(done)]


def unknown_doc(message: DocumentMessage) -> list[Effect]:
    """What answers a message about a document that is not open."""
    why = "this document is not open"
    if isinstance(message, Suggest | Extend):
        return Refusal(ErrorCode.UNKNOWN_DOC, why).answer(message)
    id = message.id if isinstance(message, Accept | Cancel | Dismiss) else None
    return [error(ErrorCode.UNKNOWN_DOC, why, message.doc, id)]
