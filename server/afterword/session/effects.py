"""What the sans-I/O state of a connection asks of the world around it.

The state machines take messages and draft events in and give these out, in order; whoever holds them carries the
effects out. A *draft* is text that a model writes onward from an origin; suggestions are views of a draft. Text is
Python `str` here and lengths are code points; UTF-16 units exist only in messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from afterword_protocol.messages import Reason, ServerMessage


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message to the client.

    `asked_ms`: of the frame with the first text that answers an ask, when that ask was made; for timing it.
    """

    message: ServerMessage
    asked_ms: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the connection with this close code and reason, after what was sent before."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Prepare:
    """The text of a document is new: its cache may be filled in idle time."""

    doc: str
    before: str
    after: str
    preface: str


@dataclass(frozen=True, slots=True)
class StartGeneration:
    """Write onward from the end of `before`, at most `max_tokens` tokens for now. Replaces the document's draft."""

    doc: str
    draft: int
    before: str
    after: str
    preface: str
    max_tokens: int
    alternatives: int
    temperature: float
    seed: int | None


@dataclass(frozen=True, slots=True)
class ExtendGeneration:
    """Let a draft, running or paused, grow to `max_tokens` tokens in all, counted from its origin."""

    doc: str
    draft: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class StopGeneration:
    """Stop writing this draft; nothing more of it is wanted.

    `useful`: what it wrote stands at the caret, so that a draft that goes on from there may be wanted soon.
    """

    doc: str
    draft: int
    useful: bool = False


@dataclass(frozen=True, slots=True)
class ForgetDocument:
    """The document is closed: free what is held for it."""

    doc: str


GenerationCommand = Prepare | StartGeneration | ExtendGeneration | StopGeneration | ForgetDocument
Effect = Send | Disconnect | GenerationCommand


# --- what the writer of drafts reports back -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GenerationStarted:
    """The first text of a draft is next. Prompt tokens in all, taken from cache, computed; milliseconds waited."""

    draft: int
    context: int
    reused: int
    computed: int
    queue_ms: float


@dataclass(frozen=True, slots=True)
class TextGenerated:
    """More text of one alternative, never ending inside a grapheme; `tokens` it took and their summed log-probability.

    `text` may be empty when tokens so far make no whole grapheme yet.
    """

    draft: int
    alternative: int
    text: str
    tokens: int
    logprob: float


@dataclass(frozen=True, slots=True)
class GenerationPaused:
    """An alternative has written all the tokens it was allowed; `ExtendGeneration` lets it go on."""

    draft: int
    alternative: int


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """An alternative can not go on: `end`, `busy` or `error`."""

    draft: int
    alternative: int
    reason: Reason


GenerationEvent = GenerationStarted | TextGenerated | GenerationPaused | GenerationEnded
