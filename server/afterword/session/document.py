"""One document of a connection: its text, its revision, and what the client may ask for it.

Messages are judged here, in the order in which the specification names the grounds to refuse them. What comes of those
that are allowed is the work of `ghost_text.py`.
"""

from __future__ import annotations

from afterword.session.effects import Effect, ForgetDocument, Send
from afterword.session.ghost_text import GhostText, SuggestionOptions
from afterword.session.mirror import EditMismatchError, Mirror, Splice
from afterword.session.replies import Refusal, error
from afterword.session.suggestion import SuggestionEvent, SuggestionState
from afterword_protocol.messages import (
    DEFAULT_MAX_TOKENS,
    Accept,
    Cancel,
    Dismiss,
    Edit,
    ErrorCode,
    Extend,
    Open,
    Reason,
    Suggest,
)
from afterword_protocol.utf16 import points_at_start, units

_OUT_OF_PLACE = frozenset({SuggestionState.DIVERGED, SuggestionState.DISMISSED})  # not to be accepted


class DocumentState:
    """The state of one open document."""

    def __init__(self, opened: Open, number: int, options: SuggestionOptions) -> None:
        self.name = opened.doc
        self.number = number  # unique over all connections of a server
        self._options = options
        self._rev = opened.rev  # of the text held
        self._last_id = 0  # highest suggestion id so far
        self._resync = False  # the client's text is not known; only `open` helps
        self._mirror = Mirror(opened, options.limits.context)
        self.ghost_text = GhostText(opened.doc, number, self._mirror, options)

    def prepare(self) -> list[Effect]:
        """Have the cache filled with the text."""
        return [self.ghost_text.prepare()]

    def open(self, opened: Open, now_ms: float) -> list[Effect]:
        """The client replaces the text."""
        if opened.rev <= self._rev:
            return [self._stale(opened.rev)]
        refusal = too_long(opened, self._options.limits.context)
        if refusal:
            return [refusal, *self.lose_track(now_ms)]
        self._resync = False
        self._rev = opened.rev
        self._mirror = Mirror(opened, self._options.limits.context)
        effects = self.ghost_text.reopen(self._mirror, now_ms)
        # What is written already is worth more than a fresh cache, which would take its place.
        return effects if self.ghost_text.useful() else effects + self.prepare()

    def edit(self, asked: Edit, now_ms: float) -> list[Effect]:
        """A splice at the caret."""
        if self._resync or asked.rev <= self._rev:
            return [self._unready(asked.rev)]
        try:
            splice = self._mirror.fit(asked.delete, asked.insert, asked.delete_after, asked.insert_after, asked.length)
        except EditMismatchError as problem:
            return [error(ErrorCode.RESYNC, str(problem), self.name), *self.lose_track(now_ms)]
        before = self._mirror.before
        after_changed = self._mirror.apply(splice)
        self._rev = asked.rev
        return self.ghost_text.follow(splice, before, after_changed, True, now_ms)

    def accept(self, asked: Accept, now_ms: float) -> list[Effect]:
        """The writer took a part of the suggestion: the splice that inserts it."""
        if self._resync or asked.rev <= self._rev:
            return [self._unready(asked.rev)]
        if self.ghost_text.id != asked.id or self.ghost_text.state in _OUT_OF_PLACE:
            refusal = error(ErrorCode.UNKNOWN_SUGGESTION, "its text is not at the caret", self.name, asked.id)
            return [refusal, *self.lose_track(now_ms)]
        untyped = self.ghost_text.untyped(asked.alternative)
        if untyped is None:
            return [self._bad("alternative", "is not at the caret", asked.id), *self.lose_track(now_ms)]
        taken = points_at_start(untyped, asked.length)
        if taken is None:
            return [self._bad("length", "is not that of a part of what is untyped", asked.id), *self.lose_track(now_ms)]
        self._options.counters.accepts += 1
        self._options.counters.accepted_characters += taken
        splice = Splice(0, untyped[:taken], 0, "")
        before = self._mirror.before
        self._mirror.apply(splice)
        self._rev = asked.rev
        return self.ghost_text.follow(splice, before, False, False, now_ms)

    def suggest(self, asked: Suggest, draining: bool, now_ms: float) -> list[Effect]:
        """Ghost text is wanted at the caret. An id that is new ends the suggestion before it in any case."""
        if asked.id <= self._last_id:
            return [self._bad("id", f"must be higher than {self._last_id}, the last of this document", asked.id)]
        self._last_id = asked.id
        refusal = self._refusal(asked, draining)
        if refusal:
            return self.ghost_text.move(SuggestionEvent.REFUSED, now_ms) + refusal.answer(asked)
        effects = self.ghost_text.move(SuggestionEvent.SUPERSEDED, now_ms)
        # A server may allow less than the default, which nobody has asked for in so many words.
        max_tokens = min(asked.max_tokens, self._options.limits.max_tokens)
        return effects + self.ghost_text.suggest(asked, max_tokens, now_ms)

    def extend(self, asked: Extend, draining: bool, now_ms: float) -> list[Effect]:
        """More of the suggestion is wanted."""
        if self.ghost_text.id != asked.id:
            why = Refusal(ErrorCode.UNKNOWN_SUGGESTION, "this is not the newest suggestion")
            return why.answer(asked)
        refusal = self._refusal(asked, draining)
        max_tokens = min(asked.max_tokens, self._options.limits.max_tokens)
        effects = self.ghost_text.extend(asked, max_tokens, refusal.reason if refusal else None, now_ms)
        return [*refusal.errors(asked), *effects] if refusal else effects

    def cancel(self, asked: Cancel, now_ms: float) -> list[Effect]:
        """The suggestion is not wanted any more. One that is done already may be named: messages cross."""
        if asked.id > self._last_id:
            return [self._never(asked.id)]
        return self.ghost_text.move(SuggestionEvent.CANCEL, now_ms) if self.ghost_text.id == asked.id else []

    def dismiss(self, asked: Dismiss, now_ms: float) -> list[Effect]:
        """The writer waved the suggestion away, so its text is not to come back."""
        if asked.id > self._last_id:
            return [self._never(asked.id)]
        if self.ghost_text.id != asked.id:
            return []
        self._options.counters.dismissals += 1
        return self.ghost_text.move(SuggestionEvent.DISMISS, now_ms)

    def close(self, now_ms: float) -> list[Effect]:
        """The document is forgotten."""
        return [*self.ghost_text.move(SuggestionEvent.CLOSE, now_ms), ForgetDocument(self.number)]

    def lose_track(self, now_ms: float) -> list[Effect]:
        """A change of the text was refused: the client's text is not known until `open` comes."""
        self._resync = True
        return self.ghost_text.move(SuggestionEvent.OUT_OF_STEP, now_ms)

    def _unready(self, rev: int) -> Send:
        """Why the text cannot be changed now."""
        return error(ErrorCode.RESYNC, "the document waits for open", self.name) if self._resync else self._stale(rev)

    def _refusal(self, asked: Suggest | Extend, draining: bool) -> Refusal | None:
        """Why nothing can be written for it now, if so."""
        limits = self._options.limits
        if self._resync:
            return Refusal(ErrorCode.RESYNC, "the document waits for open")
        if isinstance(asked, Suggest):
            if asked.rev != self._rev:
                return Refusal(None, "", Reason.STALE)
            if asked.alternatives > limits.alternatives:
                message = f"at most {limits.alternatives} alternatives are written"
                return Refusal(ErrorCode.UNSUPPORTED, message, field="alternatives")
        if asked.max_tokens > max(limits.max_tokens, DEFAULT_MAX_TOKENS):
            return Refusal(ErrorCode.UNSUPPORTED, f"at most {limits.max_tokens} tokens are written", field="max_tokens")
        if draining:
            return Refusal(ErrorCode.BUSY, "the server is shutting down", Reason.BUSY, retry_after_ms=0)
        return None

    def _stale(self, rev: int) -> Send:
        return error(ErrorCode.STALE_REV, f"rev {rev} is not higher than {self._rev}", self.name)

    def _bad(self, field: str, why: str, id: int) -> Send:
        return error(ErrorCode.BAD_MESSAGE, f"{field} {why}", self.name, id, field)

    def _never(self, id: int) -> Send:
        return error(ErrorCode.UNKNOWN_SUGGESTION, "this suggestion was never asked for", self.name, id)


def too_long(opened: Open, limit_units: int) -> Send | None:
    """The error for more text than is taken, if it is."""
    length_units = units(opened.before) + units(opened.after) + units(opened.preface or "")
    if length_units <= limit_units:
        return None
    message = f"{length_units} units of text are more than {limit_units}"
    return error(ErrorCode.CONTEXT_TOO_LONG, message, opened.doc)
