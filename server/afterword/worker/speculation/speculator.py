"""Steps filled up with guesses: which runs get how many rows of theirs, and how they fared.

What lives here: the way between runs and `proposals`. A guess needs nothing but rows: the logits after each of its
tokens are remembered like all others, tokens are chosen from them as they would have been, and where a choice differs
from the guess, the rows after it are overwritten by the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from afterword.engine.counters import Counters
from afterword.worker.cache.slots import Slot
from afterword.worker.model.step import Span
from afterword.worker.scheduler.sequence import Run
from afterword.worker.speculation.matching import common_prefix
from afterword.worker.speculation.ngram_proposer import DraftTokens, share

Agrees = Callable[[Sequence[int], bytes], bool]
"""Whether the text of tokens is what has still to be reproduced, as far as both go."""


class Speculator:
    """`speculative_rows`: rows of a step that cost little; `most`: tokens of one draft; `slot_rows`: rows of a slot."""

    def __init__(self, speculative_rows: int, most: int, slot_rows: int, agrees: Agrees, counters: Counters) -> None:
        self._free_rows = speculative_rows
        self._most = most
        self._slot_rows = slot_rows
        self._agrees = agrees
        self._counters = counters

    def fill_up(self, chosen: Sequence[tuple[Run, int]]) -> list[DraftTokens | None]:
        """A guess for each of the runs of a step, or none, given how many rows each of them has in it already."""
        spare = self._free_rows - sum(rows for _, rows in chosen)
        if spare <= 0:
            return [None] * len(chosen)
        guesses = [self._guess(run, rows, min(spare, self._most)) for run, rows in chosen]
        given = share(spare, [len(guess.tokens) if guess else 0 for guess in guesses])
        return [guess.cut(rows) if guess and rows else None for guess, rows in zip(guesses, given, strict=True)]

    def judge(self, span: Span, run: Run, slot: Slot) -> None:
        """See how a guess fared, now that the run has written what it can."""
        guess = span.proposal
        if guess is None or run.served != self._counters.steps:  # another run has taken the place of the one it was for
            return
        came = run.text[span.end - len(guess.tokens) :]
        right = common_prefix(came, guess.tokens)
        wrong = right < len(guess.tokens) and (right < len(came) or run.over)
        self._counters.draft_tokens += len(guess.tokens)
        self._counters.accepted_tokens += right
        slot.proposals.judge(guess, right, wrong)

    def _guess(self, run: Run, rows: int, most: int) -> DraftTokens | None:
        """At most `most` tokens that may follow a run's text, if it has one text only, whole after this step."""
        if run.slot is None or len(run.branches) > 1 or rows < run.missing():
            return None
        most = min(most, self._slot_rows - len(run.text))
        if run.writing:
            # Of what is wanted, the first token comes from the rows that are needed, and the last needs no row.
            most = min(most, run.limit - run.branches[0].written - 1 + run.ahead_limit)
        guess = run.slot.proposals.propose(run.text, most) if most > 0 else None
        return guess if guess and self._agrees(guess.tokens, run.heal) else None
