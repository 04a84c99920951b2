"""Text that a model writes onward from an origin, and whether the writer's own typing still agrees with it.

A draft only grows. It outlives the suggestion that began it: what was written and not yet typed serves the next
suggestion too. Which part of it is shown, and where a suggestion of it ends, is decided in `suggestion.py`. Offsets are
code points from the draft's origin, the place of the caret when it began.

Two rules for what may live here: nothing that knows of messages, and nothing that looks at the text before the origin.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from afterword.session.effects import (
    GenerationEnded,
    GenerationEvent,
    GenerationPaused,
    GenerationStarted,
    TextGenerated,
)
from afterword_protocol.messages import Reason, Suggest


class AlternativeText:
    """The text of one alternative, in the pieces in which it came."""

    def __init__(self) -> None:
        self.text = ""  # all text so far
        self.tokens = 0  # tokens so far, also those that make no whole grapheme yet
        self.paused = False  # the run has written for this strand all it was allowed
        self.over: Reason | None = None  # the run writes no more for this strand: end, busy or error
        self.shown_tokens = 0  # tokens whose text was shown, as far as it was shown at the furthest
        self._logprob = 0.0  # summed over all tokens so far
        self._ends: list[int] = []  # where each piece ends
        self._tokens_at: list[int] = [0]  # tokens before the first piece, and up to the end of each
        self._logprob_at: list[float] = [0.0]  # the same for the summed log-probability

    def append(self, text: str, tokens: int, logprob: float) -> None:
        """Add a piece. Tokens without text count with the next piece that has some."""
        self.tokens += tokens
        self._logprob += logprob
        if text:
            self.text += text
            self._ends.append(len(self.text))
            self._tokens_at.append(self.tokens)
            self._logprob_at.append(self._logprob)

    def show_to(self, offset: int) -> int:
        """The text up to `offset` is shown; how many tokens are shown with it for the first time."""
        fresh = max(0, self.tokens_begun(offset) - self.shown_tokens)
        self.shown_tokens += fresh
        return fresh

    def forget_textless(self) -> None:
        """Drop tokens that made no text yet: the run that would have completed them is gone."""
        self.tokens = self._tokens_at[-1]
        self._logprob = self._logprob_at[-1]

    def tokens_to(self, offset: int) -> int:
        """Tokens of the pieces that end at `offset` or before."""
        return self._tokens_at[bisect_right(self._ends, offset)]

    def tokens_begun(self, offset: int) -> int:
        """Tokens of the pieces that begin before `offset`."""
        return self._tokens_at[self._piece_from(offset)]

    def offset_of(self, tokens: int) -> int | None:
        """Where the last piece ends that is whole with `tokens` tokens; None while there are fewer tokens."""
        if self.tokens < tokens:
            return None
        piece = bisect_right(self._tokens_at, tokens) - 1
        return self._ends[piece - 1] if piece else 0

    def begun_in(self, start: int, end: int) -> tuple[int, float]:
        """Tokens of the pieces that begin in [start, end), and their log-probability.

        Each token is counted in one of adjoining ranges only.
        """
        return self._sum(self._piece_from(start), self._piece_from(end))

    def touching(self, start: int, end: int) -> tuple[int, float]:
        """Tokens of the pieces with any text in [start, end), and their log-probability."""
        return self._sum(bisect_right(self._ends, start), self._piece_from(end))

    def copy(self) -> AlternativeText:
        """A strand of the same text that can grow on its own."""
        twin = AlternativeText()
        twin.over = self.over
        twin.shown_tokens = self.shown_tokens
        begin = 0
        for piece, end in enumerate(self._ends):
            twin.append(self.text[begin:end], *self._sum(piece, piece + 1))
            begin = end
        return twin

    def _piece_from(self, offset: int) -> int:
        """Index of the first piece that begins at `offset` or later."""
        return min(bisect_left(self._ends, offset) + 1, len(self._ends)) if offset > 0 else 0

    def _sum(self, first: int, end: int) -> tuple[int, float]:
        if end <= first:
            return 0, 0.0
        return self._tokens_at[end] - self._tokens_at[first], self._logprob_at[end] - self._logprob_at[first]


class Continuation:
    """What is being written, or was, from one origin, and what the writer has typed since."""

    def __init__(self, alternatives: int, temperature: float, seed: int | None) -> None:
        self.strands = [AlternativeText() for _ in range(alternatives)]
        self.typed = ""  # text between the origin and the caret
        self.furthest = 0  # the furthest that the caret has been
        self.run: int | None = None  # number of the run that writes it, None when there is none (any more)
        self.limit_tokens = 0  # how long a strand may get in this run, counted from the origin
        self.base_tokens = 0  # how long the strand was when this run began
        self.context_tokens = 0  # prompt of the latest run
        self.temperature = temperature
        self.seed = seed

    @property
    def caret(self) -> int:
        """Offset of the writer's caret."""
        return len(self.typed)

    @property
    def agrees(self) -> bool:
        """Whether at least one strand begins with what was typed: the type-through test."""
        return any(strand.text.startswith(self.typed) for strand in self.strands)

    @property
    def working(self) -> bool:
        """Whether the run will write more without being told to."""
        return self.run is not None and any(
            strand.over is None and not strand.paused and strand.tokens < self.limit_tokens for strand in self.strands
        )

    @property
    def waiting(self) -> bool:
        """Whether there is a run with more to write, all of which waits to be told to."""
        open_strands = [strand for strand in self.strands if strand.over is None]
        return self.run is not None and bool(open_strands) and all(strand.paused for strand in open_strands)

    def serves(self, asked: Suggest) -> bool:
        """Whether a suggestion asked for at the caret can be a view of this draft."""
        if (len(self.strands), self.temperature, self.seed) != (asked.alternatives, asked.temperature, asked.seed):
            return False
        if not all(strand.text.startswith(self.typed) for strand in self.strands):
            return False
        if any(strand.over is Reason.END and not strand.text[self.caret :].strip() for strand in self.strands):
            return False
        # Several texts cannot be gone on with once their run is gone: it starts from one text only.
        return len(self.strands) == 1 or (self.run is not None and not any(strand.over for strand in self.strands))

    def begin(self, run: int, max_tokens: int) -> None:
        """A run was started that writes on from the end of the text, at most `max_tokens` for now."""
        self.run = run
        for strand in self.strands:
            strand.forget_textless()
            strand.paused = False
            strand.over = None
        self.base_tokens = self.strands[0].tokens
        self.limit_tokens = self.base_tokens + max_tokens

    def raise_to(self, limit_tokens: int) -> None:
        """The run was told to go on to this length."""
        self.limit_tokens = limit_tokens
        for strand in self.strands:
            strand.paused = False

    def take(self, event: GenerationEvent) -> None:
        """Note what the run reports."""
        if isinstance(event, GenerationStarted):
            self.context_tokens = event.context
            return
        strand = self.strands[event.alternative]
        if isinstance(event, TextGenerated):
            strand.append(event.text, event.tokens, event.logprob)
        elif isinstance(event, GenerationPaused):
            strand.paused = True
        elif isinstance(event, GenerationEnded):
            strand.over = event.reason
            if all(other.over for other in self.strands):
                self.run = None

    def forgive(self) -> None:
        """What failed may be tried again: a run that ended busy or in error counts as stopped."""
        for strand in self.strands:
            if strand.over is not Reason.END:
                strand.over = None

    def narrow(self, strand: AlternativeText) -> Continuation:
        """A draft of the same origin with a copy of this strand alone, and no run."""
        alone = Continuation(1, self.temperature, self.seed)
        alone.strands = [strand.copy()]
        alone.typed = self.typed
        alone.furthest = self.furthest
        alone.context_tokens = self.context_tokens
        return alone
