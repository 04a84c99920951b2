"""One document from the writer's side: its text, its revisions, and the suggestions asked for in it.

Knows nothing of sockets: messages go out through a `Link` and come in through `receive`. Each change is applied to the
mirror first and then told to the server, so what stands here is the truth and the server can always be given it anew.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from afterword.client.errors import ClientError, ConnectionLost, RequestFailed
from afterword.client.link import Link
from afterword.client.mirror import LocalText
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

_TEXT_IS_OUT_OF_STEP = frozenset({ErrorCode.RESYNC, ErrorCode.STALE_REV, ErrorCode.UNKNOWN_SUGGESTION})


class Document:
    """Text around a caret that a server follows. Lengths are Python's, in code points."""

    def __init__(
        self,
        link: Link,
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
        self.error: ClientError | None = None  # why the server does not follow this document at present
        self.suggestion: Suggestion | None = None  # the newest one
        self._link = link
        self._mirror = LocalText(before, after)
        self._rev = 0  # last revision sent
        self._id = 0  # last suggestion id used
        self._epoch = 0  # connection on which the server was given this text
        self._marker: int | None = None  # ping whose answer says that the last `open` was handled
        self._settled = asyncio.Event()  # set when that answer came
        self._open_suggestions: dict[int, Suggestion] = {}  # those with an answer due
        self.reopen()

    @property
    def before(self) -> str:
        """All text before the caret."""
        return self._mirror.before

    @property
    def after(self) -> str:
        """All text after the caret."""
        return self._mirror.after

    @property
    def ghost(self) -> str:
        """What to paint after the caret now: the part of the newest suggestion that is still ahead, or nothing."""
        return (self.suggestion.untyped() or "") if self.suggestion else ""

    # --- changing the text ---

    def edit(self, *, insert: str = "", delete: int = 0, insert_after: str = "", delete_after: int = 0) -> None:
        """Remove `delete` code points before the caret and put `insert` there; the same with `_after` behind it.

        Raises ValueError for a delete beyond the ends of the text and for text that is not valid Unicode.
        """
        splice = self._mirror.splice(delete, insert, delete_after, insert_after)
        if splice is None or units(insert) + units(insert_after) > self._link.limits.context:
            self.reopen()
            return
        self._post_text(
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
        """Give the document another text altogether."""
        self._mirror = LocalText(before, after)
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
        """Ask for ghost text at the caret; takes the place of the suggestion before.

        Raises ValueError for what no server takes; what only this server does not take is an error of the suggestion.
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
        self.suggestion = suggestion = Suggestion(self, asked.id, self.before, alternatives, self._link.epoch)
        self._ask(suggestion, asked)
        return suggestion

    def accept(self, what: int | Part = "all", *, alternative: int = 0) -> str:
        """Insert the next `what` of the newest suggestion: a number of code points, or a part by name.

        Returns the text inserted. Raises ValueError if there is no suggestion at the caret or not so much of it.
        """
        suggestion = self.suggestion
        ahead = suggestion.untyped(alternative) if suggestion else None
        if suggestion is None or ahead is None:
            raise ValueError("there is no suggestion at the caret")
        taken = suggestion.part(what, alternative) if isinstance(what, str) else ahead[:what]
        if isinstance(what, int) and not 0 <= what <= len(ahead):
            raise ValueError("that is more than the suggestion has")
        if suggestion.epoch != self._link.epoch or suggestion.error is not None:
            self.type(taken)  # the server does not know this suggestion; the text is what counts
            return taken
        splice = self._mirror.splice(0, taken, 0, "")
        assert splice is not None, "nothing was deleted"
        self._post_text(
            lambda rev: Accept(doc=self.name, id=suggestion.id, rev=rev, length=units(taken), alternative=alternative)
        )
        return taken

    def close(self) -> None:
        """Have the server forget the document; the text stays here."""
        for suggestion in self._open_suggestions.values():
            suggestion.end(Reason.CANCELLED)
        self._open_suggestions.clear()
        self._link.post(Close(doc=self.name))
        self._link.dropped(self.name)

    # --- for suggestions ---

    def send_extend(self, suggestion: Suggestion, max_tokens: int, stop: Stop) -> None:
        """Ask for more of a suggestion. Raises ValueError for a value that no server takes."""
        asked = Extend(doc=self.name, id=suggestion.id, max_tokens=max_tokens, stop=stop)
        _check(asked)
        suggestion.expect()
        self._ask(suggestion, asked)

    def send_cancel(self, suggestion: Suggestion) -> None:
        """Tell the server to stop computing a suggestion."""
        if suggestion.epoch == self._link.epoch:
            self._link.post(Cancel(doc=self.name, id=suggestion.id))

    def send_dismiss(self, suggestion: Suggestion, reason: str | None) -> None:
        """Tell the server that a suggestion was waved away."""
        if self.suggestion is suggestion:
            self.suggestion = None
        if suggestion.epoch == self._link.epoch:
            self._link.post(Dismiss(doc=self.name, id=suggestion.id, reason=reason))

    def _ask(self, suggestion: Suggestion, message: Suggest | Extend) -> None:
        if self.error is not None:
            suggestion.fail(self.error)
        elif suggestion.epoch == 0 or suggestion.epoch != self._link.epoch:
            suggestion.fail(ConnectionLost("there is no connection to the server that this was asked of"))
        else:
            self._open_suggestions[suggestion.id] = suggestion
            self._link.post(message)

    # --- for the link ---

    def reopen(self) -> None:
        """Give the server the text, as much as it takes; the answer to the ping behind it says that it was handled."""
        self._epoch = self._link.epoch
        if not self._epoch:
            return
        self.error = None
        shown = self._mirror.show(max(0, self._link.limits.context - units(self.preface or "")))
        self._rev += 1
        self._marker = self._link.marker()
        self._settled.clear()
        self._link.post(
            Open(
                doc=self.name,
                rev=self._rev,
                before=shown.before,
                after=shown.after,
                language=self.language,
                block=self.block,
                preface=self.preface,
            )
        )
        self._link.post(Ping(t=self._marker))

    def receive(self, message: Token | Done | Error) -> None:
        """Take a message of the server's that names this document."""
        if isinstance(message, Error):
            self._receive_error(message)
            return
        suggestion = self._open_suggestions.get(message.id)
        if suggestion is None:
            return  # a frame that was on its way when the connection or the document went
        suggestion.take(message)
        if not suggestion.live:
            del self._open_suggestions[message.id]

    def receive_pong(self, marker: object) -> None:
        """Take the answer to a ping of this link."""
        if marker == self._marker:
            self._marker = None
            self._settled.set()

    def connection_lost(self, error: ConnectionLost) -> None:
        """The link has no connection now; `reopen` follows when it has one again."""
        self._fail_all(error)

    def give_up(self, error: ClientError) -> None:
        """The link will never have a connection again."""
        self.error = error
        self._fail_all(error)
        self._settled.set()

    async def settled(self) -> None:
        """Wait until the server has handled the text it was given last. Raises what it had against it."""
        await self._settled.wait()
        if self.error is not None:
            raise self.error

    def _receive_error(self, message: Error) -> None:
        error = RequestFailed(message)
        suggestion = self._open_suggestions.get(message.id or 0)
        if suggestion is not None:
            suggestion.blame(error)
            if message.code is ErrorCode.BAD_MESSAGE:  # answered by nothing else
                suggestion.fail(error)
                del self._open_suggestions[suggestion.id]
        if self._marker is not None:  # about something sent before the last `open`, or about that `open`
            if suggestion is None and message.code not in _TEXT_IS_OUT_OF_STEP:
                self.error = error
        elif message.code in _TEXT_IS_OUT_OF_STEP or (message.code is ErrorCode.BAD_MESSAGE and suggestion is None):
            self.reopen()
        elif suggestion is None:
            self.error = error

    def _post_text(self, make: _Revised) -> None:
        if self._epoch and self._epoch == self._link.epoch and self.error is None:
            self._rev += 1
            self._link.post(make(self._rev))

    def _fail_all(self, error: ClientError) -> None:
        for suggestion in self._open_suggestions.values():
            suggestion.fail(error)
        self._open_suggestions.clear()


class _Revised(Protocol):
    def __call__(self, rev: int) -> Edit | Accept: ...


def _check(message: Suggest | Extend) -> None:
    """Raise ValueError for a value that no server takes."""
    try:
        codec.decode_client(codec.encode(message))
    except codec.BadMessage as error:
        raise ValueError(str(error)) from None
