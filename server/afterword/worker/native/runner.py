"""Runs the steps of a core, and chooses tokens, with the compiled code.

What lives here: a step's spans as the arrays that `Packed` of decoder.cpp points to, layer after layer, and the
sampler.
"""

from __future__ import annotations

import ctypes
from array import array

import torch
from torch import Tensor

from afterword.worker.cache.key_values import KeyValues
from afterword.worker.decoding.sampling import Choice, Sampler
from afterword.worker.model.step import Span, Step
from afterword.worker.native.decoder import PANEL, NativeDecoder
from afterword.worker.native.library import Number, Packed

NUMBERS = {torch.float32: Number.FLOATS, torch.float16: Number.HALVES}


class NativeRunner:
    """Implements `runner.StepRunner`. The logits of a row are the same, bit for bit, whatever shares its step."""

    def __init__(self, decoder: NativeDecoder) -> None:
        self._decoder = decoder
        self._stride = -(-decoder.vocabulary // PANEL) * PANEL
        self._caches: KeyValues | None = None  # those that the pointers below lead to
        self._number = Number.FLOATS
        self._keys = self._values = torch.empty(0)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights as they are packed, tied ones once."""
        return self._decoder.weight_bytes

    @torch.inference_mode()
    def forward(self, step: Step) -> Tensor:
        """Run a step; returns `[wanted, vocabulary]`, the wanted rows of its spans in order. May raise StepDropped."""
        decoder, library = self._decoder, self._decoder.library
        if step.caches is not self._caches:
            self._point_to(step.caches)
        arrays, wanted = _pack(step)
        addresses: list[int] = []
        for entries in arrays:
            addresses.append(entries.buffer_info()[0])
        keys, values = self._keys.data_ptr(), self._values.data_ptr()
        packed = Packed(step.rows, self._number, step.caches.rows, *addresses, keys, values)
        library.afterword_begin(decoder.handle, packed)
        skipped_rows, skipped = bytes(step.rows), 0
        for layer in range(decoder.layers):
            step.checkpoint()
            if step.skipped > skipped:
                skipped_rows, skipped = _skipped_rows(step), step.skipped
            library.afterword_layer(decoder.handle, layer, skipped_rows)
        logits = torch.empty(len(wanted), self._stride)
        if wanted:
            rows = wanted.buffer_info()[0]
            library.afterword_head(decoder.handle, rows, len(wanted), logits.data_ptr(), self._stride)
        return logits[:, : decoder.vocabulary]

    def _point_to(self, caches: KeyValues) -> None:
        self._caches = caches
        self._number = NUMBERS[next(iter(caches.keys.values())).dtype]
        self._keys, self._values = (
            torch.tensor([tensors[layer].data_ptr() for layer in sorted(tensors)], dtype=torch.int64)
            for tensors in (caches.keys, caches.values)
        )


def _pack(step: Step) -> tuple[tuple[array[int], ...], array[int]]:
    """The arrays of `Packed` for the rows of a step, and which of the rows have wanted logits."""
    tokens, positions, slots, places = array("i"), array("i"), array("i"), array("i")
    ends, starts, others, other_places = array("i"), array("i", [0]), array("i"), array("i")
    wanted = array("i")
    for span in step.spans:
        count = len(span.tokens)
        for offset in span.wanted:
            wanted.append(len(tokens) + offset)
        tokens.extend(span.tokens)
        positions.extend(span.positions)
        slots.extend([span.slot] * count)
        places.extend(range(span.start, span.start + count))
        if span.prefix_length is None:
            ends.extend(range(span.start + 1, span.start + count + 1))
            starts.extend([len(others)] * count)
        else:
            ends.extend([span.prefix_length] * count)
            _pack_branches(span, span.prefix_length, starts, others, other_places)
    return (tokens, positions, slots, places, ends, starts, others, other_places), wanted


def _pack_branches(
    span: Span, prefix_length: int, starts: array[int], others: array[int], other_places: array[int]
) -> None:
    """For each row of a span of branches, the rows after the prefix that it sees, those of its own branch before it."""
    for at, position in enumerate(span.positions):
        own = span.row_branches[span.start - prefix_length + at]
        for after, (branch, place) in enumerate(zip(span.row_branches, span.row_positions, strict=True)):
            if branch == own and place <= position:
                others.append(prefix_length + after)
                other_places.append(place)
        starts.append(len(others))


def _skipped_rows(step: Step) -> bytes:
    """One byte a row: 1 if its span is skipped."""
    return b"".join(bytes([span.skipped]) * len(span.tokens) for span in step.spans)


class NativeSampler(Sampler):
    """For rows of float32 in memory. After a step has gone through all weights, the code of torch's operators has to be
    fetched anew, so that each takes several times as long as usual (0.11 ms to choose from 49,152 logits, here 0.03).
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def ban(self, logits: Tensor, tokens: Tensor) -> None:
        """As `Sampler.ban`. Rows may lie apart, but each of them in one piece."""
        rows = logits.shape[0]
        self._library.afterword_ban(logits.data_ptr(), rows, logits.stride(0), tokens.data_ptr(), len(tokens))

    def choose(
        self,
        row: Tensor,
        allowed: Tensor | None = None,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Choice:
        """As `Sampler.choose`, which also draws by chance."""
        if temperature > 0:
            return super().choose(row, allowed, temperature, generator)
        logprob = ctypes.c_float()
        ids, count = (None, 0) if allowed is None else (allowed.data_ptr(), len(allowed))
        token = self._library.afterword_choose(row.data_ptr(), len(row), ids, count, logprob)
        return Choice(token, logprob.value)
