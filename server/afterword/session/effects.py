"""What the sans-I/O state of a connection asks of the world around it, and what it is told in return.

The session takes messages and generation events in and gives effects out, in order; whoever holds it carries them out
one after the other. Among the effects of one input, commands to the engine come first.

A *continuation* is text that a model writes onward from an origin; a suggestion is a view of it. Text is Python `str`
here and lengths are code points; UTF-16 units exist only in messages.

Every command and every event names its `document`, a number unique over all connections of a server, and its `run`.
Runs rise per document: of two, the later one is the one that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from afterword.session.text_rules import Surroundings, TextRules
from afterword_protocol.messages import Alternative, Done, Reason, ServerMessage


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message to the client.

    `asked_ms`: of the frame with the first text that answers an ask, when that ask was made; for timing it.
    """

    message: ServerMessage
    asked_ms: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SendDone:
    """Send this `done`, with the boundaries of its texts, which are found only when `message` is read.

    To find them takes longer than all else that ends a suggestion, and the engine is not to wait for it: effects are
    carried out in order, commands to the engine stand before messages, and so a `StopGeneration` is out before a rule
    about text is asked. What `message` rests on are values, so it is the same message whenever it is read. Reading it
    raises what the rules raise.

    `asked_ms`: as of `Send`, if nothing was sent of the text before.
    """

    done: Done  # without boundaries
    around: Surroundings  # of the anchor, where the texts begin
    rules: TextRules = field(compare=False)
    asked_ms: float | None = field(default=None, compare=False)

    @property
    def message(self) -> Done:
        """The whole message."""
        done = self.done
        if done.text is not None:
            return replace(done, boundaries=self.rules.boundaries(self.around, done.text))
        finished: list[Alternative] = []
        for each in done.alternatives or ():
            finished.append(replace(each, boundaries=self.rules.boundaries(self.around, each.text)))
        return replace(done, alternatives=tuple(finished))


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the connection with this close code and reason, after what was sent before."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Prepare:
    """The text of a document is new: its cache may be filled in idle time. Nothing is written in this run."""

    document: int
    run: int
    before: str
    after: str
    preface: str


@dataclass(frozen=True, slots=True)
class StartGeneration:
    """Write onward from the end of `before`, at most `max_tokens` tokens for now. Replaces the document's last run."""

    document: int
    run: int
    before: str
    after: str
    preface: str
    max_tokens: int
    alternatives: int
    temperature: float
    seed: int | None


@dataclass(frozen=True, slots=True)
class ExtendGeneration:
    """Let a run, active or paused, write `max_tokens` tokens in all, counted from where it began."""

    document: int
    run: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class StopGeneration:
    """Stop the run; nothing more of it is wanted.

    `useful`: what it wrote stands at the caret, so that a run that goes on from there may be wanted soon.
    """

    document: int
    run: int
    useful: bool = False


@dataclass(frozen=True, slots=True)
class ForgetDocument:
    """The document is closed: free what is held for it."""

    document: int


GenerationCommand = Prepare | StartGeneration | ExtendGeneration | StopGeneration | ForgetDocument
Effect = Send | SendDone | Disconnect | GenerationCommand


# --- what the session is told ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GenerationStarted:
    """The first text of a run is next. Prompt tokens in all, taken from cache, computed; milliseconds waited."""

    document: int
    run: int
    context: int
    reused: int
    computed: int
    queue_ms: float


@dataclass(frozen=True, slots=True)
class TextGenerated:
    """More text of one alternative, never ending inside a grapheme; `tokens` it took and their summed log-probability.

    `text` may be empty when tokens so far make no whole grapheme yet.
    """

    document: int
    run: int
    alternative: int
    text: str
    tokens: int
    logprob: float


@dataclass(frozen=True, slots=True)
class GenerationPaused:
    """An alternative has written all the tokens it was allowed; `ExtendGeneration` lets it go on."""

    document: int
    run: int
    alternative: int


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """An alternative cannot go on: `end`, `busy` or `error`."""

    document: int
    run: int
    alternative: int
    reason: Reason


GenerationEvent = GenerationStarted | TextGenerated | GenerationPaused | GenerationEnded
