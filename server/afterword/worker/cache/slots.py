"""Which document's tokens each slot holds: bookkeeping only, no tensors of keys or values.

What lives here: the prefix of a slot and its branches, the logits it remembers, and whose slot goes when all are taken.
Tokens are entered only when a step is committed, so a step that is dropped leaves a slot sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from afterword.worker.speculation.matching import common_prefix
from afterword.worker.speculation.ngram_proposer import NgramProposer

# torch copies as many numbers with one thread. For more it wakes others, which for a row takes longer than the copying
# (49,152 scores on 2 cores: 0.13 ms against 0.02).
COPIED_NUMBERS = 32_767

MoveRows = Callable[[int, int, list[int]], None]
"""Moves rows (rising) of a slot to a row and onward: `KeyValues.compact`."""

BorrowedRows = list[tuple[dict[int, Tensor], int, Tensor]]
"""Rows of a step's logits, with where they are remembered: the mapping and its key."""


@dataclass(slots=True, eq=False)
class Branch:
    """One continuation of a slot's prefix: its tokens, and the rows of the slot where those computed lie.

    `logits`: by how many of its tokens they follow.
    """

    tokens: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    logits: dict[int, Tensor] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Tokens without a row yet."""
        return len(self.tokens) - len(self.rows)

    def recall(self) -> Tensor | None:
        """Logits after the last token, if all are computed."""
        return self.logits.get(len(self.tokens))


class Slot:
    """Rows of one document: those of the prefix, in order, then those of its branches.

    `tokens`: of the prefix; `tokens[i]` has its keys and values in row `i`. `branch_rows`: for each row after the
    prefix, its branch and its position in the text. `logits`: by length of the text that they follow, oldest first.
    `pinned`: the length whose logits are kept longest, because the caret is there, and the writer may type another
    letter. `proposer`: guesses what comes next in the document.
    """

    def __init__(self, index: int, logits_kept: int, borrowed: BorrowedRows, move_rows: MoveRows) -> None:
        self.index = index
        self.document: int | None = None
        self.tokens: list[int] = []
        self.branch_rows: list[tuple[Branch, int]] = []
        self.logits: dict[int, Tensor] = {}
        self.pinned = 0
        self.proposer = NgramProposer()
        self.last_use = 0  # tick of `Slots`
        self._logits_kept = logits_kept
        self._borrowed = borrowed
        self._move_rows = move_rows

    def assign(self, document: int | None) -> None:
        """Give the slot to a document, or to none; what it held is forgotten."""
        self.cut(0)
        self.document = document
        self.logits.clear()
        self.proposer = NgramProposer()

    def cut(self, length: int) -> None:
        """Keep the first `length` tokens of the prefix and no branch; rows after them are about to be overwritten."""
        for branch, _ in self.branch_rows:
            branch.rows.clear()
            branch.logits.clear()
        self.branch_rows = []
        if length < len(self.tokens):
            del self.tokens[length:]
            for at in list(self.logits):
                if at > length:
                    del self.logits[at]

    def extend(self, tokens: Sequence[int], wanted: Sequence[int] = (), logits: Sequence[Tensor] | Tensor = ()) -> None:
        """Enter computed tokens at the end of the prefix, and `logits`, the rows that follow those at `wanted`."""
        start = len(self.tokens)
        self.tokens += tokens
        for at, row in zip(wanted, logits, strict=True):
            self.remember(start + at + 1, row)
            self._borrowed.append((self.logits, start + at + 1, row))

    def extend_branches(
        self,
        branches: Sequence[Branch],
        positions: Sequence[int],
        wanted: Sequence[int] = (),
        logits: Sequence[Tensor] | Tensor = (),
    ) -> None:
        """Enter computed rows of branches, each at its position in the text, and the logits after those at `wanted`."""
        for branch, position in zip(branches, positions, strict=True):
            branch.rows.append(len(self.tokens) + len(self.branch_rows))
            self.branch_rows.append((branch, position))
        for at, row in zip(wanted, logits, strict=True):
            branch = branches[at]
            branch.logits[len(branch.rows)] = row
            self._borrowed.append((branch.logits, len(branch.rows), row))

    def remember(self, length: int, row: Tensor) -> None:
        """Keep the logits that follow the first `length` tokens of the prefix; too many, and the oldest go."""
        self.logits.pop(length, None)
        self.logits[length] = row
        if len(self.logits) > self._logits_kept:
            for oldest in self.logits:
                if oldest != self.pinned:
                    del self.logits[oldest]
                    break

    def recall(self, tokens: list[int]) -> Tensor | None:
        """Logits after `tokens`, if the prefix begins with them and the row is still remembered."""
        row = self.logits.get(len(tokens))
        if row is None or self.tokens[: len(tokens)] != tokens:
            return None
        return row

    def join_branch(self, tokens: Sequence[int]) -> None:
        """Make the branch that goes furthest with the text `tokens` a part of the prefix; the others go."""
        length = len(self.tokens)
        rest = list(tokens[length:]) if list(tokens[:length]) == self.tokens else []
        best, most = None, 0
        for branch in {id(branch): branch for branch, _ in self.branch_rows}.values():
            common = common_prefix(branch.tokens[: len(branch.rows)], rest)
            if common > most:
                best, most = branch, common
        if best is not None:
            self._move_rows(self.index, length, best.rows)
            for depth, token in enumerate(best.tokens[: len(best.rows)], 1):
                self.tokens.append(token)
                if depth in best.logits:
                    self.remember(len(self.tokens), best.logits[depth])
        self.cut(len(self.tokens))


class Slots:
    """All slots. `by_document`: those that documents have."""

    def __init__(self, count: int, logits_kept: int, move_rows: MoveRows) -> None:
        """`logits_kept`: rows of logits that each may remember."""
        self._borrowed: BorrowedRows = []
        self.all = [Slot(index, logits_kept, self._borrowed, move_rows) for index in range(count)]
        self.by_document: dict[int, Slot] = {}
        self._tick = 0

    def touch(self, slot: Slot) -> None:
        """The slot is used now."""
        self._tick += 1
        slot.last_use = self._tick

    def allocate(self, document: int, may_preempt: Callable[[int], bool]) -> tuple[Slot, int | None] | None:
        """A slot for a document that has none: a free one, or the least recently used of those that may go.

        `may_preempt(document)`: whether that document's slot may be taken. Returns the slot and the document that lost
        it, if any; None if no slot can be had now.
        """
        found = next((slot for slot in self.all if slot.document is None), None)
        loser: int | None = None
        if found is None:
            candidates = [slot for slot in self.all if slot.document is not None and may_preempt(slot.document)]
            if not candidates:
                return None
            found = min(candidates, key=lambda slot: slot.last_use)
            loser = found.document
            if loser is not None:
                del self.by_document[loser]
        found.assign(document)
        self.by_document[document] = found
        self.touch(found)
        return found, loser

    def free(self, document: int) -> None:
        """The document is gone: its slot is the first to be given away."""
        slot = self.by_document.pop(document, None)
        if slot is not None:
            slot.assign(None)

    def own_logits(self) -> None:
        """Copy what is remembered of the last step's logits, before the memory of that step goes."""
        for logits, key, row in self._borrowed:
            if logits.get(key) is row:
                logits[key] = copied(row)
        self._borrowed.clear()


def copied(row: Tensor) -> Tensor:
    """A copy of a row of logits, so that the rows it was computed with can go."""
    if row.device.type != "cpu":
        return row.clone()
    copy = torch.empty_like(row)
    for mine, theirs in zip(torch.split(copy, COPIED_NUMBERS), torch.split(row, COPIED_NUMBERS), strict=True):
        mine.copy_(theirs)
    return copy
