"""One suggestion as the client sees it: text that grows, an end with a reason, and a way to ask for more.

Knows nothing of sockets: its document passes it the server's messages, and sends its requests.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Literal, Protocol

from afterword.client.errors import ClientError, OutOfStep, RequestFailed
from afterword.client.local_text import untyped
from afterword.client.received_text import ReceivedText, ends
from afterword_protocol.messages import (
    DEFAULT_MAX_TOKENS,
    Boundaries,
    Done,
    Error,
    ErrorCode,
    Reason,
    Stop,
    Timing,
    Token,
    Usage,
)

Part = Literal["word", "phrase", "sentence", "all"]
_GONE = frozenset({Reason.DIVERGED, Reason.STALE})
_WORD = re.compile(r"\s*\S+")


class SuggestionOwner(Protocol):
    """What a suggestion needs of its document."""

    name: str  # `doc` on the wire

    @property
    def before(self) -> str:
        """All text before the caret."""
        ...

    def send_extend(self, suggestion: Suggestion, max_tokens: int, stop: Stop) -> None:
        """Ask the server for more. Raises ValueError for a value that no server takes."""
        ...

    def send_cancel(self, suggestion: Suggestion) -> None:
        """Tell the server to stop computing."""
        ...

    def send_dismiss(self, suggestion: Suggestion, reason: str | None) -> None:
        """Tell the server that the writer dismissed it."""
        ...


class Suggestion:
    """Ghost text being written. Iterate over it for the pieces of its first alternative, as they come.

    Iterating ends when the suggestion does, and goes on from there after `extend`. A suggestion that ends because the
    writer moved on (`diverged`, `superseded`, `cancelled` and so on) just ends; one that failed raises its `error`.
    """

    def __init__(self, document: SuggestionOwner, number: int, origin: str, alternatives: int, epoch: int) -> None:
        self.document = document  # the document it is for
        self.id = number  # the id on the wire
        self.origin = origin  # all text before the caret when it was asked for
        self.epoch = epoch  # which connection it was asked on
        self.error: ClientError | None = None  # why it failed, if it did
        self._alternatives = [ReceivedText() for _ in range(alternatives)]
        self._pieces: list[str] = []  # of the first alternative
        self._read = 0  # pieces already yielded
        self._asked = 1  # how often it was asked for: `suggest`, then each `extend`
        self._dones: list[Done] = []  # answers so far, in order
        self._wake = asyncio.Event()  # set, and replaced, whenever something above changes

    # --- what it looks like ---

    @property
    def text(self) -> str:
        """Text of the first alternative so far, from where the caret stood when it was asked for."""
        return self._alternatives[0].text

    @property
    def texts(self) -> tuple[str, ...]:
        """Text of every alternative so far."""
        return tuple(alternative.text for alternative in self._alternatives)

    @property
    def logprobs(self) -> tuple[float, ...]:
        """Summed natural-log probability of every alternative's text, as far as the server sent it."""
        return tuple(alternative.logprob for alternative in self._alternatives)

    @property
    def live(self) -> bool:
        """Whether an answer is still due."""
        return len(self._dones) < self._asked

    @property
    def outcome(self) -> Done | None:
        """The last `done`."""
        return self._dones[-1] if self._dones else None

    def untyped(self, alternative: int = 0) -> str | None:
        """The part ahead of the caret: the text to paint. `None` while it does not match what the writer typed.

        It may match again, when a piece arrives with what the writer typed just before; the server decides.
        """
        if self._dones and self._dones[-1].reason in _GONE:
            return None
        return untyped(self.origin, self._alternatives[alternative].text, self.document.before)

    def part(self, kind: Part, alternative: int = 0) -> str:
        """The next word, phrase, sentence, or all of what is still untyped.

        The server says where parts end, once the suggestion is done; until then a word ends before white space.
        """
        ahead = self.untyped(alternative) or ""
        if kind == "all" or not ahead:
            return ahead
        whole = self._alternatives[alternative].text
        typed = len(whole) - len(ahead)
        marks = [mark for mark in ends(whole, self._boundaries(alternative), f"{kind}s") if mark > typed]
        if marks:
            return ahead[: marks[0] - typed]
        word = _WORD.match(ahead)
        return word.group() if kind == "word" and word and self.live else ahead

    def _boundaries(self, alternative: int) -> Boundaries | None:
        if self.outcome is None:
            return None
        if self.outcome.alternatives is not None:
            return self.outcome.alternatives[alternative].boundaries
        return self.outcome.boundaries

    # --- waiting for it ---

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            wake = self._wake
            if self._read < len(self._pieces):
                self._read += 1
                yield self._pieces[self._read - 1]
            elif not self.live:
                if self._dones[-1].reason is Reason.ERROR and self.error is not None:
                    raise self.error
                return
            else:
                await wake.wait()

    async def done(self) -> Done:
        """Wait until everything asked for up to now is answered; returns the last answer. Does not raise."""
        asked = self._asked
        while len(self._dones) < asked:
            await self._wake.wait()
        return self._dones[asked - 1]

    # --- acting on it ---

    def extend(self, max_tokens: int = DEFAULT_MAX_TOKENS, stop: Stop | str = Stop.SENTENCE) -> Suggestion:
        """Ask for more after its end. Returns itself, to iterate over the new pieces."""
        self.document.send_extend(self, max_tokens, Stop(stop))
        return self

    def cancel(self) -> None:
        """Have the server stop computing."""
        if self.live:
            self.document.send_cancel(self)

    def dismiss(self, reason: str | None = None) -> None:
        """Tell the server that the writer dismissed it."""
        self.document.send_dismiss(self, reason)

    # --- for the document ---

    def take(self, message: Token | Done) -> None:
        """Handle a message of the server with this id."""
        if not self.live:
            return
        try:
            if isinstance(message, Token):
                self._append(message.alternative, message.pos, message.text, message.logprob)
            else:
                self._finish(message)
        except ClientError as error:
            self.fail(error)
        self._changed()

    def expect(self) -> None:
        """Another `extend` is sent."""
        self._asked += 1

    def fail(self, error: ClientError) -> None:
        """End everything that is due with `done error`, for a server that cannot answer."""
        self.error = self.error or error
        self.end(Reason.ERROR)

    def end(self, reason: Reason) -> None:
        """End everything that is due, for a server that will not answer any more."""
        answer = Done(doc=self.document.name, id=self.id, reason=reason, text=self.text, usage=Usage(), timing=Timing())
        self._dones += [answer] * (self._asked - len(self._dones))
        self._changed()

    def explain(self, error: RequestFailed) -> None:
        """Keep the error that explains a `done error` still to come."""
        self.error = error

    def _append(self, alternative: int, pos: int, text: str, logprob: float | None) -> None:
        if alternative >= len(self._alternatives):
            raise OutOfStep(f"the server sent alternative {alternative}, which was not asked for")
        piece = self._alternatives[alternative].append(pos, text, logprob)
        if alternative == 0:
            self._pieces.append(piece)

    def _finish(self, done: Done) -> None:
        texts = [done.text] if done.alternatives is None else [each.text for each in done.alternatives]
        for alternative, text in enumerate(texts[: len(self._alternatives)]):
            rest = self._alternatives[alternative].finish(text) if text is not None else ""
            if rest and alternative == 0:
                self._pieces.append(rest)
        if done.reason is Reason.ERROR and self.error is None:
            unexplained = Error(code=ErrorCode.INTERNAL, message="the suggestion failed", doc=done.doc, id=done.id)
            self.error = RequestFailed(unexplained)
        self._dones.append(done)

    def _changed(self) -> None:
        self._wake.set()
        self._wake = asyncio.Event()
