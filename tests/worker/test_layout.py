"""Sizes: what a token, a slot and a budget amount to."""

from __future__ import annotations

import pytest
import torch

from afterword.engine.options import EngineOptions
from afterword.worker.cache.key_values import KeyValues
from afterword.worker.cache.layout import LayerLayout, Layout, choose_context, slots_for
from afterword.worker.errors import UnsupportedModelError
from afterword.worker.loading import core_config

LAYOUT = Layout(tuple(LayerLayout(index, 3, 64, 64) for index in range(30)), torch.float32, torch.device("cpu"), 49152)


def test_a_token_takes_keys_and_values_in_every_layer():
    assert LAYOUT.bytes_per_token == 30 * 3 * (64 + 64) * 4


@pytest.mark.parametrize("budget", [256 << 20, 1 << 30, 8 << 30])
@pytest.mark.parametrize("context", [256, 2048, 8192])
def test_slots_stay_within_the_budget_when_more_than_one_fits(budget, context):
    slots = slots_for(LAYOUT, context, budget)
    assert slots >= 1
    if slots > 1:
        assert slots * LAYOUT.slot_bytes(context + 256) <= budget


def test_a_chosen_context_leaves_room_for_several_documents():
    context = choose_context(LAYOUT, None, 1 << 30)
    assert context >= 1024
    assert slots_for(LAYOUT, context, 1 << 30) >= 8


def test_a_chosen_context_stays_within_what_the_model_knows():
    assert choose_context(LAYOUT, 1024, 64 << 30) == 1024 - 256


def test_a_context_longer_than_the_model_knows_is_refused(model, tmp_path):
    options = EngineOptions(folder=tmp_path, name="x", context_tokens=513)
    with pytest.raises(UnsupportedModelError, match="513 tokens was requested, but the model has 512"):
        core_config(model.layout, model.model.config, options)


def test_a_budget_too_small_for_one_document_is_refused_with_what_it_takes(model, tmp_path):
    options = EngineOptions(folder=tmp_path, name="x", context_tokens=256, cache_mb=0)
    with pytest.raises(
        UnsupportedModelError, match="one document of 256 tokens takes 1 MiB, but the budget of all caches is 0 MiB"
    ):
        core_config(model.layout, model.model.config, options)


def test_slots_and_room_end_where_the_positions_of_the_model_end(model, tmp_path):
    options = EngineOptions(folder=tmp_path, name="x", context_tokens=500)
    config = core_config(model.layout, model.model.config, options)
    assert (config.context_tokens, config.room_tokens) == (500, 12)


def test_the_layout_of_each_family_is_that_of_its_caches(each_model):
    layout = each_model.layout
    assert len(layout.layers) == 3
    assert layout.vocabulary == each_model.vocabulary.size
    windows = [layer.window for layer in layout.layers]
    assert windows == ([24, None, 24] if each_model.family == "gemma3_text" else [None] * 3)


def test_reserved_memory_is_as_large_as_planned():
    layout = Layout((LayerLayout(0, 2, 8, 4), LayerLayout(5, 1, 16, 16)), torch.float32, torch.device("cpu"), 10)
    caches = KeyValues(layout, 3, 20)
    held = sum(tensor.nbytes for tensor in [*caches.keys.values(), *caches.values.values()])
    assert held == 3 * 20 * layout.bytes_per_token


def test_compacting_moves_rows_together_in_order():
    layout = Layout((LayerLayout(0, 1, 1, 1),), torch.float32, torch.device("cpu"), 10)
    caches = KeyValues(layout, 2, 8)
    caches.keys[0][1, 0, :, 0] = torch.arange(8)
    caches.compact(1, 2, [2, 4, 5, 7])
    assert caches.keys[0][1, 0, :6, 0].tolist() == [0, 1, 2, 4, 5, 7]
