"""Chooses tokens with the compiled code."""

from __future__ import annotations

import ctypes

from torch import Tensor

from afterword.worker.decoding.sampling import Choice, Sampler


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

    def _likeliest(self, row: Tensor, allowed: Tensor | None) -> Choice:
        logprob = ctypes.c_float()
        ids, count = (None, 0) if allowed is None else (allowed.data_ptr(), len(allowed))
        token = self._library.afterword_choose(row.data_ptr(), len(row), ids, count, logprob)
        return Choice(token, logprob.value)
