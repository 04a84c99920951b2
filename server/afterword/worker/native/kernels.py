"""The compiled code for one model: which type its weights get, what its caches look like, and who runs its steps.

What lives here: the choice between int8 and float32, and the tolerance of the self-test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from transformers import PreTrainedModel

from afterword.worker.cache.layout import Layout
from afterword.worker.native.build import NativeUnavailable, compiled
from afterword.worker.native.decoder import NativeDecoder, check
from afterword.worker.native.library import WeightKind, opened
from afterword.worker.native.runner import NativeRunner, NativeSampler

INT8 = "int8"
# Largest difference of int8 logits from those of a plain float32 forward, as a share of the largest logit. On random
# tokens, which are the worst case, the built-in model is off by 0.09, and small random models are by up to 0.3; with a
# mistake in the code it is 1 and more.
INT8_TOLERANCE = 0.5


class NativeKernels:
    """Compiled code that serves a model.

    `layout`: of the model, with the caches that the code wants. `dtype`: of the weights, by name. `tolerance`: largest
    difference of logits from a plain forward in float32, as a share of the largest logit; None for that of float32.
    `sampler`: chooses from them.
    """

    def __init__(
        self, model: PreTrainedModel, layout: Layout, dtype: str, report: Callable[[str], None] = lambda _: None
    ) -> None:
        """`dtype`: `float32`, or else int8. `report` is told of long work. Raises `NativeUnavailable`."""
        check(model, layout)
        path = compiled(report)
        try:
            self._library = opened(path)
        except OSError as error:
            raise NativeUnavailable(f"compiled kernels cannot be loaded: {error}") from error
        self.sampler = NativeSampler(self._library)
        self._model = model
        whole = dtype != "float32"
        self._kind = WeightKind.INT8 if whole else WeightKind.FLOAT32
        self.dtype = INT8 if whole else dtype
        self.tolerance = INT8_TOLERANCE if whole else None
        # Beside 8-bit weights, half precision loses nothing, and half as much is read for each token before the caret.
        self.layout = replace(layout, cache_dtype=torch.float16) if whole else layout

    def runner(self, positions: int) -> NativeRunner:
        """Runs steps over texts of up to `positions` tokens."""
        threads = torch.get_num_threads()
        return NativeRunner(NativeDecoder(self._library, self._model, self.layout, self._kind, positions, threads))
