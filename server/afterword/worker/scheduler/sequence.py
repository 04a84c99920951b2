"""A sequence: one request being written, with its alternatives, from prompt to last token.

What lives here: what has been written, what is still to be healed, how far each alternative may go, and which rows the
next step has to compute for it. Choosing tokens is in `decoding`.

A sequence that pauses looks *ahead*: it goes on in private, in case it is told to go on or another request asks for
more of the text. Nothing is kept for that but what a slot remembers anyway, the logits after each token, from which the
same tokens are chosen again when they are asked for.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch

from afterword.engine.api import Request
from afterword.worker.cache.slots import Branch, Slot
from afterword.worker.model.step import Span
from afterword.worker.scheduler.policy import Need, Urgency
from afterword.worker.speculation.matching import common_prefix
from afterword.worker.speculation.ngram_proposer import DraftTokens

SEED_STRIDE = 0x9E3779B97F4A7C15  # odd and far from small seeds, so that neighbours' alternatives do not meet
SEED_MASK = (1 << 63) - 1


class State(enum.Enum):
    """What an alternative is doing."""

    WRITING = enum.auto()
    PAUSED = enum.auto()
    RESTING = enum.auto()
    """Stopped, but not because its text was wrong."""
    ENDED = enum.auto()


@dataclass(slots=True, eq=False)
class SequenceAlternative:
    """One of the texts of a sequence.

    `heal`: bytes still to be reproduced. `written`: tokens beyond them. `branch`: its own tokens, once it has parted
    from the others.
    """

    index: int
    heal: bytes
    generator: torch.Generator | None
    state: State = State.WRITING
    written: int = 0
    branch: Branch = field(default_factory=Branch)


class Sequence:
    """A request and what came of it."""

    def __init__(self, request: Request, order: int, arrived: float, admitted: int, lookahead_limit: int = 0) -> None:
        """`order`: rises over all sequences. `arrived`: when the request came (seconds, monotonic).

        `admitted`: number of the last step before that. `lookahead_limit`: tokens that it may look ahead.
        """
        self.request = request
        self.key = (request.owner, request.document, request.run)  # with which its events begin
        self.order = order
        self.arrived = arrived
        self.admitted = admitted
        self.first_step: float | None = None  # when it began
        self.served = 0  # number of the last step it had a part in
        self.computed = 0  # rows of the prompt that steps computed for it
        self.started = False  # `Started` was sent
        self.spoken = False  # a token was sent
        self.limit = request.limit_tokens
        self.slot: Slot | None = None  # the document's, if it has one
        # The text that all alternatives share: the prompt, then tokens; with one alternative, everything. The last
        # `lookahead` of them are private, and after them `lookahead_heal` is to be reproduced.
        self.tokens = list(request.tokens)
        self.lookahead = 0
        self.lookahead_heal = b""
        self.length = len(self.tokens)  # rows that hold everything written so far
        random = request.temperature > 0
        # Several texts would be as many times the work, and chance draws again.
        self.lookahead_limit = 0 if random or request.alternatives > 1 else lookahead_limit
        self.alternatives: list[SequenceAlternative] = []
        for index in range(request.alternatives):
            generator = generator_for(request.seed, index) if random else None
            self.alternatives.append(SequenceAlternative(index, request.heal, generator))
        self.branched = random and request.alternatives > 1  # alternatives go their own ways
        self.writing = True  # some alternative is not paused and not over
        self.start = 0  # first token that the next step must compute, and
        self.missing = 0  # how many rows in all, as `need` found

    @property
    def active(self) -> bool:
        """It has something to write, asked for or ahead."""
        return self.writing or self.lookahead < self.lookahead_limit

    @property
    def filling(self) -> bool:
        """Nobody waits for it: it only fills the cache in advance."""
        return self.writing and self.limit == 0 and not self.spoken

    @property
    def heal(self) -> bytes:
        """What its first alternative has still to reproduce, counting what it looked ahead."""
        return self.lookahead_heal if self.lookahead else self.alternatives[0].heal

    @property
    def over(self) -> bool:
        """Nothing more will be written."""
        return all(alternative.state is State.ENDED for alternative in self.alternatives)

    def turn(self, alternatives: Iterable[SequenceAlternative], state: State) -> None:
        """Put some alternatives into another state."""
        for alternative in alternatives:
            alternative.state = state
        self.writing = any(alternative.state is State.WRITING for alternative in self.alternatives)
        if self.over:
            self.lookahead_limit = self.lookahead

    def raise_limit(self, limit_tokens: int) -> None:
        """Let paused alternatives go on, if the limit is higher than before."""
        self.limit = max(self.limit, limit_tokens)
        going_on = [a for a in self.alternatives if a.state is State.PAUSED and a.written < self.limit]
        if going_on:
            self.turn(going_on, State.WRITING)
            del self.tokens[len(self.tokens) - self.lookahead :]
            self.lookahead = 0

    def rest(self) -> None:
        """Write no more that anybody hears of, but look ahead."""
        self.turn([a for a in self.alternatives if a.state is not State.ENDED], State.RESTING)

    def need(self, steps: int) -> Need:
        """What the slot lacks before all that writes can choose its next token, after so many steps of the engine."""
        slot, tokens = self.slot, self.tokens
        assert slot is not None
        start = common_prefix(slot.tokens, tokens)
        missing = len(tokens) - start
        needs_logits = not self.branched
        if self.branched:
            for alternative in self.alternatives:
                if alternative.state is State.WRITING:
                    missing += alternative.branch.missing
                    needs_logits = needs_logits or not alternative.branch.tokens
        if start == len(tokens) and needs_logits and start not in slot.logits:
            start -= 1
            missing += 1
        self.start, self.missing = start, missing
        if not self.writing:
            urgency = Urgency.LOOKAHEAD
        elif self.spoken:
            urgency = Urgency.NEXT
        else:
            urgency = Urgency.FIRST if self.limit > 0 else Urgency.FILL
        return Need(self.order, urgency, missing, self.served, steps - self.admitted)

    def span(self, rows: int, draft: DraftTokens | None = None) -> Span:
        """The next at most `rows` of the missing rows, and a draft of what follows them if they are all of them.

        Goes by what `need` found, and cuts the slot back to where the rows go.
        """
        slot, start, length = self.slot, self.start, len(self.tokens)
        assert slot is not None
        if start == length:
            return self._branch_span(slot, rows)
        slot.cut(start)
        end = min(length, start + rows)
        tokens = self.tokens[start:end]
        if draft is not None:
            tokens += draft.tokens
        first_wanted = end - start - 1 if end == length else len(tokens)
        return Span(
            self.request.document,
            slot.index,
            start,
            tokens,
            list(range(start, start + len(tokens))),
            list(range(first_wanted, len(tokens))),
            draft=draft,
            lookahead=not self.writing,
        )

    def _branch_span(self, slot: Slot, rows: int) -> Span:
        prefix = len(self.tokens)
        if len(slot.tokens) > prefix:
            slot.cut(prefix)
        indices = {id(alternative.branch): alternative.index for alternative in self.alternatives}
        new = [
            (depth, alternative.index, alternative.branch)
            for alternative in self.alternatives
            if alternative.state is State.WRITING
            for depth in range(len(alternative.branch.rows), len(alternative.branch.tokens))
        ]
        new.sort(key=lambda entry: entry[:2])
        new = new[:rows]
        return Span(
            self.request.document,
            slot.index,
            prefix + len(slot.branch_rows),
            [branch.tokens[depth] for depth, _, branch in new],
            [prefix + depth for depth, _, _ in new],
            [at for at, (depth, _, branch) in enumerate(new) if depth + 1 == len(branch.tokens)],
            prefix,
            [indices[id(branch)] for branch, _ in slot.branch_rows] + [index for _, index, _ in new],
            [position for _, position in slot.branch_rows] + [prefix + depth for depth, _, _ in new],
            [branch for _, _, branch in new],
        )


def generator_for(seed: int | None, alternative: int) -> torch.Generator:
    """Random numbers of one alternative of one run: the same for the same seed, whatever else is computed."""
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed((seed + alternative * SEED_STRIDE) & SEED_MASK)
    return generator
