"""Work that nobody wants any more: dropped between layers when it is all of a step, left out when it is a part."""

from __future__ import annotations

import pytest

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


class Interruption:
    """Does something when the model starts a layer, and notes which layers start."""

    def __init__(self, model, layer, action):
        self.layers = []
        self._action = action
        self._at = layer
        blocks = model.model.base_model.layers
        self._hooks = [block.register_forward_pre_hook(self._note(at)) for at, block in enumerate(blocks)]

    def _note(self, layer):
        def note(*_):
            self.layers.append(layer)
            if layer == self._at and self._action is not None:
                action, self._action = self._action, None
                action()

        return note

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for hook in self._hooks:
            hook.remove()


def test_a_stop_during_a_step_starts_no_further_layer(rig, model):
    run = rig.ask(1, TEXT, limit_tokens=5)
    with Interruption(model, 1, lambda: rig.stop(run)) as interruption:
        rig.settle()
    assert interruption.layers == [0, 1]
    assert rig.core.counters.dropped_steps == 1
    assert rig.core.counters.layers == 1  # the second layer's attention was not begun
    assert rig.events[run] == []


def test_a_request_that_diverges_during_a_step_drops_it_and_is_served_next(rig, model):
    old = rig.ask(1, TEXT, limit_tokens=5)
    runs = []
    with Interruption(model, 0, lambda: runs.append(rig.ask(1, [9, 9, *TEXT], limit_tokens=2))) as interruption:
        rig.settle()
    assert interruption.layers[:2] == [0, 0]
    assert rig.events[old] == []
    assert len(rig.tokens(runs[0])) == 2


def test_a_request_that_goes_on_from_the_rows_in_flight_does_not_drop_them(rig, model):
    old = rig.ask(1, TEXT, limit_tokens=5)
    runs = []
    with Interruption(model, 1, lambda: runs.append(rig.ask(1, [*TEXT, 7], limit_tokens=2))):
        rig.settle()
    assert rig.core.counters.dropped_steps == 0
    assert rig.events[old] == []
    assert rig.started(runs[0]).reused == len(TEXT)
    assert rig.started(runs[0]).computed == 1


def test_a_letter_that_agrees_with_the_token_in_flight_does_not_drop_it(rig, model):
    first = rig.write(1, TEXT, heal=b" t", limit_tokens=6)
    text = model.text(rig.tokens(first))
    run = rig.ask(2, TEXT, heal=b" t", limit_tokens=6)
    while not rig.tokens(run):
        rig.step()
    runs = []
    with Interruption(model, 1, lambda: runs.append(rig.ask(2, TEXT, heal=text[:3], limit_tokens=3))):
        rig.settle()
    assert rig.core.counters.dropped_steps == 0
    assert text.startswith(model.text(rig.tokens(runs[0])))


def test_a_letter_that_disagrees_with_the_token_in_flight_drops_it(rig, model):
    run = rig.ask(1, TEXT, heal=b" t", limit_tokens=9)
    while len(model.text(rig.tokens(run))) < 3:
        rig.step()
    runs = []
    with Interruption(model, 1, lambda: runs.append(rig.ask(1, TEXT, heal=b" z", limit_tokens=1))) as interruption:
        rig.step()
    assert rig.core.counters.dropped_steps == 1
    assert interruption.layers == [0, 1]
    rig.settle()
    assert model.text(rig.tokens(runs[0])).startswith(b" z")


def test_a_long_prefill_is_kept_when_only_its_end_changed(rig, model):
    rig.ask(1, TEXT * 2, limit_tokens=1)
    runs = []
    with Interruption(model, 1, lambda: runs.append(rig.ask(1, [*(TEXT * 2)[:-1], 9, 9], limit_tokens=1))):
        rig.settle()
    assert rig.core.counters.dropped_steps == 0
    assert rig.started(runs[0]).reused == 2 * len(TEXT) - 1


@pytest.mark.parametrize("how", ["stop", "forget"])
def test_the_rest_of_a_step_goes_on_without_the_stale_part(model, make_rig, how):
    alone = make_rig(model.core(eos=False))
    expected = alone.write(2, [3, *TEXT], limit_tokens=3)
    rig = make_rig(model.core(eos=False, prefill_tokens=64, short_prefill_tokens=64))
    dropped = rig.ask(1, TEXT, limit_tokens=3)
    kept = rig.ask(2, [3, *TEXT], limit_tokens=3)
    action = {"stop": lambda: rig.stop(dropped), "forget": lambda: rig.forget(1)}[how]
    with Interruption(model, 1, action) as interruption:
        rig.settle()
    assert interruption.layers[:3] == [0, 1, 2]
    assert rig.core.counters.dropped_steps == 0
    assert rig.events[dropped] == []
    assert rig.tokens(kept) == alone.tokens(expected)


def test_what_a_dropped_step_had_begun_is_not_taken_for_computed(rig, model):
    alone = rig.write(2, TEXT, limit_tokens=4)
    run = rig.ask(1, TEXT, limit_tokens=4)
    with Interruption(model, 2, lambda: rig.stop(run)):
        rig.settle()
    again = rig.write(1, TEXT, limit_tokens=4)
    assert rig.started(again).computed == len(TEXT)
    assert rig.tokens(again) == rig.tokens(alone)


def test_a_token_that_needs_no_step_does_not_wait_for_the_step_in_flight(rig, model):
    rig.write(1, TEXT, heal=b" t", limit_tokens=2)
    rig.ask(2, [5, *TEXT], limit_tokens=1)
    runs, seen = [], []

    def write():
        rig.core.emit = seen.extend
        runs.append(rig.ask(1, TEXT, heal=b" z", limit_tokens=1))

    with Interruption(model, 0, write) as interruption:
        rig.core.step()
    assert interruption.layers == [0, 1, 2]
    assert [type(event).__name__ for event in seen[:2]] == ["Started", "Sampled"]
    assert {event.run for event in seen} == {runs[0]}


def test_closing_drops_the_step_in_flight(rig, model):
    rig.ask(1, TEXT, limit_tokens=5)
    with Interruption(model, 1, rig.core.close) as interruption:
        rig.step()
    assert interruption.layers == [0, 1]


@pytest.mark.parametrize("useful", [False, True])
def test_what_is_held_back_of_a_run_that_is_stopped_meanwhile_is_told_to_nobody(rig, model, useful):
    rig.write(1, TEXT, heal=b" th", limit_tokens=4)
    run = rig.ask(1, TEXT, heal=b" the", limit_tokens=4)
    with Interruption(model, 1, lambda: rig.stop(run, useful)):
        rig.settle()
    assert rig.events[run] == []


def test_what_is_held_back_of_a_run_that_another_replaces_meanwhile_is_told_to_nobody(rig, model):
    rig.write(1, TEXT, heal=b" th", limit_tokens=4)
    old = rig.ask(1, TEXT, heal=b" the", limit_tokens=4)
    runs = []
    with Interruption(model, 1, lambda: runs.append(rig.ask(1, TEXT, heal=b" ther", limit_tokens=4))):
        rig.settle()
    assert rig.events[old] == []
    assert model.text(rig.tokens(runs[0])).startswith(b" ther")
