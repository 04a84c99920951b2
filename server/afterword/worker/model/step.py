"""One step of the model: the spans packed into it, what each may look at, and which of them are still wanted.

What lives here: plain data about rows and the masks made from it. Attention itself is in `attention`, which spans make
up a step is decided in `plan`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.slots import Twig
from afterword.worker.speculation.ngram_proposer import DraftTokens

NO_ROW = float("-inf")


class StepDropped(Exception):
    """Nothing of the step in flight is wanted any more; no further layer was started."""


@dataclass(slots=True, eq=False)
class Span:
    """Consecutive new rows of one slot.

    `start`: row of the slot where they go. `tokens`, `positions`: what they are and where in the text they stand.
    `line`: rows below this are the text before all branches, row by row; None when the whole span continues the line.
    `owners`, `places`: for every row from `line` to the end of the span, its branch and its position.
    `twigs`: the branch that each row of the span belongs to, when it does not continue the line.
    `wanted`: offsets in the span whose logits are needed.
    `proposal`: a guess that the last tokens of the span are, if any are. `spare`: nobody waits for the span's rows.
    `stale`: set from any thread when nobody wants the span any more. `skipped`: it was stale before the last layer.
    """

    document: int
    slot: int
    start: int
    tokens: list[int]
    positions: list[int]
    wanted: list[int]
    line: int | None = None
    owners: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    twigs: list[Twig] = field(default_factory=list)
    proposal: DraftTokens | None = None
    spare: bool = False
    stale: bool = False
    skipped: bool = False
    masks: dict[tuple[int | None, int], tuple[int, Tensor | None]] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """First row after the span."""
        return self.start + len(self.tokens)

    @property
    def own_tokens(self) -> list[int]:
        """Its tokens without those that are only guessed."""
        return self.tokens[: len(self.tokens) - len(self.proposal.tokens)] if self.proposal else self.tokens

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
        line = self.start if self.line is None else self.line
        first = 0 if window is None else min(line, max(0, min(self.positions) - window + 1))
        if len(self.tokens) == 1 and self.line is None:
            return first, None
        # Made where it is used: over a long text it is far larger than what it is made from.
        device = like.device
        positions = torch.tensor(self.positions, device=device)[:, None]
        if self.line is None:
            places = torch.arange(first, self.end, device=device)[None]
            hidden = places > positions
        else:
            later = torch.tensor(self.places, device=device)
            places = torch.cat((torch.arange(first, line, device=device), later))[None]
            hidden = places > positions
            owners = torch.tensor(self.owners, device=device)
            mine = owners[len(owners) - len(self.tokens) :]
            hidden[:, line - first :] |= owners[None] != mine[:, None]
        if window is not None:
            hidden |= places <= positions - window
        bias = torch.zeros(hidden.shape, dtype=like.dtype, device=device).masked_fill_(hidden, NO_ROW)
        return first, bias.repeat(groups, 1)


@dataclass(slots=True, eq=False)
class Step:
    """Spans of several documents, packed one after another along the sequence.

    `between_layers` is called before each layer's attention; it may mark spans stale.
    `layers`: attention layers started so far.
    """

    caches: KeyValues
    spans: list[Span]
    between_layers: Callable[[], None] | None = None
    layers: int = 0

    @property
    def rows(self) -> int:
        """Rows of all spans together."""
        return sum(len(span.tokens) for span in self.spans)

    def checkpoint(self) -> None:
        """Look up from the work: raise `StepDropped` if no span is wanted, and mark the stale ones skipped."""
        if self.between_layers is not None:
            self.between_layers()
        live = False
        for span in self.spans:
            if span.stale:
                span.skipped = True
            else:
                live = True
        if not live:
            raise StepDropped
        self.layers += 1
