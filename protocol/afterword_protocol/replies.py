"""Answers to what cannot be honoured: the `error`, and the `done` that an ask is owed in any case."""

from __future__ import annotations

from .effects import Effect, Send
from .messages import Boundaries, Done, Error, ErrorCode, Extend, Reason, Suggest, Timing, Usage


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


def refused(
    asked: Suggest | Extend,
    code: ErrorCode | None,
    message: str,
    reason: Reason = Reason.ERROR,
    *,
    field: str | None = None,
    retry_after_ms: float | None = None,
) -> list[Effect]:
    """The answer to an ask that is not begun: an `error` if there is something to explain, and an empty `done`."""
    effects: list[Effect] = []
    if code is not None:
        effects.append(error(code, message, asked.doc, asked.id, field, retry_after_ms))
    several = isinstance(asked, Suggest) and asked.alternatives > 1
    done = Done(
        doc=asked.doc,
        id=asked.id,
        reason=reason,
        text=None if several else "",
        boundaries=None if several else Boundaries(),
        alternatives=() if several else None,
        usage=Usage(),
        timing=Timing(),
    )
    return [*effects, Send(done)]
