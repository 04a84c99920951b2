"""One step of the model: the spans packed into it, what each may look at, and which of them are still wanted.

What lives here: plain data about rows, and the masks made from it. Attention itself is in `attention`; the scheduler
decides which spans make up a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.slots import Branch
from afterword.worker.speculation.ngram_proposer import DraftTokens

NO_ROW = float("-inf")


class StepDropped(Exception):
    """Nothing of the step in flight is wanted any more; no further layer was begun."""


@dataclass(slots=True, eq=False)
class Span:
    """Consecutive new rows of one slot.

    `start`: row of the slot where they go. `tokens`, `positions`: what they are, and where in the text they stand.
    `wanted`: offsets in the span whose logits are needed. `draft`: guesses, which are its last tokens, if there are
    any.

    A span continues the prefix of its slot, or else its branches. Then `prefix_length` rows are the text before all
    branches, row by row; `row_branches` and `row_positions` say, for every row from there to the end of the span, its
    branch and its position; and `branches` has the branch of each row of the span.

    `lookahead`: nobody has asked for its rows. `stale`: set from any thread when nobody wants the span any more.
    `skipped`: it was stale before the last layer.
    """

    document: int
    slot: int
    start: int
    tokens: list[int]
    positions: list[int]
    wanted: list[int]
    prefix_length: int | None = None
    row_branches: list[int] = field(default_factory=list)
    row_positions: list[int] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    draft: DraftTokens | None = None
    lookahead: bool = False
    stale: bool = False
    skipped: bool = False
    masks: dict[tuple[int | None, int], tuple[int, Tensor | None]] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """First row after the span."""
        return self.start + len(self.tokens)

    @property
    def known_tokens(self) -> list[int]:
        """Its tokens without the draft."""
        return self.tokens[: len(self.tokens) - len(self.draft.tokens)] if self.draft else self.tokens

    def mask(self, window: int | None, groups: int, like: Tensor) -> tuple[int, Tensor | None]:
        """What the rows may look at: the first row of the slot that counts, and a bias on scores from there on.

        The bias is `[groups * rows, end - first]`, zero or minus infinity, one block of rows per query head of a group;
        None when every row sees everything. Made once per step for each kind of layer.
        """
        key = (window, groups)
        if key not in self.masks:
            self.masks[key] = self._mask(window, groups, like)
        return self.masks[key]

    def _mask(self, window: int | None, groups: int, like: Tensor) -> tuple[int, Tensor | None]:
        prefix = self.start if self.prefix_length is None else self.prefix_length
        first = 0 if window is None else min(prefix, max(0, min(self.positions) - window + 1))
        if len(self.tokens) == 1 and self.prefix_length is None:
            return first, None
        # Made where it is used: over a long text it is far larger than what it is made from.
        device = like.device
        positions = torch.tensor(self.positions, device=device)[:, None]
        if self.prefix_length is None:
            seen = torch.arange(first, self.end, device=device)[None]
            hidden = seen > positions
        else:
            later = torch.tensor(self.row_positions, device=device)
            seen = torch.cat((torch.arange(first, prefix, device=device), later))[None]
            hidden = seen > positions
            branches = torch.tensor(self.row_branches, device=device)
            own = branches[len(branches) - len(self.tokens) :]
            hidden[:, prefix - first :] |= branches[None] != own[:, None]
        if window is not None:
            hidden |= seen <= positions - window
        bias = torch.zeros(hidden.shape, dtype=like.dtype, device=device).masked_fill_(hidden, NO_ROW)
        return first, bias.repeat(groups, 1)


@dataclass(slots=True, eq=False)
class Step:
    """Spans of several documents, packed one after another.

    `between_layers` is called before each layer's attention; it may mark spans stale. `rows`: of all spans together.
    `layers`: attention layers begun so far. `skipped`: how many spans were stale before the last of them.
    """

    caches: KeyValues
    spans: list[Span]
    between_layers: Callable[[], None] | None = None
    rows: int = field(init=False)
    layers: int = 0
    skipped: int = 0

    def __post_init__(self) -> None:
        self.rows = 0
        for span in self.spans:
            self.rows += len(span.tokens)

    def checkpoint(self) -> None:
        """Let others look in before a layer: raise `StepDropped` if no span is wanted, and mark stale ones skipped."""
        if self.between_layers is not None:
            self.between_layers()
        skipped = 0
        for span in self.spans:
            if span.stale:
                span.skipped = True
                skipped += 1
        if skipped == len(self.spans):
            raise StepDropped
        self.skipped = skipped
        self.layers += 1
