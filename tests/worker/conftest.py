"""What tests of the worker share: small models of several families, and a rig that plays the gateway."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from afterword.engine.api import Ended, Forget, Paused, RaiseLimit, Request, RunEvent, Sampled, Started, StopRun
from afterword.text.vocabulary import Vocabulary
from afterword.worker.cache.layout import Layout
from afterword.worker.config import CoreConfig
from afterword.worker.engine_core import EngineCore
from afterword.worker.loading import load_model
from afterword.worker.model.probing import probe
from afterword.worker.model.runner import StepRunner
from afterword.worker.model.step import Step

FAMILIES = ("llama", "qwen3", "gpt2", "gpt_neox", "gemma3_text")
# Nothing but what was asked for: tests that count rows and steps count on it.
LONE = {"speculative_rows": 1, "lookahead_tokens": 0}
# Far more steps than any test needs; a loop that goes on past this does not end.
MOST_STEPS = 20_000


@dataclass
class Model:
    """A model as the engine has it, and the same weights under transformers' own attention to compare with."""

    family: str
    model: PreTrainedModel
    plain: PreTrainedModel
    vocabulary: Vocabulary
    layout: Layout
    known: dict[tuple[int, ...], torch.Tensor] = field(default_factory=dict)

    def core(self, eos: bool = True, runner: StepRunner | None = None, **sizes: int) -> EngineCore:
        """A fresh engine core; without `eos` texts never end by themselves."""
        config = CoreConfig(
            **{"slots": 4, "context_tokens": 96, "room_tokens": 64, "prefill_tokens": 16} | LONE | sizes
        )
        ends = self.vocabulary.eos_ids if eos else frozenset[int]()
        banned = self.vocabulary.banned_ids | (frozenset() if eos else self.vocabulary.eos_ids)
        return EngineCore(self.model, self.vocabulary.token_bytes, ends, banned, config, self.layout, runner)

    def logits(self, tokens: Sequence[int]) -> torch.Tensor:
        """Logits after `tokens` by one plain forward of all of them."""
        key = tuple(tokens)
        if key not in self.known:
            with torch.inference_mode():
                self.known[key] = self.plain(input_ids=torch.tensor([key]), use_cache=False).logits[0, -1]
        return self.known[key]

    def know(self, tokens: Sequence[int]) -> None:
        """Find out the logits after every beginning of `tokens` by one plain forward of them all."""
        key = tuple(tokens)
        if key and key not in self.known:
            with torch.inference_mode():
                rows = self.plain(input_ids=torch.tensor([key]), use_cache=False).logits[0]
            self.known.update((key[: at + 1], row.clone()) for at, row in enumerate(rows))

    def text(self, tokens: Sequence[int]) -> bytes:
        """Bytes that the tokens stand for."""
        return b"".join(self.vocabulary.token_bytes[token] or b"" for token in tokens)


class Interrupting:
    """A runner that does something before a layer of its next step."""

    def __init__(self, runner: StepRunner) -> None:
        self._runner = runner
        self._layer = 0
        self._act: Callable[[], object] | None = None

    @property
    def weight_bytes(self) -> int:
        """As of the runner."""
        return self._runner.weight_bytes

    def before(self, layer: int, act: Callable[[], object]) -> None:
        """Call `act` before a layer of the next step, counted from 0; never, if there is no such layer or step."""
        self._layer, self._act = layer, act

    def forward(self, step: Step) -> torch.Tensor:
        """Run a step."""
        between_layers, act, self._act = step.between_layers, self._act, None

        def interrupt() -> None:
            if step.layers == self._layer and act is not None:
                act()
            if between_layers is not None:
                between_layers()

        step.between_layers = interrupt
        return self._runner.forward(step)


class Rig:
    """Calls a core as a gateway would and keeps what it says, by run."""

    def __init__(self, core: EngineCore) -> None:
        self.core = core
        self.events: dict[int, list[RunEvent]] = defaultdict(list)
        self.requests: dict[int, Request] = {}
        self._next = 0

    def ask(self, document: int, tokens: Sequence[int], **details: Any) -> int:
        """Start a request; returns its run."""
        self._next += 1
        request = Request("somebody", document, self._next, list(tokens), **details)
        self.requests[self._next] = request
        self.core.submit(request)
        return self._next

    def raise_limit(self, run: int, limit_tokens: int) -> None:
        """Let a run write more."""
        request = self.requests[run]
        self.core.submit(RaiseLimit(request.owner, request.document, run, limit_tokens))

    def stop(self, run: int, useful: bool = False) -> None:
        """Stop a run."""
        request = self.requests[run]
        self.core.submit(StopRun(request.owner, request.document, run, useful))

    def forget(self, document: int) -> None:
        """Free what is held for a document."""
        self.core.submit(Forget("somebody", document))

    def step(self) -> list[RunEvent]:
        """One step of the core."""
        events = self.core.step()
        for event in events:
            self.events[event.run].append(event)
        return events

    def settle(self) -> None:
        """Step until nothing is to be done."""
        for _ in range(MOST_STEPS):
            self.step()
            if self.core.idle:
                return
        raise AssertionError("the engine does not come to rest")

    def write(self, document: int, tokens: Sequence[int], **details: Any) -> int:
        """Ask, and step until all is done; returns the run."""
        run = self.ask(document, tokens, **details)
        self.settle()
        return run

    def sampled(self, run: int, alternative: int = 0) -> list[Sampled]:
        """Tokens of one alternative, in order."""
        return [e for e in self.events[run] if isinstance(e, Sampled) and e.alternative == alternative]

    def tokens(self, run: int, alternative: int = 0) -> list[int]:
        """Token ids of one alternative, in order."""
        return [event.token for event in self.sampled(run, alternative)]

    def started(self, run: int) -> Started:
        """The run's `Started`."""
        [event] = [e for e in self.events[run] if isinstance(e, Started)]
        return event

    def outcome(self, run: int, alternative: int = 0) -> str:
        """`paused`, `end`, `busy`, `error`, or `writing`; the last word on an alternative."""
        for event in reversed(self.events[run]):
            if isinstance(event, Paused | Ended) and event.alternative == alternative:
                return "paused" if isinstance(event, Paused) else event.reason
        return "writing"


@pytest.fixture(scope="session")
def models(tiny_model_folder: Callable[..., Path]) -> Callable[[str], Model]:
    """Small random models by family."""
    made: dict[str, Model] = {}

    def get(family: str) -> Model:
        if family not in made:
            made[family] = open_model(family, tiny_model_folder(family))
        return made[family]

    return get


def open_model(family: str, folder: Path, device: str = "cpu", dtype: str = "float32") -> Model:
    """A model folder, as the engine has it and plain."""
    # Threads only get in each other's way over matrices as small as these.
    torch.set_num_threads(1 if family in FAMILIES else 2)
    model = load_model(folder, device, dtype)
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=model.dtype, attn_implementation="eager").eval()
    return Model(family, model, plain.to(model.device), Vocabulary.from_folder(folder), probe(model))


@pytest.fixture(params=FAMILIES)
def each_model(request: pytest.FixtureRequest, models: Callable[[str], Model]) -> Model:
    """A small model of every family in turn."""
    return models(request.param)


@pytest.fixture
def model(models: Callable[[str], Model]) -> Model:
    """A small llama."""
    return models("llama")


@pytest.fixture
def rig(model: Model) -> Rig:
    """A rig at a core of the small llama whose texts never end by themselves."""
    return Rig(model.core(eos=False))


@pytest.fixture
def make_rig() -> Callable[[EngineCore], Rig]:
    """A rig at another core."""
    return Rig


@pytest.fixture(scope="session")
def builtin(builtin_model_folder: Path) -> Model:
    """The built-in model."""
    return open_model("builtin", builtin_model_folder)
