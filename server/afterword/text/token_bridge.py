"""Between sessions, which speak of text, and an engine, which speaks of tokens.

What lives here: the translation of a session's commands into commands of an engine, and of an engine's events into
events for a session, and what has to be remembered of each document for it. What is wanted, and what of it is shown, is
decided by the session; when tokens are computed, by the engine. Nothing here waits or calls either of them, and no text
outlives its document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from afterword.engine.api import (
    Command,
    Ended,
    Forget,
    Paused,
    RaiseLimit,
    Request,
    RunEvent,
    Sampled,
    Started,
    StopRun,
)
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
    TextGenerated,
)
from afterword.text.detokenizer import CONTEXT_CHARACTERS, Detokenizer
from afterword.text.prompt import PromptTokens
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.messages import Reason

FIRST_CONTEXT_TOKENS = 2048  # longest prompt and continuation, until the engine says what it can hold
RESERVE_TOKENS = 256  # of the engine's context, kept free for what a run writes
MAX_RESERVE_SHARE = 4  # but never more than one part in this many

REASONS = {"end": Reason.END, "busy": Reason.BUSY, "error": Reason.ERROR}

C = TypeVar("C")


@dataclass(slots=True)
class _Document(Generic[C]):
    """What is known of a document.

    `connection`: whose it is. `owner`: the same for the engine, which shares itself out by owners.
    `prompt`: the tokens of its text.
    `run`: what the engine is writing for it; `None` while nobody waits for text.
    `detokenizers`: of that run's alternatives that can still go on.
    """

    connection: C
    owner: str
    prompt: PromptTokens
    run: int | None = None
    detokenizers: dict[int, Detokenizer] = field(default_factory=dict)


class TokenBridge(Generic[C]):
    """Translates for all documents of a server. A connection is whatever its user has for one: here it is only kept."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._documents: dict[int, _Document[C]] = {}
        self._room_tokens = 0  # for prompts
        self.set_context(FIRST_CONTEXT_TOKENS)

    def set_context(self, context_tokens: int) -> None:
        """From now on a prompt and what is written after it must fit into so many tokens."""
        room_tokens = context_tokens - min(RESERVE_TOKENS, context_tokens // MAX_RESERVE_SHARE)
        if room_tokens != self._room_tokens:
            self._room_tokens = room_tokens
            for document in self._documents.values():
                document.prompt = PromptTokens(self._vocabulary, room_tokens)

    def lose_runs(self) -> None:
        """The engine is lost: what it was writing never comes."""
        for document in self._documents.values():
            document.run = None
            document.detokenizers.clear()

    def to_engine(self, connection: C, owner: str, command: GenerationCommand) -> Command | None:
        """A session's command as one for the engine; `None` if it is about a run that is over."""
        number = command.document
        document = self._documents.get(number)
        if isinstance(command, Prepare | StartGeneration):
            if document is None:
                prompt_tokens = PromptTokens(self._vocabulary, self._room_tokens)
                document = self._documents[number] = _Document(connection, owner, prompt_tokens)
            prompt = document.prompt.update(command.before, command.preface)
            document.run = None
            document.detokenizers.clear()
            if isinstance(command, Prepare):
                return Request(owner, number, command.run, prompt.tokens, prompt.heal, limit_tokens=0)
            document.run = command.run
            tail = command.before[-CONTEXT_CHARACTERS:]
            for alternative in range(command.alternatives):
                document.detokenizers[alternative] = Detokenizer(self._vocabulary, prompt.heal, tail)
            return Request(
                owner,
                number,
                command.run,
                prompt.tokens,
                prompt.heal,
                command.max_tokens,
                command.alternatives,
                command.temperature,
                command.seed,
            )
        if document is None:
            return None
        if isinstance(command, ForgetDocument):
            del self._documents[number]
            return Forget(owner, number)
        if document.run != command.run:
            return None
        if isinstance(command, ExtendGeneration):
            return RaiseLimit(owner, number, command.run, command.max_tokens)
        document.run = None
        document.detokenizers.clear()
        return StopRun(owner, number, command.run, command.useful)

    def leave(self, connection: C) -> list[Forget]:
        """A connection is gone: forget all its documents, and have the engine do the same."""
        gone = [number for number, document in self._documents.items() if document.connection is connection]
        return [Forget(self._documents.pop(number).owner, number) for number in gone]

    def waiting_for(self, event: RunEvent) -> C | None:
        """The connection that waits for news of this run, if one still does."""
        document = self._documents.get(event.document)
        return document.connection if document is not None and document.run == event.run else None

    def to_session(self, event: RunEvent) -> tuple[list[GenerationEvent], StopRun | None]:
        """An engine's event as events for the session, nearly always one, and what the engine is to be told of it.

        Nothing comes of a run that is over.
        """
        number, run = event.document, event.run
        document = self._documents.get(number)
        if document is None or document.run != run:
            return [], None
        if isinstance(event, Started):
            return [GenerationStarted(number, run, event.context, event.reused, event.computed, event.queue_ms)], None
        alternative = event.alternative
        detokenizer = document.detokenizers.get(alternative)
        if detokenizer is None:
            return [], None
        if isinstance(event, Paused):
            return [GenerationPaused(number, run, alternative)], None
        told: list[GenerationEvent] = []
        if isinstance(event, Ended):
            text = detokenizer.finish()
            if text:
                told.append(TextGenerated(number, run, alternative, text, 0, 0.0))
            told.append(GenerationEnded(number, run, alternative, REASONS.get(event.reason, Reason.ERROR)))
        else:
            text = detokenizer.add(event.token)
            if text or not detokenizer.only_repeated:
                told.append(TextGenerated(number, run, alternative, text, 1, event.logprob))
            if not detokenizer.ended:
                return told, None
            told.append(GenerationEnded(number, run, alternative, Reason.END))
        del document.detokenizers[alternative]
        if document.detokenizers:
            return told, None
        document.run = None
        # The engine knows of an end that it came to itself, but not that no text follows from what it wrote.
        return told, StopRun(document.owner, number, run) if isinstance(event, Sampled) else None
