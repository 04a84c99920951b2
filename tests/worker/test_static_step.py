"""Recorded steps: they compute what any other step computes, or they are not used."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

from afterword.engine.api import Progress
from afterword.worker.cache.key_values import KeyValues
from afterword.worker.engine_core import EngineCore
from afterword.worker.loading import record_steps
from afterword.worker.model.cuda_graphs import MOST_PLACES, ROWS, RecordedStepRunner, RecordedSteps, forward_of
from afterword.worker.model.runner import Runner
from afterword.worker.model.static_step import NotRecordable, StaticStep
from afterword.worker.model.step import Span, Step, StepDropped

from .conftest import Model, Rig

CACHE_ROWS = 300  # so that there are recorded steps of two lengths


def span(slot: int, start: int, tokens: list[int]) -> Span:
    places = list(range(start, start + len(tokens)))
    return Span(slot, slot, start, tokens, places, list(range(len(tokens))))


def prepared(model: Model, caches: KeyValues, capture: bool = False) -> RecordedStepRunner:
    runner = RecordedStepRunner(model.model)
    runner.prepare(caches, model.layout, capture=capture)
    return runner


def random_tokens(model: Model, count: int, seed: int) -> list[int]:
    return random.Random(seed).choices(range(model.layout.vocabulary), k=count)


def core_with_recorded_steps(model: Model, **sizes: int) -> EngineCore:
    """A core whose small steps are recorded, as at load."""
    runner = RecordedStepRunner(model.model)
    core = model.core(eos=False, runner=runner, **sizes)
    assert record_steps(runner, core, lambda _: None, capture=False)
    return core


def plain_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of the steps that are run plainly from now on."""
    rows: list[int] = []
    forward = Runner.forward

    def noted(self: Runner, step: Step) -> torch.Tensor:
        rows.append(step.rows)
        return forward(self, step)

    monkeypatch.setattr(Runner, "forward", noted)
    return rows


def test_rows_of_several_documents_are_computed_as_in_a_plain_step(each_model: Model) -> None:
    model = each_model
    runner = Runner(model.model)
    texts = [random_tokens(model, length, seed) for seed, length in enumerate((7, 30, 41))]
    ours, theirs = (KeyValues(model.layout, 3, CACHE_ROWS) for _ in range(2))
    static = prepared(model, ours)
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
    logits = prepared(model, caches).forward(Step(caches, [span(0, 0, text)]))
    for at, row in enumerate(logits, 1):
        torch.testing.assert_close(row, model.logits(text[:at]), rtol=1e-4, atol=1e-4)


def test_rows_far_into_a_slot_find_a_recorded_step_that_looks_so_far(model: Model) -> None:
    text = random_tokens(model, CACHE_ROWS, 1)
    caches = KeyValues(model.layout, 1, CACHE_ROWS)
    runner = prepared(model, caches)
    runner.forward(Step(caches, [span(0, 0, text[:-1])]))
    [row] = runner.forward(Step(caches, [span(0, CACHE_ROWS - 1, text[-1:])]))
    torch.testing.assert_close(row, model.logits(text), rtol=1e-4, atol=1e-4)


def test_a_step_that_nobody_wants_is_not_run(model: Model) -> None:
    caches = KeyValues(model.layout, 1, CACHE_ROWS)
    unwanted = span(0, 0, [1])
    unwanted.stale = True
    with pytest.raises(StepDropped):
        prepared(model, caches).forward(Step(caches, [unwanted]))


def test_texts_are_the_same_whether_steps_are_static_or_not(
    each_model: Model, make_rig: Callable[[EngineCore], Rig]
) -> None:
    plain, static = make_rig(each_model.core(eos=False)), make_rig(core_with_recorded_steps(each_model))
    text = random_tokens(each_model, 40, 3)
    for rig in (plain, static):
        rig.ask(1, text, limit_tokens=12)
        rig.ask(2, text[:9], limit_tokens=7, alternatives=3)
        rig.settle()
        rig.ask(1, text[:33] + text[5:8], limit_tokens=6)
        rig.ask(2, text[:11], limit_tokens=5, alternatives=2, temperature=0.7, seed=4)
        rig.settle()
    for run in plain.events:
        for alternative in range(plain.requests[run].alternatives):
            assert static.tokens(run, alternative) == plain.tokens(run, alternative)


def test_attention_that_has_no_fixed_shape_is_refused(model: Model) -> None:
    caches = KeyValues(model.layout, 1, CACHE_ROWS)
    step = StaticStep(caches, model.layout, 1, CACHE_ROWS)
    module = torch.nn.Module()
    with pytest.raises(NotRecordable, match="sinks"):
        step.attend(module, *(torch.zeros(1, 2, 1, 8),) * 3, {"softcap": 30.0, "s_aux": None})


def test_small_steps_are_recorded_and_long_ones_are_not(
    model: Model, make_rig: Callable[[EngineCore], Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(core_with_recorded_steps(model, prefill_tokens=2 * ROWS[-1]))
    rows = plain_calls(monkeypatch)
    rig.write(1, random_tokens(model, ROWS[-1] // 2, 5), limit_tokens=6)
    assert rows == []
    rig.write(2, random_tokens(model, 2 * ROWS[-1], 6), limit_tokens=6)
    assert rows == [2 * ROWS[-1]]


def test_no_recorded_step_is_larger_than_memory_should_bear(model: Model) -> None:
    caches = KeyValues(model.layout, 1, 1 << 13)
    made = RecordedSteps(forward_of(model.model), caches, model.layout, capture=False)
    made.prepare()
    shapes = list(made._steps)
    assert max(rows * length for rows, length in shapes) == MOST_PLACES
    assert {length for rows, length in shapes if rows == 1} == {256, 512, 1024, 2048, 4096, 8192}
    text = random_tokens(model, ROWS[-1], 8)
    assert made.run(Step(caches, [span(0, 0, text)])) is not None
    assert made.run(Step(caches, [span(0, (1 << 13) - len(text), text)])) is None


def test_recording_reports_its_progress(model: Model) -> None:
    runner = RecordedStepRunner(model.model)
    told: list[Progress] = []
    assert record_steps(runner, model.core(runner=runner), told.append, capture=False)
    fractions = [progress.fraction for progress in told]
    assert len(fractions) >= len(ROWS)
    assert fractions == sorted(fractions, key=lambda part: part or 0)
    assert {progress.stage for progress in told} == {"recording small steps"}


def test_a_model_without_fixed_shapes_is_run_plainly(
    model: Model,
    make_rig: Callable[[EngineCore], Rig],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def attend(*_: object) -> torch.Tensor:
        raise NotRecordable("its attention has sinks")

    text = random_tokens(model, 12, 9)
    rig = make_rig(model.core(eos=False))
    want = rig.tokens(rig.write(1, text, limit_tokens=5))
    monkeypatch.setattr(StaticStep, "attend", attend)
    runner = RecordedStepRunner(model.model)
    rig = make_rig(model.core(eos=False, runner=runner))
    assert not record_steps(runner, rig.core, lambda _: None, capture=False)
    assert "its attention has sinks" in caplog.text
    assert rig.tokens(rig.write(1, text, limit_tokens=5)) == want


def test_recorded_steps_that_compute_something_else_are_not_used(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    fill = StaticStep.fill

    def forgetful(self: StaticStep, step: Step) -> None:
        fill(self, step)
        self.positions.zero_()

    monkeypatch.setattr(StaticStep, "fill", forgetful)
    runner = RecordedStepRunner(model.model)
    core = model.core(eos=False, runner=runner)
    assert not record_steps(runner, core, lambda _: None, capture=False)
    rows = plain_calls(monkeypatch)
    runner.forward(Step(core.caches, [span(0, 0, [1])]))
    assert rows == [1]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without an NVIDIA GPU")
def test_where_nothing_can_be_recorded_steps_are_run_plainly(model: Model) -> None:
    runner = RecordedStepRunner(model.model)
    core = model.core(eos=False, runner=runner)
    assert not record_steps(runner, core, lambda _: None, capture=True)
