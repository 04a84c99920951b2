"""Which document's tokens each slot holds: bookkeeping only, no tensors of keys or values.

What lives here: the committed line of a slot, the logits it remembers, its tail of branch rows, and whose slot goes
when all are taken. A slot's line grows only when a step is committed, so a step that is dropped leaves it sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from afterword.worker.speculation.matching import common_prefix
from afterword.worker.speculation.ngram_proposer import NgramProposer


@dataclass(slots=True)
class Twig:
    """One branch of text as the slot holds it: its tokens after the line, and the rows where those computed lie."""

    tokens: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    logits: dict[int, Tensor] = field(default_factory=dict)  # by number of computed tokens

    @property
    def missing(self) -> int:
        """Tokens without a row yet."""
        return len(self.tokens) - len(self.rows)

    def recall(self) -> Tensor | None:
        """Logits after the last token, if all are computed."""
        return self.logits.get(len(self.tokens))

    def forget(self) -> None:
        """The rows are gone."""
        self.rows.clear()
        self.logits.clear()


class Slot:
    """One slot: `tokens[i]` has its keys and values in row `i`; rows after that belong to `tail`, in order.

    `tail`: for each row after the line, the twig it belongs to and its position in the text.
    """

    def __init__(self, index: int, logits_kept: int) -> None:
        self.index = index
        self.document: int | None = None
        self.tokens: list[int] = []
        self.tail: list[tuple[Twig, int]] = []
        self.used = 0  # tick of the last use
        self.proposals = NgramProposer()  # what may come next in the document
        self.logits: dict[int, Tensor] = {}  # by length of the text that the row follows; oldest first
        self._logits_kept = logits_kept
        self._pinned = 0

    def take(self, document: int) -> None:
        """Give the slot to a document; what it held is forgotten."""
        self.free()
        self.document = document

    def free(self) -> None:
        """Forget document, tokens, logits and guesses."""
        self.cut_tail()
        self.document = None
        self.tokens = []
        self.logits.clear()
        self.proposals = NgramProposer()

    def common(self, tokens: list[int]) -> int:
        """How many of `tokens` the slot's line begins with."""
        return common_prefix(self.tokens, tokens)

    def cut(self, length: int) -> None:
        """Keep the first `length` tokens of the line; rows after them are about to be overwritten."""
        if length < len(self.tokens):
            del self.tokens[length:]
            for at in [at for at in self.logits if at > length]:
                del self.logits[at]

    def cut_tail(self) -> None:
        """The rows after the line are about to be overwritten."""
        for twig, _ in self.tail:
            twig.forget()
        self.tail = []

    def extend(self, tokens: Iterable[int]) -> None:
        """Commit tokens whose rows were computed."""
        self.tokens.extend(tokens)

    def grow(self, twig: Twig, place: int) -> None:
        """Commit one row of a branch, the next after the tail, at position `place` of the text."""
        twig.rows.append(len(self.tokens) + len(self.tail))
        self.tail.append((twig, place))

    def pin(self, length: int) -> None:
        """Keep the logits after `length` tokens longest: there the writer stands and may type another letter."""
        self._pinned = length

    def remember(self, length: int, row: Tensor) -> None:
        """Keep the logits that follow the first `length` tokens of the line. The oldest go when there are too many."""
        self.logits.pop(length, None)
        self.logits[length] = row
        if len(self.logits) > self._logits_kept:
            oldest = next(at for at in self.logits if at != self._pinned)
            del self.logits[oldest]

    def recall(self, tokens: list[int]) -> Tensor | None:
        """Logits after `tokens`, if the line begins with them and the row is still remembered."""
        row = self.logits.get(len(tokens))
        if row is None or self.tokens[: len(tokens)] != tokens:
            return None
        return row

    def settle(self, tokens: Sequence[int], compact: Callable[[int, int, list[int]], None]) -> None:
        """Turn the tail into line, keeping the branch that goes furthest with the text `tokens`; the others go.

        `compact(slot, start, rows)` moves rows together.
        """
        if not self.tail:
            return
        length = len(self.tokens)
        twigs = list({id(twig): twig for twig, _ in self.tail}.values())
        rest = list(tokens[length:]) if list(tokens[:length]) == self.tokens else []
        best = max(twigs, key=lambda twig: common_prefix(twig.tokens[: len(twig.rows)], rest))
        if common_prefix(best.tokens[: len(best.rows)], rest):
            compact(self.index, length, best.rows)
            for depth, token in enumerate(best.tokens[: len(best.rows)], 1):
                self.tokens.append(token)
                if depth in best.logits:
                    self.remember(len(self.tokens), best.logits[depth])
        self.cut_tail()


class Slots:
    """All slots, and which document has which."""

    def __init__(self, count: int, logits_kept: int) -> None:
        self.all = [Slot(index, logits_kept) for index in range(count)]
        self._of: dict[int, Slot] = {}
        self._tick = 0

    @property
    def used(self) -> int:
        """How many slots documents have."""
        return len(self._of)

    def of(self, document: int) -> Slot | None:
        """The slot of a document, if it has one."""
        return self._of.get(document)

    def touch(self, slot: Slot) -> None:
        """The slot was used now."""
        self._tick += 1
        slot.used = self._tick

    def take(self, document: int, may_evict: Callable[[int], bool]) -> tuple[Slot, int | None] | None:
        """A slot for a document that has none: a free one, else the least recently used of those that may go.

        `may_evict(document)` says whether that document's slot may be taken. Returns the slot and the document that
        lost it; None if no slot can be had now.
        """
        free = next((slot for slot in self.all if slot.document is None), None)
        evicted: int | None = None
        if free is None:
            candidates = [slot for slot in self.all if slot.document is not None and may_evict(slot.document)]
            if not candidates:
                return None
            free = min(candidates, key=lambda slot: slot.used)
            evicted = free.document
            if evicted is not None:
                del self._of[evicted]
        free.take(document)
        self._of[document] = free
        self.touch(free)
        return free, evicted

    def free(self, document: int) -> None:
        """The document is gone: its slot is free first."""
        slot = self._of.pop(document, None)
        if slot is not None:
            slot.free()
