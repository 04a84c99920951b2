"""A run: one request being written, with its alternatives, from prompt to last token.

What lives here: what has been written, what is still to be healed, how far each alternative may go, and which rows the
next step would have to compute for it. Choosing tokens is in `writing`; rows become spans in `core`.

A run that pauses is written on *ahead*, in private, in case it is told to go on or another request asks for more of the
text. Nothing is kept for that but what a slot remembers anyway: the logits after each token, from which the same
tokens are chosen again when they are asked for.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from torch import Generator

from afterword.engine.api import Request
from afterword.worker.cache.slots import Slot, Twig
from afterword.worker.decoding.sampling import generator_for
from afterword.worker.model.step import Span
from afterword.worker.scheduler.plan import Urgency
from afterword.worker.speculation.ngram_proposer import DraftTokens


class State(enum.Enum):
    """What an alternative is doing."""

    WRITING = enum.auto()
    PAUSED = enum.auto()
    RESTING = enum.auto()
    """Stopped, but not because its text was wrong."""
    ENDED = enum.auto()


@dataclass(slots=True, eq=False)
class Branch:
    """One alternative. `heal`: bytes still to be reproduced; `written`: tokens beyond them; `twig`: its own tokens."""

    index: int
    heal: bytes
    generator: Generator | None
    state: State = State.WRITING
    written: int = 0
    twig: Twig = field(default_factory=Twig)


class Run:
    """A request and what came of it.

    `trunk`: the text that all alternatives share: the prompt, then tokens; with one alternative, everything.
    `parted`: the alternatives go their own ways, each in its twig. `slot`: the document's cache, if it has one.
    `ahead`: tokens chosen in private after the trunk.
    """

    def __init__(self, request: Request, number: int, arrived: float, admitted: int, lookahead_tokens: int = 0) -> None:
        """`number`: rises over all runs of the engine. `arrived`: when the request came (seconds, monotonic).

        `admitted`: number of the last step before that. `lookahead_tokens`: how far it may be written ahead.
        """
        self.request = request
        self.key = (request.owner, request.document, request.run)  # with which its events begin
        self.number = number
        self.arrived = arrived
        self.began: float | None = None  # when its first step began
        self.limit = request.limit_tokens
        self.trunk = list(request.tokens)
        self.slot: Slot | None = None
        self.started = False  # `Started` was sent
        self.spoken = False  # a token was sent
        self.computed = 0  # rows of the prompt that steps computed for this run
        self.admitted = admitted
        self.served = 0  # number of the last step it had a part in
        random = request.temperature > 0
        self.branches = [
            Branch(index, request.heal, generator_for(request.seed, index) if random else None)
            for index in range(request.alternatives)
        ]
        self.parted = random and request.alternatives > 1
        self.ahead: list[int] = []
        self.ahead_heal = b""  # what is to be reproduced after them
        # Several texts would be as many times the work, and chance draws again.
        self.ahead_limit = 0 if random or request.alternatives > 1 else lookahead_tokens

    @property
    def kind(self) -> Urgency:
        """How urgent its rows are."""
        if not self.writing:
            return Urgency.AHEAD
        if self.spoken:
            return Urgency.NEXT
        return Urgency.FIRST if self.limit > 0 else Urgency.FILL

    @property
    def writing(self) -> bool:
        """Some alternative is not paused and not over."""
        return any(branch.state is State.WRITING for branch in self.branches)

    @property
    def over(self) -> bool:
        """Nothing more will be written."""
        return all(branch.state is State.ENDED for branch in self.branches)

    @property
    def leading(self) -> bool:
        """It waits, and may be written ahead."""
        return len(self.ahead) < self.ahead_limit and self.branches[0].state in (State.PAUSED, State.RESTING)

    @property
    def text(self) -> list[int]:
        """The trunk, and what is written ahead of it."""
        return self.trunk + self.ahead

    @property
    def heal(self) -> bytes:
        """What its first alternative has still to reproduce, counting what is written ahead."""
        return self.ahead_heal if self.ahead else self.branches[0].heal

    @property
    def length(self) -> int:
        """Rows a slot needs to hold everything written so far."""
        return len(self.trunk) + sum(len(branch.twig.tokens) for branch in self.branches)

    def raise_limit(self, limit_tokens: int) -> None:
        """Let paused alternatives go on, if the limit is higher than before."""
        self.limit = max(self.limit, limit_tokens)
        for branch in self.branches:
            if branch.state is State.PAUSED and branch.written < self.limit:
                branch.state = State.WRITING
                self.ahead.clear()

    def rest(self) -> None:
        """Write no more that anybody hears of."""
        for branch in self.branches:
            branch.state = State.RESTING

    def missing(self) -> int:
        """Rows to compute before every writing alternative can choose its next token; 0 if it lacks none."""
        if self.slot is None or not (self.writing or self.leading):
            return 0
        text = self.text
        return len(text) - self._start(text) + sum(branch.twig.missing for branch in self._growing())

    def _growing(self) -> list[Branch]:
        return [branch for branch in self.branches if branch.state is State.WRITING] if self.parted else []

    def _start(self, text: list[int]) -> int:
        """First token of the text that must be computed; its length if none."""
        assert self.slot is not None
        common = self.slot.common(text)
        needs_logits = not self.parted or any(not branch.twig.tokens for branch in self._growing())
        if common == len(text) and needs_logits and self.slot.recall(text) is None:
            return common - 1
        return common

    def span(self, rows: int, proposal: DraftTokens | None = None) -> Span:
        """The next at most `rows` rows as a span, and a guess at what follows them if they are all that is missing.

        Cuts the slot back to where they go.
        """
        slot = self.slot
        assert slot is not None
        text = self.text
        start = self._start(text)
        if start == len(text):
            return self._tail_span(slot, rows)
        slot.cut_tail()
        slot.cut(start)
        end = min(len(text), start + rows)
        guessed = proposal.tokens if proposal else []
        tokens = text[start:end] + guessed
        first_wanted = end - start - 1 if end == len(text) else len(tokens)
        return Span(
            self.request.document,
            slot.index,
            start,
            tokens,
            list(range(start, start + len(tokens))),
            list(range(first_wanted, len(tokens))),
            proposal=proposal,
            spare=not self.writing,
        )

    def _tail_span(self, slot: Slot, rows: int) -> Span:
        slot.cut(len(self.trunk))
        line = len(self.trunk)
        new = [
            (depth, branch)
            for branch in self._growing()
            for depth in range(len(branch.twig.rows), len(branch.twig.tokens))
        ]
        new.sort(key=lambda entry: (entry[0], entry[1].index))
        new = new[:rows]
        names = {id(branch.twig): branch.index for branch in self.branches}
        return Span(
            self.request.document,
            slot.index,
            line + len(slot.tail),
            [branch.twig.tokens[depth] for depth, branch in new],
            [line + depth for depth, _ in new],
            [at for at, (depth, branch) in enumerate(new) if depth + 1 == len(branch.twig.tokens)],
            line,
            [names[id(twig)] for twig, _ in slot.tail] + [branch.index for _, branch in new],
            [place for _, place in slot.tail] + [line + depth for depth, _ in new],
            twigs=[branch.twig for _, branch in new],
        )
