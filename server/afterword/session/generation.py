"""Text that a model writes onward from an origin, and the runs that write it.

A *continuation* begins at its origin, the place of the caret when it was started, and only grows. It outlives the
suggestion that it was started for: what was written and not yet typed serves the next suggestion too. At most one run
at a time writes a document's continuation. A run that has written what it was allowed waits, and may be told to go on;
one that was stopped, lost or failed is followed by another that starts at the end of the text.

Which part of a continuation is shown, and where a suggestion ends in it, is decided in `view.py` and `ghost_text.py`.
Nothing here knows of messages to the client. Offsets are code points from the origin.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from afterword.session.effects import (
    Effect,
    ExtendGeneration,
    GenerationEnded,
    GenerationEvent,
    GenerationPaused,
    GenerationStarted,
    Prepare,
    StartGeneration,
    StopGeneration,
    TextGenerated,
)
from afterword.session.mirror import Mirror, Splice
from afterword_protocol.messages import Reason, Suggest

MAX_ADOPTED_POINTS = 4096
"""Into a continuation that is still adopted, the writer has typed no further than this, so that it ends some time."""


class AlternativeText:
    """The text of one alternative, in the pieces in which it came."""

    def __init__(self) -> None:
        self.text = ""  # all text so far
        self.tokens = 0  # tokens so far, also those that make no whole grapheme yet
        self.paused = False  # the run has written for this alternative all it was allowed
        self.over: Reason | None = None  # why the run writes no more for this alternative: end, busy or error
        self.shown = 0  # how far it was shown at the furthest, to whichever suggestion
        self._logprob = 0.0  # summed over all tokens so far
        self._offsets: list[int] = [0]  # where the pieces begin, and where the last one ends
        self._tokens_at: list[int] = [0]  # tokens up to each of these places
        self._logprob_at: list[float] = [0.0]  # the same for the summed log-probability

    def append(self, text: str, tokens: int, logprob: float) -> None:
        """Add a piece. Tokens without text count with the next piece that has some."""
        self.tokens += tokens
        self._logprob += logprob
        if text:
            self.text += text
            self._offsets.append(len(self.text))
            self._tokens_at.append(self.tokens)
            self._logprob_at.append(self._logprob)

    def resume(self) -> None:
        """Another run goes on from the end of the text: tokens that made no text yet are gone with the run before."""
        self.tokens = self._tokens_at[-1]
        self._logprob = self._logprob_at[-1]
        self.paused = False
        self.over = None

    def tokens_to(self, offset: int) -> int:
        """Tokens of the pieces that end at `offset` or before."""
        return self._tokens_at[bisect_right(self._offsets, offset) - 1]

    def tokens_begun(self, offset: int) -> int:
        """Tokens of the pieces that begin before `offset`."""
        return self._tokens_at[bisect_left(self._offsets, offset)]

    def offset_of(self, tokens: int) -> int | None:
        """Where the last piece ends that is whole with `tokens` tokens; None while there are fewer tokens."""
        if self.tokens < tokens:
            return None
        return self._offsets[bisect_right(self._tokens_at, tokens) - 1]

    def begun_in(self, start: int, end: int) -> tuple[int, float]:
        """Tokens of the pieces that begin in [start, end), and their log-probability.

        Each token is counted in one of adjoining ranges only.
        """
        first, last = bisect_left(self._offsets, start), bisect_left(self._offsets, end)
        return self._tokens_at[last] - self._tokens_at[first], self._logprob_at[last] - self._logprob_at[first]

    def touching(self, start: int, end: int) -> tuple[int, float]:
        """Tokens of the pieces with any text in [start, end), and their log-probability."""
        first, last = bisect_right(self._offsets, start) - 1, bisect_left(self._offsets, end)
        return self._tokens_at[last] - self._tokens_at[first], self._logprob_at[last] - self._logprob_at[first]

    def copy(self) -> AlternativeText:
        """The same text, without tokens that made no text yet, to be gone on with on its own."""
        twin = AlternativeText()
        twin.text, twin.over, twin.shown = self.text, self.over, self.shown
        twin.tokens, twin._logprob = self._tokens_at[-1], self._logprob_at[-1]
        twin._offsets, twin._tokens_at, twin._logprob_at = self._offsets[:], self._tokens_at[:], self._logprob_at[:]
        return twin


class Continuation:
    """What is being written, or was, from one origin, and what the writer has typed since."""

    def __init__(self, alternatives: int, temperature: float, seed: int | None) -> None:
        self.texts = [AlternativeText()]
        while len(self.texts) < alternatives:
            self.texts.append(AlternativeText())
        self.temperature = temperature
        self.seed = seed
        self.typed = ""  # text between the origin and the caret
        self.caret = 0  # its length: where the caret is
        self.furthest = 0  # the furthest that the caret has been
        self.run: int | None = None  # the run that writes it, None when there is none (any more)
        self.limit_tokens = 0  # how long an alternative may get in this run, counted from the origin
        self.base_tokens = 0  # how long the alternative was when this run began
        self.context_tokens = 0  # prompt of the latest run

    def move_caret(self, typed: str) -> bool:
        """`typed` stands between origin and caret now; whether at least one alternative begins with it."""
        self.typed = typed
        self.caret = len(typed)
        agrees = False
        for alternative in self.texts:
            agrees = agrees or alternative.text.startswith(typed)
        return agrees

    def follow(self, splice: Splice, before: str) -> bool:
        """The type-through test: whether an alternative begins with what is typed after a splice at the caret.

        `before`: the text before the caret and before the splice. The origin must not be touched: text before it may
        be deleted only if the splice puts the same back.
        """
        kept = self.caret - splice.delete
        if kept >= 0:
            return self.move_caret(self.typed[:kept] + splice.insert)
        removed = before[len(before) - splice.delete : len(before) - self.caret]
        return splice.insert.startswith(removed) and self.move_caret(splice.insert[-kept:])

    def working(self) -> bool:
        """Whether the run will write more without being told to."""
        if self.run is None:
            return False
        for alternative in self.texts:
            if alternative.over is None and not alternative.paused and alternative.tokens < self.limit_tokens:
                return True
        return False

    def waiting(self) -> bool:
        """Whether there is more to write, but all of it waits for the run to be told to go on."""
        waiting = False
        for alternative in self.texts:
            if alternative.over is None and not alternative.paused:
                return False
            waiting = waiting or alternative.over is None
        return waiting

    def serves(self, asked: Suggest) -> bool:
        """Whether a suggestion asked for at the caret can be a view of this continuation."""
        if (len(self.texts), self.temperature, self.seed) != (asked.alternatives, asked.temperature, asked.seed):
            return False
        for alternative in self.texts:
            if not alternative.text.startswith(self.typed):
                return False
            if alternative.over is Reason.END and not alternative.text[self.caret :].strip():
                return False
            # Several texts cannot be gone on with once their run is gone: it starts from one text only.
            if len(self.texts) > 1 and (self.run is None or alternative.over is not None):
                return False
        return True

    def take(self, event: GenerationEvent) -> None:
        """Note what the run reports."""
        if isinstance(event, GenerationStarted):
            self.context_tokens = event.context
            return
        alternative = self.texts[event.alternative]
        if isinstance(event, TextGenerated):
            alternative.append(event.text, event.tokens, event.logprob)
        elif isinstance(event, GenerationPaused):
            alternative.paused = True
        elif isinstance(event, GenerationEnded):
            alternative.over = event.reason
            if all(other.over for other in self.texts):
                self.run = None

    def forgive(self) -> None:
        """What failed may be tried again: a run that ended busy or in error counts as stopped."""
        for alternative in self.texts:
            if alternative.over is not Reason.END:
                alternative.over = None

    def narrow(self, alternative: AlternativeText) -> Continuation:
        """A continuation from the same origin with a copy of this alternative alone, and no run."""
        alone = Continuation(1, self.temperature, self.seed)
        alone.texts = [alternative.copy()]
        alone.typed, alone.caret, alone.furthest = self.typed, self.caret, self.furthest
        alone.context_tokens = self.context_tokens
        return alone


class GenerationController:
    """Keeps a document's continuation as long as it may be of use, and has it written as far as is wanted."""

    def __init__(self, document: int, max_run_tokens: int) -> None:
        self.continuation: Continuation | None = None  # what was written and agrees with the text
        self._document = document  # its number
        self._max_run_tokens = max_run_tokens  # the window of a run's prompt does not move, so it must end some time
        self._last_run = 0  # number of the latest run; they rise

    def prepare(self, mirror: Mirror) -> Prepare:
        """Have the cache filled with the text, in a run that writes nothing."""
        self._last_run += 1
        return Prepare(self._document, self._last_run, mirror.before, mirror.after, mirror.preface)

    def adopt_or_start(self, asked: Suggest, max_tokens: int, mirror: Mirror) -> list[Effect]:
        """See that there is a continuation for a suggestion at the caret: keep the one there is if it serves."""
        continuation = self.continuation
        if continuation is not None and continuation.caret <= MAX_ADOPTED_POINTS and continuation.serves(asked):
            continuation.forgive()
            return []
        continuation = self.continuation = Continuation(asked.alternatives, asked.temperature, asked.seed)
        return [self._start(continuation, mirror.before, max_tokens, mirror)]

    def narrow(self, alternative: AlternativeText) -> tuple[AlternativeText, list[Effect]]:
        """Go on with one of the texts alone; what failed before may be tried again. Returns the text to go on with."""
        assert self.continuation is not None
        effects: list[Effect] = []
        if self.continuation.texts != [alternative]:
            effects = self.stop()
            self.continuation = self.continuation.narrow(alternative)
        self.continuation.forgive()
        return self.continuation.texts[0], effects

    def feed(self, wanted_tokens: int, mirror: Mirror) -> list[Effect] | None:
        """Have the text written to `wanted_tokens` if that is not under way. None if it cannot get any longer."""
        continuation = self.continuation
        assert continuation is not None
        if continuation.run is not None:
            if not continuation.waiting():
                return []
            longest_tokens = continuation.base_tokens + self._max_run_tokens
            if wanted_tokens <= longest_tokens or len(continuation.texts) > 1:
                limit_tokens = min(wanted_tokens, longest_tokens)
                if limit_tokens <= continuation.limit_tokens:
                    return None
                continuation.limit_tokens = limit_tokens
                for alternative in continuation.texts:
                    alternative.paused = False
                return [ExtendGeneration(self._document, continuation.run, limit_tokens - continuation.base_tokens)]
        (alternative,) = continuation.texts
        alternative.resume()
        more_tokens = min(wanted_tokens - alternative.tokens, self._max_run_tokens)
        return [self._start(continuation, mirror.before + alternative.text[continuation.caret :], more_tokens, mirror)]

    def rest(self, useful: bool = False) -> list[Effect]:
        """Stop the run if it would write on by itself; one that waits may still be of use."""
        return self.stop(useful) if self.continuation is not None and self.continuation.working() else []

    def stop(self, useful: bool = False) -> list[Effect]:
        """Stop the run, if there is one. `useful`: more of its text may be wanted soon."""
        if self.continuation is None or self.continuation.run is None:
            return []
        run, self.continuation.run = self.continuation.run, None
        return [StopGeneration(self._document, run, useful)]

    def lose_run(self) -> None:
        """The run is gone without a word; its text stays."""
        if self.continuation is not None:
            self.continuation.run = None

    def _start(self, continuation: Continuation, before: str, max_tokens: int, mirror: Mirror) -> StartGeneration:
        """A run that writes onward from the end of the text, which is the end of `before`."""
        self._last_run += 1
        continuation.run = self._last_run
        continuation.base_tokens = continuation.texts[0].tokens
        continuation.limit_tokens = continuation.base_tokens + max_tokens
        return StartGeneration(
            document=self._document,
            run=self._last_run,
            before=before,
            after=mirror.after,
            preface=mirror.preface,
            max_tokens=max_tokens,
            alternatives=len(continuation.texts),
            temperature=continuation.temperature,
            seed=continuation.seed,
        )
