"""Drafts of many sessions on one engine: text on one side, tokens on the other.

What lives here: the translation of draft commands into requests and of engine events into draft events, and what it
needs to remember for it. Which drafts are wanted, and what of them is shown, is decided by the protocol's state of a
document; when tokens are computed, by the engine. Nothing here waits, and no text outlives its document.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from afterword.engine.api import Ended, Engine, EngineEvent, Failed, Lost, Paused, Ready, Request, Sampled, Started
from afterword.session.effects import (
    ExtendGeneration,
    ForgetDocument,
    GenerationCommand,
    GenerationEnded,
    GenerationEvent,
    GenerationPaused,
    GenerationStarted,
    Prepare,
    StartGeneration,
    StopGeneration,
    TextGenerated,
)
from afterword.text.detokenizer import CONTEXT_CHARACTERS, Detokenizer
from afterword.text.prompt import PromptTokens
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.messages import Reason

FIRST_CONTEXT_TOKENS = 2048  # longest prompt, until the engine says its own
RESERVE_TOKENS = 256  # of the engine's context, kept free for what a draft writes
MAX_RESERVE_SHARE = 4  # but never more than one part in this many

REASONS = {"end": Reason.END, "busy": Reason.BUSY, "error": Reason.ERROR}

Delivery = tuple[Hashable, GenerationEvent]  # the session it is for, and what happened


@dataclass(slots=True)
class _Document:
    """`key`: the engine's name for it. `prompt`: its tokens. `draft`: number of its draft, if one is being written."""

    key: int
    prompt: PromptTokens
    draft: int | None = None


@dataclass(slots=True)
class _Draft:
    """`writing`: the alternatives that can still go on, each with its detokenizer."""

    session: Hashable
    document: _Document
    writing: dict[int, Detokenizer]


class TokenBridge:
    """Writes drafts. Give it the commands of sessions and the events of the engine; it gives back events for sessions.

    `context_tokens`: the longest prompt, until the engine names its own. `numbers`: gives run numbers, and must be
    where sessions get their draft numbers, because a draft's number is its run's.
    """

    def __init__(self, vocabulary: Vocabulary, engine: Engine, context_tokens: int, numbers: Iterator[int]) -> None:
        self._vocabulary = vocabulary
        self._engine = engine
        self._numbers = numbers
        self._keys = count(1)
        self._documents: dict[tuple[Hashable, str], _Document] = {}
        self._drafts: dict[int, _Draft] = {}
        self._failed = False
        self._room_tokens = 0
        self.set_context(context_tokens)

    def set_context(self, context_tokens: int) -> None:
        """From now on prompts and what is written after them must fit into so many tokens."""
        room = context_tokens - min(RESERVE_TOKENS, context_tokens // MAX_RESERVE_SHARE)
        if room != self._room_tokens:
            self._room_tokens = room
            for document in self._documents.values():
                document.prompt = PromptTokens(self._vocabulary, room)

    def perform(self, session: Hashable, command: GenerationCommand) -> list[Delivery]:
        """Carry out a command of a session. What comes of it at once, nearly always nothing, is returned."""
        match command:
            case Prepare():
                document = self._document(session, command.doc)
                prompt = document.prompt.update(command.before, command.preface)
                self._drop(document)
                self._engine.start(
                    Request(document.key, next(self._numbers), prompt.tokens, prompt.heal, limit_tokens=0)
                )
            case StartGeneration():
                return self._start(session, command)
            case ExtendGeneration():
                if command.draft not in self._drafts:
                    return [(session, GenerationEnded(command.draft, 0, Reason.ERROR))]
                self._engine.update(command.draft, command.max_tokens)
            case StopGeneration():
                if command.draft in self._drafts:
                    self._close(command.draft)
                    self._engine.stop(command.draft, command.useful)
            case ForgetDocument():
                self._forget(session, command.doc)
        return []

    def leave(self, session: Hashable) -> None:
        """A session is gone: forget all its documents."""
        for owner, doc in list(self._documents):
            if owner == session:
                self._forget(session, doc)

    def on_events(self, events: Sequence[EngineEvent]) -> list[Delivery]:
        """Translate what the engine reports, in order. Reports of runs that nobody waits for any more are left out."""
        deliveries: list[Delivery] = []
        for event in events:
            match event:
                case Ready():
                    self.set_context(event.context_tokens)
                case Lost():
                    for number in list(self._drafts):
                        self._close(number)
                case Failed():
                    self._failed = True
                    for number, draft in list(self._drafts.items()):
                        deliveries += [(draft.session, GenerationEnded(number, k, Reason.ERROR)) for k in draft.writing]
                        self._close(number)
                case Started() | Sampled() | Paused() | Ended():
                    if (known := self._drafts.get(event.run)) is not None:
                        deliveries += [(known.session, happened) for happened in self._translate(known, event)]
        return deliveries

    def _start(self, session: Hashable, command: StartGeneration) -> list[Delivery]:
        alternatives = range(command.alternatives)
        if self._failed:
            return [(session, GenerationEnded(command.draft, k, Reason.ERROR)) for k in alternatives]
        document = self._document(session, command.doc)
        prompt = document.prompt.update(command.before, command.preface)
        tail = command.before[-CONTEXT_CHARACTERS:]
        writing = {k: Detokenizer(self._vocabulary, prompt.heal, tail) for k in alternatives}
        self._drop(document)
        document.draft = command.draft
        self._drafts[command.draft] = _Draft(session, document, writing)
        self._engine.start(
            Request(
                document.key,
                command.draft,
                prompt.tokens,
                prompt.heal,
                command.max_tokens,
                command.alternatives,
                command.temperature,
                command.seed,
            )
        )
        return []

    def _translate(self, draft: _Draft, event: Started | Sampled | Paused | Ended) -> list[GenerationEvent]:
        number = event.run
        if isinstance(event, Started):
            return [GenerationStarted(number, event.context, event.reused, event.computed, event.queue_ms)]
        alternative = event.alternative
        detokenizer = draft.writing.get(alternative)
        if detokenizer is None:
            return []
        if isinstance(event, Paused):
            return [GenerationPaused(number, alternative)]
        if isinstance(event, Ended):
            text = detokenizer.finish()
            rest: list[GenerationEvent] = [TextGenerated(number, alternative, text, 0, 0.0)] if text else []
            return [*rest, self._end(draft, number, alternative, REASONS.get(event.reason, Reason.ERROR))]
        text = detokenizer.add(event.token)
        written: list[GenerationEvent] = []
        if text or not detokenizer.only_repeated:
            written.append(TextGenerated(number, alternative, text, 1, event.logprob))
        if detokenizer.ended:
            written.append(self._end(draft, number, alternative, Reason.END))
            if not draft.writing:
                self._engine.stop(number)
        return written

    def _end(self, draft: _Draft, number: int, alternative: int, reason: Reason) -> GenerationEnded:
        del draft.writing[alternative]
        if not draft.writing:
            self._close(number)
        return GenerationEnded(number, alternative, reason)

    def _document(self, session: Hashable, doc: str) -> _Document:
        document = self._documents.get((session, doc))
        if document is None:
            document = _Document(next(self._keys), PromptTokens(self._vocabulary, self._room_tokens))
            self._documents[session, doc] = document
        return document

    def _forget(self, session: Hashable, doc: str) -> None:
        document = self._documents.pop((session, doc), None)
        if document is not None:
            self._drop(document)
            self._engine.forget(document.key)

    def _drop(self, document: _Document) -> None:
        """Forget the document's draft here; the engine replaces or forgets it by itself."""
        if document.draft is not None:
            self._close(document.draft)

    def _close(self, number: int) -> None:
        draft = self._drafts.pop(number)
        draft.document.draft = None
