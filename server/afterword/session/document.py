"""One document of a connection: its text, its revision, and what the client may ask for it.

Messages are judged here, in the order in which the specification names the grounds to refuse them; the ghost text
itself is the work of `ghost.py`. Messages and generation events in, effects out: no socket, no clock, no model.
"""

from __future__ import annotations

from afterword.session.effects import Effect, ForgetDocument, GenerationEvent, Send
from afterword.session.mirror import Mirror, Splice, Unfollowable
from afterword.session.replies import Refusal, error
from afterword.session.suggestion_controller import SuggestionController, SuggestionOptions
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


class DocumentState:
    """The state of one open document."""

    def __init__(self, given: Open, number: int, terms: SuggestionOptions) -> None:
        self.name = given.doc
        self.number = number  # unique over all connections of a server
        self._terms = terms
        self._rev = given.rev  # of the text held
        self._last_id = 0  # highest suggestion id so far
        self._resync = False  # the client's text is not known; only `open` helps
        self._mirror = Mirror(given, terms.limits.context)
        self._ghost = SuggestionController(given.doc, number, self._mirror, terms)

    @property
    def live(self) -> bool:
        """Whether a `done` is still owed."""
        return self._ghost.live

    @property
    def deadline_ms(self) -> float | None:
        """When `tick` has something to do."""
        return self._ghost.deadline_ms

    def prepare(self) -> list[Effect]:
        """Have the cache filled with the text."""
        return self._ghost.prepare()

    def open(self, given: Open, now_ms: float) -> list[Effect]:
        """The text is given anew."""
        if given.rev <= self._rev:
            return self._stale(given.rev)
        refusal = too_long(given, self._terms.limits.context)
        if refusal:
            return [refusal, *self.lose_track(now_ms)]
        self._resync = False
        self._rev = given.rev
        self._mirror = Mirror(given, self._terms.limits.context)
        effects = self._ghost.reopen(self._mirror, now_ms)
        # What is written already is worth more than a fresh cache, which would take its place.
        return effects if self._ghost.useful else effects + self.prepare()

    def edit(self, asked: Edit, now_ms: float) -> list[Effect]:
        """A splice at the caret."""
        refusal = self._unready(asked.rev)
        if refusal:
            return refusal
        try:
            splice = self._mirror.fit(asked.delete, asked.insert, asked.delete_after, asked.insert_after, asked.length)
        except Unfollowable as problem:
            return [error(ErrorCode.RESYNC, str(problem), self.name), *self.lose_track(now_ms)]
        followed = self._ghost.followed
        effects = self._splice(splice, asked.rev, now_ms)
        self._terms.tally.typed_characters += max(0, self._ghost.followed - followed)
        return effects

    def accept(self, asked: Accept, now_ms: float) -> list[Effect]:
        """The writer took a part of the suggestion: the splice that inserts it."""
        refusal = self._unready(asked.rev)
        if refusal:
            return refusal
        if not self._ghost.knows(asked.id) or self._ghost.lost:
            refusal = [error(ErrorCode.UNKNOWN_SUGGESTION, "its text is not at the caret", self.name, asked.id)]
            return refusal + self.lose_track(now_ms)
        untyped = self._ghost.untyped(asked.alternative)
        if untyped is None:
            return [self._bad("alternative", "is not at the caret", asked.id), *self.lose_track(now_ms)]
        taken = points_at_start(untyped, asked.length)
        if taken is None:
            return [self._bad("length", "is not that of a part of what is untyped", asked.id), *self.lose_track(now_ms)]
        self._terms.tally.accepts += 1
        self._terms.tally.accepted_characters += taken
        return self._splice(Splice(0, untyped[:taken], 0, ""), asked.rev, now_ms)

    def suggest(self, asked: Suggest, draining: bool, now_ms: float) -> list[Effect]:
        """Ghost text is wanted at the caret. An id that is new ends the suggestion before it in any case."""
        if asked.id <= self._last_id:
            return [self._bad("id", f"must be higher than {self._last_id}, the last of this document", asked.id)]
        self._last_id = asked.id
        effects = self._ghost.supersede(now_ms)
        refusal = self._refusal(asked, draining)
        if refusal:
            return [*self._ghost.rest(), *effects, *refusal.answer(asked)]
        # A server may allow less than the default, which nobody has asked for in so many words.
        max_tokens = min(asked.max_tokens, self._terms.limits.max_tokens)
        return effects + self._ghost.suggest(asked, max_tokens, now_ms)

    def extend(self, asked: Extend, draining: bool, now_ms: float) -> list[Effect]:
        """More of the suggestion is wanted."""
        if not self._ghost.knows(asked.id):
            why = Refusal(ErrorCode.UNKNOWN_SUGGESTION, "this is not the newest suggestion")
            return why.answer(asked)
        refusal = self._refusal(asked, draining)
        max_tokens = min(asked.max_tokens, self._terms.limits.max_tokens)
        effects = self._ghost.extend(asked, max_tokens, refusal.reason if refusal else None, now_ms)
        return [*refusal.errors(asked), *effects] if refusal else effects

    def cancel(self, asked: Cancel, now_ms: float) -> list[Effect]:
        """The suggestion is not wanted any more. One that is done already may be named: messages cross."""
        if asked.id > self._last_id:
            return [self._never(asked.id)]
        return self._ghost.end(Reason.CANCELLED, now_ms) if self._ghost.knows(asked.id) else []

    def dismiss(self, asked: Dismiss, now_ms: float) -> list[Effect]:
        """The writer waved the suggestion away, so its text is not to come back."""
        if asked.id > self._last_id:
            return [self._never(asked.id)]
        if not self._ghost.knows(asked.id):
            return []
        self._terms.tally.dismissals += 1
        return self._ghost.drop(Reason.CANCELLED, now_ms)

    def close(self, now_ms: float) -> list[Effect]:
        """The document is forgotten."""
        return [*self._ghost.supersede(now_ms, Reason.CANCELLED), ForgetDocument(self.number)]

    def on_generation(self, event: GenerationEvent, now_ms: float) -> list[Effect]:
        """Something is reported of a run."""
        return self._ghost.on_generation(event, now_ms)

    def lose_engine(self, now_ms: float) -> list[Effect]:
        """All that the engine was doing is lost."""
        return self._ghost.lose_engine(now_ms)

    def tick(self, now_ms: float) -> list[Effect]:
        """End what has had its time."""
        effects: list[Effect] = []
        while self.deadline_ms is not None and self.deadline_ms <= now_ms:
            effects += self._ghost.time_out(now_ms)
        return effects

    def lose_track(self, now_ms: float) -> list[Effect]:
        """A change of the text was refused: the client's text is not known until `open` comes."""
        self._resync = True
        return self._ghost.lose(now_ms)

    def _splice(self, splice: Splice, rev: int, now_ms: float) -> list[Effect]:
        before, after = self._mirror.before, self._mirror.after
        self._mirror.apply(splice)
        self._rev = rev
        after_changed = bool(splice.delete_after or splice.insert_after) and self._mirror.after != after
        return self._ghost.follow(splice, before, after_changed, now_ms)

    def _unready(self, rev: int) -> list[Effect]:
        """Why the text cannot be changed now, if so."""
        if self._resync:
            return [error(ErrorCode.RESYNC, "the document waits for open", self.name)]
        return self._stale(rev) if rev <= self._rev else []

    def _refusal(self, asked: Suggest | Extend, draining: bool) -> Refusal | None:
        """Why nothing can be written for it now, if so."""
        limits = self._terms.limits
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

    def _stale(self, rev: int) -> list[Effect]:
        return [error(ErrorCode.STALE_REV, f"rev {rev} is not higher than {self._rev}", self.name)]

    def _bad(self, field: str, why: str, id: int) -> Send:
        return error(ErrorCode.BAD_MESSAGE, f"{field} {why}", self.name, id, field)

    def _never(self, id: int) -> Send:
        return error(ErrorCode.UNKNOWN_SUGGESTION, "this suggestion was never asked for", self.name, id)


def too_long(given: Open, limit_units: int) -> Send | None:
    """The error for more text than is taken, if it is."""
    length_units = units(given.before) + units(given.after) + units(given.preface or "")
    if length_units <= limit_units:
        return None
    message = f"{length_units} units of text are more than {limit_units}"
    return error(ErrorCode.CONTEXT_TOO_LONG, message, given.doc)
