"""One document from the writer's side: its text, its revisions, and the suggestions asked for in it.

Knows nothing of sockets: messages go out through a `Channel` and come in through `receive`. A change is
applied to the local text first and then sent, so the local text is the truth, and the server can always get it anew.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from afterword.client.channel import Channel
from afterword.client.errors import ClientError, ConnectionLost, RequestFailed
from afterword.client.local_text import LocalText
from afterword.client.suggestion import Part, Suggestion
from afterword_protocol import codec
from afterword_protocol.messages import (
    DEFAULT_MAX_TOKENS,
    Accept,
    Cancel,
    Close,
    Dismiss,
    Done,
    Edit,
    Error,
    ErrorCode,
    Extend,
    Open,
    Ping,
    Reason,
    Stop,
    Suggest,
    Token,
)
from afterword_protocol.utf16 import units

_OUT_OF_STEP = frozenset({ErrorCode.RESYNC, ErrorCode.STALE_REV, ErrorCode.UNKNOWN_SUGGESTION})


class Document:
    """Text around a caret that a server follows. Lengths are Python's, in code points."""

    def __init__(
        self,
        channel: Channel,
        name: str,
        before: str,
        after: str,
        language: str | None,
        block: str | None,
        preface: str | None,
    ) -> None:
        self.name = name  # `doc` on the wire
        self.language = language  # language tag
        self.block = block  # kind of block the caret is in
        self.preface = preface  # text for the model to see ahead of the document
        self.error: ClientError | None = None  # why the server does not follow this document now
        self.suggestion: Suggestion | None = None  # the newest one
        self._channel = channel
        self._text = LocalText(before, after)
        self._rev = 0  # last revision sent
        self._id = 0  # last suggestion id used
        self._epoch = 0  # connection on which the server got this text
        self._ping: int | None = None  # sent behind the last `open`; its pong says that the server handled it
        self._settled = asyncio.Event()  # set when that pong came
        self._open_suggestions: dict[int, Suggestion] = {}  # those whose `done` is due
        self.reopen()

    @property
    def before(self) -> str:
        """All text before the caret."""
        return self._text.before

    @property
    def after(self) -> str:
        """All text after the caret."""
        return self._text.after

    @property
    def ghost(self) -> str:
        """The text to paint after the caret now: the rest of the newest suggestion, or nothing."""
        return (self.suggestion.untyped() or "") if self.suggestion else ""

    # --- changing the text ---

    def edit(self, *, insert: str = "", delete: int = 0, insert_after: str = "", delete_after: int = 0) -> None:
        """Delete `delete` code points before the caret and insert `insert` there; `_after`: the same behind it.

        Raises ValueError for a delete beyond the ends of the text and for text that is not valid Unicode.
        """
        splice = self._text.splice(delete, insert, delete_after, insert_after)
        if splice is None or units(insert) + units(insert_after) > self._channel.limits.context:
            self.reopen()
            return
        self._send_revision(
            lambda rev: Edit(
                doc=self.name,
                rev=rev,
                delete=splice.delete,
                insert=splice.insert,
                delete_after=splice.delete_after,
                insert_after=splice.insert_after,
                length=splice.length,
            )
        )

    def type(self, text: str) -> None:
        """Insert text at the caret."""
        self.edit(insert=text)

    def move(self, by: int) -> None:
        """Move the caret by so many code points, back if negative. Raises ValueError beyond the ends of the text."""
        if by < 0:
            if -by > len(self.before):
                raise ValueError("cannot move beyond the start of the text")
            self.edit(delete=-by, insert_after=self.before[by:])
        elif by > 0:
            if by > len(self.after):
                raise ValueError("cannot move beyond the end of the text")
            self.edit(delete_after=by, insert=self.after[:by])

    def replace(self, before: str, after: str = "") -> None:
        """Replace the whole text."""
        self._text = LocalText(before, after)
        self.reopen()

    # --- suggestions ---

    def suggest(
        self,
        *,
        alternatives: int = 1,
        max_tokens: int = DEFAULT_MAX_TOKENS,
        stop: Stop | str = Stop.SENTENCE,
        max_time_ms: float | None = None,
        quiet: float = 0,
        temperature: float = 0,
        seed: int | None = None,
    ) -> Suggestion:
        """Ask for ghost text at the caret; replaces the suggestion before.

        Raises ValueError for a value that no server takes. One that only this server refuses is the suggestion's error.
        """
        asked = Suggest(
            doc=self.name,
            id=self._id + 1,
            rev=max(self._rev, 1),
            alternatives=alternatives,
            max_tokens=max_tokens,
            stop=Stop(stop),
            max_time_ms=max_time_ms,
            quiet=quiet,
            temperature=temperature,
            seed=seed,
        )
        _check(asked)
        self._id = asked.id
        self.suggestion = suggestion = Suggestion(self, asked.id, self.before, alternatives, self._channel.epoch)
        self._ask(suggestion, asked)
        return suggestion

    def accept(self, what: int | Part = "all", *, alternative: int = 0) -> str:
        """Insert the next `what` of the newest suggestion: a number of code points, or a part by name.

        Returns the text inserted. Raises ValueError if there is no suggestion at the caret, or not that much of it.
        """
        suggestion = self.suggestion
        ahead = suggestion.untyped(alternative) if suggestion else None
        if suggestion is None or ahead is None:
            raise ValueError("there is no suggestion at the caret")
        taken = suggestion.part(what, alternative) if isinstance(what, str) else ahead[:what]
        if isinstance(what, int) and not 0 <= what <= len(ahead):
            raise ValueError("the suggestion is shorter than that")
        if suggestion.epoch != self._channel.epoch or suggestion.error is not None:
            self.type(taken)  # the server does not know this suggestion; the text is what counts
            return taken
        splice = self._text.splice(0, taken, 0, "")
        assert splice is not None, "nothing was deleted"
        self._send_revision(
            lambda rev: Accept(doc=self.name, id=suggestion.id, rev=rev, length=units(taken), alternative=alternative)
        )
        return taken

    def close(self) -> None:
        """Close the document on the server; the text stays here."""
        for suggestion in self._open_suggestions.values():
            suggestion.end(Reason.CANCELLED)
        self._open_suggestions.clear()
        self._channel.send(Close(doc=self.name))
        self._channel.forget(self.name)

    # --- for suggestions ---

    def send_extend(self, suggestion: Suggestion, max_tokens: int, stop: Stop) -> None:
        """Ask for more of a suggestion. Raises ValueError for a value that no server takes."""
        asked = Extend(doc=self.name, id=suggestion.id, max_tokens=max_tokens, stop=stop)
        _check(asked)
        suggestion.expect()
        self._ask(suggestion, asked)

    def send_cancel(self, suggestion: Suggestion) -> None:
        """Tell the server to stop computing a suggestion."""
        if suggestion.epoch == self._channel.epoch:
            self._channel.send(Cancel(doc=self.name, id=suggestion.id))

    def send_dismiss(self, suggestion: Suggestion, reason: str | None) -> None:
        """Tell the server that the writer dismissed a suggestion."""
        if self.suggestion is suggestion:
            self.suggestion = None
        if suggestion.epoch == self._channel.epoch:
            self._channel.send(Dismiss(doc=self.name, id=suggestion.id, reason=reason))

    def _ask(self, suggestion: Suggestion, message: Suggest | Extend) -> None:
        if self.error is not None:
            suggestion.fail(self.error)
        elif suggestion.epoch == 0 or suggestion.epoch != self._channel.epoch:
            suggestion.fail(ConnectionLost("the connection of this suggestion is gone"))
        else:
            self._open_suggestions[suggestion.id] = suggestion
            self._channel.send(message)

    # --- for the channel ---

    def reopen(self) -> None:
        """Send the text, as much as the server takes, and a ping behind it, whose pong says that it was handled."""
        self._epoch = self._channel.epoch
        if not self._epoch:
            return
        self.error = None
        excerpt = self._text.excerpt(max(0, self._channel.limits.context - units(self.preface or "")))
        self._rev += 1
        self._ping = self._channel.next_ping()
        self._settled.clear()
        self._channel.send(
            Open(
                doc=self.name,
                rev=self._rev,
                before=excerpt.before,
                after=excerpt.after,
                language=self.language,
                block=self.block,
                preface=self.preface,
            )
        )
        self._channel.send(Ping(t=self._ping))

    def receive(self, message: Token | Done | Error) -> None:
        """Handle a message of the server for this document."""
        if isinstance(message, Error):
            self._receive_error(message)
            return
        suggestion = self._open_suggestions.get(message.id)
        if suggestion is None:
            return  # sent before the connection or the document was closed
        suggestion.take(message)
        if not suggestion.live:
            del self._open_suggestions[message.id]

    def receive_pong(self, number: object) -> None:
        """Handle the answer to a ping of this channel."""
        if number == self._ping:
            self._ping = None
            self._settled.set()

    def connection_lost(self, error: ConnectionLost) -> None:
        """The connection dropped; `reopen` follows on the next one."""
        self._fail_all(error)

    def give_up(self, error: ClientError) -> None:
        """There will be no connection again."""
        self.error = error
        self._fail_all(error)
        self._settled.set()

    async def settled(self) -> None:
        """Wait until the server has handled the last `open`. Raises the error it answered with, if any."""
        await self._settled.wait()
        if self.error is not None:
            raise self.error

    def _receive_error(self, message: Error) -> None:
        error = RequestFailed(message)
        suggestion = self._open_suggestions.get(message.id or 0)
        if suggestion is not None:
            suggestion.explain(error)
            if message.code is ErrorCode.BAD_MESSAGE:  # no `done` follows
                suggestion.fail(error)
                del self._open_suggestions[suggestion.id]
        if self._ping is not None:  # the error is about the last `open` or what was sent before it
            if suggestion is None and message.code not in _OUT_OF_STEP:
                self.error = error
        elif message.code in _OUT_OF_STEP or (message.code is ErrorCode.BAD_MESSAGE and suggestion is None):
            self.reopen()
        elif suggestion is None:
            self.error = error

    def _send_revision(self, make: _MakeMessage) -> None:
        if self._epoch and self._epoch == self._channel.epoch and self.error is None:
            self._rev += 1
            self._channel.send(make(self._rev))

    def _fail_all(self, error: ClientError) -> None:
        for suggestion in self._open_suggestions.values():
            suggestion.fail(error)
        self._open_suggestions.clear()


class _MakeMessage(Protocol):
    def __call__(self, rev: int) -> Edit | Accept: ...


def _check(message: Suggest | Extend) -> None:
    """Raise ValueError for a value that no server takes."""
    try:
        codec.decode_client(codec.encode(message))
    except codec.BadMessage as error:
        raise ValueError(str(error)) from None
