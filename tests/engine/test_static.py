"""Small steps as programs of fixed shapes: what they compute is what any other step computes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

from afterword.engine.caches import KeyValues
from afterword.engine.core import EngineCore
from afterword.engine.runner import Runner
from afterword.engine.static import ROWS, NotStatic, StaticPrograms, StaticRunner, StaticStep, forward_of
from afterword.engine.steps import Span, Step, StepDropped

from .conftest import Desk, Model

CACHE_ROWS = 300  # so that there are programs of two lengths


def span(slot: int, start: int, tokens: list[int]) -> Span:
    places = list(range(start, start + len(tokens)))
    return Span(slot, slot, start, tokens, places, list(range(len(tokens))))


def programs(model: Model, caches: KeyValues) -> StaticPrograms:
    made = StaticPrograms(forward_of(model.model), caches, model.layout, record=False)
    made.prepare()
    return made


def random_tokens(model: Model, count: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(model.layout.vocabulary), k=count)


def put(core: EngineCore, model: Model) -> EngineCore:
    """Let a core run its small steps as programs."""
    plain = core._runner
    core._runner = StaticRunner(plain, programs(model, core.caches))
    return core


def test_rows_of_several_documents_are_computed_as_in_a_plain_step(each_model: Model) -> None:
    model = each_model
    runner = Runner(model.model)
    texts = [random_tokens(model, length, seed) for seed, length in enumerate((7, 30, 41))]
    ours, theirs = (KeyValues(model.layout, 3, CACHE_ROWS) for _ in range(2))
    static = StaticRunner(runner, programs(model, ours))
    for caches, forward in ((ours, static.forward), (theirs, runner.forward)):
        for slot, text in enumerate(texts):
            forward(Step(caches, [span(slot, 0, text)]))

    def step(caches: KeyValues) -> Step:
        return Step(caches, [span(slot, len(text), [text[0]] * (slot + 1)) for slot, text in enumerate(texts)])

    torch.testing.assert_close(static.forward(step(ours)), runner.forward(step(theirs)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 3, ROWS[-1]])
def test_a_beginning_is_computed_as_by_a_plain_forward(model: Model, rows: int) -> None:
    text = random_tokens(model, rows, rows)
    caches = KeyValues(model.layout, 1, CACHE_ROWS)
    logits = programs(model, caches).run(Step(caches, [span(0, 0, text)]))
    assert logits is not None
    for at, row in enumerate(logits[:rows], 1):
        torch.testing.assert_close(row, model.logits(text[:at]), rtol=1e-4, atol=1e-4)


def test_rows_far_into_a_slot_find_a_program_that_looks_so_far(model: Model) -> None:
    text = random_tokens(model, CACHE_ROWS, 1)
    caches = KeyValues(model.layout, 1, CACHE_ROWS)
    runner = StaticRunner(Runner(model.model), programs(model, caches))
    runner.forward(Step(caches, [span(0, 0, text[:-1])]))
    [row] = runner.forward(Step(caches, [span(0, CACHE_ROWS - 1, text[-1:])]))
    torch.testing.assert_close(row, model.logits(text), rtol=1e-4, atol=1e-4)


def test_a_step_that_nobody_wants_is_not_run(model: Model) -> None:
    caches = KeyValues(model.layout, 1, CACHE_ROWS)
    unwanted = span(0, 0, [1])
    unwanted.stale = True
    with pytest.raises(StepDropped):
        StaticRunner(Runner(model.model), programs(model, caches)).forward(Step(caches, [unwanted]))


def test_texts_are_the_same_whether_steps_are_static_or_not(
    each_model: Model, make_desk: Callable[[EngineCore], Desk]
) -> None:
    plain, static = (make_desk(each_model.core(eos=False)) for _ in range(2))
    put(static.core, each_model)
    text = random_tokens(each_model, 40, 3)
    for desk in (plain, static):
        desk.ask(1, text, limit_tokens=12)
        desk.ask(2, text[:9], limit_tokens=7, alternatives=3)
        desk.settle()
        desk.ask(1, text[:33] + text[5:8], limit_tokens=6)
        desk.ask(2, text[:11], limit_tokens=5, alternatives=2, temperature=0.7, seed=4)
        desk.settle()
    for run in plain.events:
        for alternative in range(plain.wishes[run].alternatives):
            assert static.tokens(run, alternative) == plain.tokens(run, alternative)


def test_attention_that_has_no_fixed_shape_is_refused(model: Model) -> None:
    caches = KeyValues(model.layout, 1, CACHE_ROWS)
    step = StaticStep(caches, model.layout, 1, CACHE_ROWS)
    module = torch.nn.Module()
    with pytest.raises(NotStatic, match="sinks"):
        step.attend(module, *(torch.zeros(1, 2, 1, 8),) * 3, {"softcap": 30.0, "s_aux": None})


@pytest.mark.cuda
def test_recorded_programs_compute_what_plain_steps_compute(cuda_model: Model) -> None:
    model = cuda_model
    plain, recorded = (KeyValues(model.layout, 4, CACHE_ROWS) for _ in range(2))
    made = StaticPrograms(forward_of(model.model), recorded, model.layout, record=True)
    made.prepare()
    static = StaticRunner(Runner(model.model), made)
    text = random_tokens(model, 48, 7)
    for caches, forward in ((plain, Runner(model.model).forward), (recorded, static.forward)):
        for slot in range(4):
            forward(Step(caches, [span(slot, 0, text[: 12 * (slot + 1)])]))
    for at in range(6):
        one, other = (
            forward(Step(caches, [span(slot, 12 * (slot + 1) + at, [text[at]]) for slot in range(4)]))
            for caches, forward in ((plain, Runner(model.model).forward), (recorded, static.forward))
        )
        torch.testing.assert_close(one, other, rtol=6e-2, atol=6e-2)
