"""One ragged forward of the model: the rows of a step in, the logits that were wanted out.

What lives here: the interface of runners, and the runner that serves every device.
"""

from __future__ import annotations

import inspect
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from afterword.worker.model import attention
from afterword.worker.model.int8 import is_quantized
from afterword.worker.model.step import Step

# Matrix products of 2 to 7 rows take longer on a CPU than of 8 (135M model, 2 cores, float32: 88, 109, 73, 62 ms for
# 2, 3, 4 and 8 rows, and 54 ms for one), so steps of an odd few rows are filled up.
CPU_FEWEST_ROWS = 8


class StepRunner(Protocol):
    """Something that runs the steps of a core."""

    @property
    def weight_bytes(self) -> int:
        """Bytes of the model that a step reads at least: all weights, tied ones once."""
        ...

    def forward(self, step: Step) -> Tensor:
        """Run a step; returns `[wanted, vocabulary]`, the wanted rows of its spans in order. May raise StepDropped.

        The logits belong to the caller, who may change them.
        """
        ...


class Runner:
    """Calls a transformers causal model that was loaded with our attention."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.device: torch.device = model.device
        self._takes_rows = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._fewest = CPU_FEWEST_ROWS if self._is_plain(model) else 1

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights, tied ones once."""
        held = [*self.model.parameters(), *self.model.buffers()]
        return sum({one.data_ptr(): one.nbytes for one in held}.values())

    @torch.inference_mode()
    def forward(self, step: Step) -> Tensor:
        """Run a step; returns `[wanted, vocabulary]`, the wanted rows of its spans in order. May raise StepDropped."""
        tokens: list[int] = []
        positions: list[int] = []
        wanted: list[int] = []
        for span in step.spans:
            wanted += [len(tokens) + at for at in span.wanted]
            tokens += span.tokens
            positions += span.positions
        count = len(wanted)
        self._fill_up(tokens, tokens[0])
        self._fill_up(positions, positions[0])
        rows = wanted or [0]
        self._fill_up(rows, rows[0])
        return self.call(tokens, positions, rows, step)[:count]

    @torch.inference_mode()
    def call(self, tokens: list[int], positions: list[int], rows: list[int] | None, step: Any) -> Tensor:
        """Logits `[rows, vocabulary]` of one packed sequence; of all rows if `rows` is None."""
        arguments: dict[str, Any] = {attention.STEP_ARGUMENT: step}
        kept = None if rows is None else torch.tensor(rows, device=self.device)
        if self._takes_rows and kept is not None:
            arguments["logits_to_keep"] = kept
        output = self.model(
            input_ids=torch.tensor([tokens], device=self.device),
            position_ids=torch.tensor([positions], device=self.device),
            use_cache=False,
            **arguments,
        )
        logits: Tensor = output.logits[0]
        return logits if self._takes_rows or kept is None else logits[kept]

    @staticmethod
    def _is_plain(model: PreTrainedModel) -> bool:
        """Float32 weights on a CPU."""
        return model.device.type == "cpu" and model.dtype == torch.float32 and not is_quantized(model)

    def _fill_up(self, entries: list[int], filler: int) -> None:
        if 1 < len(entries) < self._fewest:
            entries += [filler] * (self._fewest - len(entries))
