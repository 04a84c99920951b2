"""Runs the steps of a core with the compiled code, layer by layer."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor

from afterword.worker.cache.key_values import KeyValues
from afterword.worker.model.step import Span, Step
from afterword.worker.native.decoder import PANEL, NativeDecoder
from afterword.worker.native.library import Number, Packed

NUMBERS = {torch.float32: Number.FLOATS, torch.float16: Number.HALVES}


class NativeRunner:
    """Implements `runner.StepRunner`. The logits of a row are the same, bit for bit, whatever shares its step."""

    def __init__(self, decoder: NativeDecoder) -> None:
        self._decoder = decoder
        self._caches: KeyValues | None = None  # those that `_pointers` lead to
        self._pointers: tuple[Tensor, Tensor] = (torch.empty(0), torch.empty(0))

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights as they are packed, tied ones once."""
        return self._decoder.weight_bytes

    @torch.inference_mode()
    def forward(self, step: Step) -> Tensor:
        """Run a step; returns `[wanted, vocabulary]`, the wanted rows of its spans in order. May raise StepDropped."""
        decoder, library = self._decoder, self._decoder.library
        rows = [row for span in step.spans for row in _rows(span)]
        tokens, positions, slots, places, ends, seen, seen_places = zip(*rows, strict=True)
        starts = [0]
        for one in seen:
            starts.append(starts[-1] + len(one))
        others, other_places = list(chain(*seen)), list(chain(*seen_places))
        fields = [
            torch.tensor(entries, dtype=torch.int32)
            for entries in (tokens, positions, slots, places, ends, starts, others, other_places)
        ]
        keys, values = self._pointers_to(step.caches)
        packed = Packed(
            len(rows),
            NUMBERS[next(iter(step.caches.keys.values())).dtype],
            step.caches.rows,
            *(field.data_ptr() for field in fields),
            keys.data_ptr(),
            values.data_ptr(),
        )
        library.afterword_begin(decoder.handle, packed)
        for layer in range(decoder.layers):
            step.checkpoint()
            skipped = bytes(span.skipped for span in step.spans for _ in span.tokens)
            library.afterword_layer(decoder.handle, layer, skipped)
        return self._logits(step)

    def _logits(self, step: Step) -> Tensor:
        at = 0
        rows: list[int] = []
        for span in step.spans:
            rows += [at + offset for offset in span.wanted]
            at += len(span.tokens)
        vocabulary = self._decoder.vocabulary
        stride = -(-vocabulary // PANEL) * PANEL
        logits = torch.empty(len(rows), stride)
        if rows:
            wanted = torch.tensor(rows, dtype=torch.int32)
            self._decoder.library.afterword_head(
                self._decoder.handle, wanted.data_ptr(), len(rows), logits.data_ptr(), stride
            )
        return logits[:, :vocabulary]

    def _pointers_to(self, caches: KeyValues) -> tuple[Tensor, Tensor]:
        if caches is not self._caches:
            self._caches = caches
            keys, values = (
                torch.tensor([tensors[layer].data_ptr() for layer in sorted(tensors)], dtype=torch.int64)
                for tensors in (caches.keys, caches.values)
            )
            self._pointers = keys, values
        return self._pointers


def _rows(span: Span) -> list[tuple[int, int, int, int, int, list[int], list[int]]]:
    """For each row: token, position, slot, place in the slot, end of the line it sees, other rows, their positions."""
    rows: list[tuple[int, int, int, int, int, list[int], list[int]]] = []
    line = span.line
    for at, (token, position) in enumerate(zip(span.tokens, span.positions, strict=True)):
        place = span.start + at
        if line is None:
            rows.append((token, position, span.slot, place, place + 1, [], []))
            continue
        mine = span.owners[place - line]
        seen = [
            (line + after, there)
            for after, (owner, there) in enumerate(zip(span.owners, span.places, strict=True))
            if owner == mine and there <= position
        ]
        rows.append((token, position, span.slot, place, line, [row for row, _ in seen], [there for _, there in seen]))
    return rows
