"""Steps filled up with draft tokens: which sequences get how many rows of them, and how the drafts fared.

What lives here: the way between sequences and their proposers. A draft needs nothing but rows: the logits after each of
its tokens are remembered like all others, tokens are chosen from them as they would have been, and where a choice
differs from the draft, the next step overwrites the rows after it.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Callable

from afterword.engine.counters import Counters
from afterword.worker.model.step import Span
from afterword.worker.scheduler.policy import share
from afterword.worker.scheduler.sequence import Sequence
from afterword.worker.speculation.matching import common_prefix
from afterword.worker.speculation.ngram_proposer import DraftTokens

Agrees = Callable[[collections.abc.Sequence[int], bytes], bool]
"""Whether the text of tokens is what has still to be reproduced, as far as both go."""


class Speculator:
    """`rows`: up to so many rows a step costs little more than with one; `most`: tokens of one draft.

    `slot_rows`: tokens that a slot holds.
    """

    def __init__(self, rows: int, most: int, slot_rows: int, agrees: Agrees, counters: Counters) -> None:
        self._rows = rows
        self._most = most
        self._slot_rows = slot_rows
        self._agrees = agrees
        self._counters = counters

    def drafts(self, chosen: collections.abc.Sequence[tuple[Sequence, int]]) -> list[DraftTokens | None]:
        """A draft for each of the sequences of a step, or none, given how many rows each of them has in it already."""
        drafts: list[DraftTokens | None] = [None] * len(chosen)
        free = self._rows
        for _, rows in chosen:
            free -= rows
        if free <= 0:
            return drafts
        wanted = [0] * len(chosen)
        for at, (sequence, rows) in enumerate(chosen):
            draft = drafts[at] = self._draft(sequence, rows, min(free, self._most))
            if draft is not None:
                wanted[at] = len(draft.tokens)
        if any(wanted):
            for at, rows in enumerate(share(free, wanted)):
                draft = drafts[at]
                drafts[at] = draft.cut(rows) if draft is not None and rows else None
        return drafts

    def judge(self, span: Span, sequence: Sequence) -> None:
        """See how the draft of a span fared, now that its sequence has written what it can."""
        draft, slot = span.draft, sequence.slot
        # Another sequence may have taken the place of the one that the draft was for.
        if draft is None or slot is None or sequence.served != self._counters.steps:
            return
        came = sequence.tokens[span.end - len(draft.tokens) :]
        right = common_prefix(came, draft.tokens)
        wrong = right < len(draft.tokens) and (right < len(came) or sequence.over)
        self._counters.draft_tokens += len(draft.tokens)
        self._counters.accepted_tokens += right
        slot.proposer.judge(draft, right, wrong)

    def _draft(self, sequence: Sequence, rows: int, most: int) -> DraftTokens | None:
        """At most `most` tokens that may follow a sequence's text, if it has one text only, whole after this step."""
        if sequence.slot is None or len(sequence.alternatives) > 1 or rows < sequence.missing:
            return None
        most = min(most, self._slot_rows - len(sequence.tokens))
        if sequence.writing:
            # Of what is wanted, the first token comes from the rows that are needed, and the last needs no row.
            most = min(most, sequence.limit - sequence.alternatives[0].written - 1 + sequence.lookahead_limit)
        draft = sequence.slot.proposer.propose(sequence.tokens, most) if most > 0 else None
        return draft if draft is not None and self._agrees(draft.tokens, sequence.heal) else None
