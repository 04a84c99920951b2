"""Recorded steps: small steps of fixed shapes, captured once at load as CUDA graphs and then replayed.

What lives here: which shapes there are, how they are captured, and the runner that uses them. A graph is launched as a
whole, because for a small model launching hundreds of kernels one by one takes longer than the kernels. Without a GPU
the same code runs uncaptured, which is how it is tested.

A recorded step has so many rows and looks at so much of a slot; a step takes the smallest that holds it. Steps that
none holds, prefills above all, are run plainly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.layout import Layout
from afterword.worker.model.attention import STEP_ARGUMENT
from afterword.worker.model.runner import Runner
from afterword.worker.model.static_step import StaticStep
from afterword.worker.model.step import Step

# Rows of recorded steps. A step of more rows is no small one: its kernels take longer than their launching.
ROWS = (1, 2, 4, 8, 16, 32)
# The shortest recorded step looks at this many tokens of a slot, each further one at twice as many.
FEWEST_TOKENS = 256
# Rows times tokens of the largest recorded step. Its attention copies what each row looks at, one layer at a time; this
# bounds the memory for that to 2 * 64 Ki * key heads * width numbers: 256 MiB for a usual 8B model in bfloat16.
MOST_PLACES = 1 << 16
# Runs before capture, in which libraries choose kernels and allocate memory, as CUDA graphs require.
WARM_UP_RUNS = 3

Forward = Callable[[Tensor, Tensor, StaticStep], Tensor]
"""Calls the model with tokens `[1, rows]`, positions `[1, rows]` and a step for its attention; logits of every row."""

OnProgress = Callable[[float], None]
"""Progress of graph capture, 0 to 1."""


@dataclass(slots=True)
class RecordedStep:
    """A step of fixed shapes, ready to run: `launch` computes the logits of every row from what `step` holds."""

    step: StaticStep
    launch: Callable[[], Tensor]


class RecordedSteps:
    """Recorded steps by their shapes, rows and tokens.

    `capture`: whether to capture them as CUDA graphs, which share one pool of memory.
    """

    def __init__(self, forward: Forward, caches: KeyValues, layout: Layout, *, capture: bool) -> None:
        self._forward = forward
        self._caches = caches
        self._layout = layout
        self._capture = capture
        self._pool: Any = None
        self._steps: dict[tuple[int, int], RecordedStep] = {}
        self._lengths: list[int] = []
        length = FEWEST_TOKENS
        while length < caches.rows:
            self._lengths.append(length)
            length *= 2
        self._lengths.append(caches.rows)

    @torch.inference_mode()
    def prepare(self, progress: OnProgress = lambda _: None) -> None:
        """Make all steps. The slots must be empty: capture writes there. Raises `NotRecordable`, `RuntimeError`."""
        # Rows of a slot that a mask hides weigh nothing, but zero times what happens to be in memory may be NaN.
        for tensor in (*self._caches.keys.values(), *self._caches.values.values()):
            tensor.zero_()
        # The largest first: the others then find room in the memory it took.
        shapes = [(rows, length) for rows in reversed(ROWS) for length in reversed(self._lengths)]
        shapes = [(rows, length) for rows, length in shapes if rows * length <= MOST_PLACES]
        for done, (rows, length) in enumerate(shapes):
            progress(done / len(shapes))
            step = StaticStep(self._caches, self._layout, rows, length)
            self._steps[rows, length] = RecordedStep(step, self._captured(step) if self._capture else self._plain(step))

    @torch.inference_mode()
    def run(self, step: Step) -> Tensor | None:
        """Logits `[rows, vocabulary]` of all rows of a step, valid until the next; None if none holds it."""
        if step.caches is not self._caches:
            return None
        end = max(span.end for span in step.spans)
        rows = next((rows for rows in ROWS if rows >= step.rows), 0)
        length = next(length for length in self._lengths if length >= end)
        recorded = self._steps.get((rows, length))
        if recorded is None:
            return None
        recorded.step.fill(step)
        return recorded.launch()

    def _plain(self, step: StaticStep) -> Callable[[], Tensor]:
        return lambda: self._forward(step.tokens, step.positions, step)

    def _captured(self, step: StaticStep) -> Callable[[], Tensor]:
        """Capture the step as a CUDA graph."""
        call = self._plain(step)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._layout.device):  # which need not be the first GPU
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):  # left again even if capture fails
                for _ in range(WARM_UP_RUNS):
                    call()
                # Other threads may run another engine, on another GPU: what they do must not spoil this capture.
                with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
                    logits = call()
            torch.cuda.current_stream().wait_stream(stream)
        self._pool = self._pool or graph.pool()

        def launch() -> Tensor:
            graph.replay()
            return logits

        return launch


class RecordedStepRunner:
    """Runs small steps as recorded ones, once these are there, and all other steps plainly."""

    def __init__(self, model: PreTrainedModel) -> None:
        """`model` must be loaded with the attention of this package."""
        self.model = model
        self.plain = Runner(model)
        self._forward = forward_of(model)
        self._recorded: RecordedSteps | None = None

    def prepare(
        self, caches: KeyValues, layout: Layout, *, capture: bool, progress: OnProgress = lambda _: None
    ) -> None:
        """Record steps over caches that are still empty. Raises `NotRecordable`, `RuntimeError`; then there are none.

        `capture`: as CUDA graphs.
        """
        recorded = RecordedSteps(self._forward, caches, layout, capture=capture)
        recorded.prepare(progress)
        self._recorded = recorded

    def give_up(self) -> None:
        """Run every step plainly from now on, and free what recorded steps took."""
        self._recorded = None

    @property
    def weight_bytes(self) -> int:
        """As of the plain runner, which has the same weights."""
        return self.plain.weight_bytes

    def forward(self, step: Step) -> Tensor:
        """Run a step; returns `[wanted, vocabulary]`, the wanted rows of its spans in order. May raise StepDropped."""
        if self._recorded is None or step.rows > ROWS[-1]:
            return self.plain.forward(step)
        # Rows of spans that are stale by now are computed all the same: they lie beyond what their slots hold.
        step.checkpoint()
        logits = self._recorded.run(step)
        if logits is None:
            return self.plain.forward(step)
        wanted = []
        at = 0
        for span in step.spans:
            wanted += [at + offset for offset in span.wanted]
            at += len(span.tokens)
        return logits[torch.tensor(wanted, dtype=torch.long, device=logits.device)]


def forward_of(model: PreTrainedModel) -> Forward:
    """How recorded steps call a transformers model that was loaded with our attention."""

    def forward(tokens: Tensor, positions: Tensor, step: StaticStep) -> Tensor:
        arguments: dict[str, Any] = {STEP_ARGUMENT: step}
        logits: Tensor = model(input_ids=tokens, position_ids=positions, use_cache=False, **arguments).logits[0]
        return logits

    return forward
