"""Choosing a token from a row of logits."""

from __future__ import annotations

import pytest
import torch

from afterword.worker.decoding.sampling import Sampler, best
from afterword.worker.scheduler.sequence import generator_for

choose = Sampler().choose
TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


def test_greedy_takes_the_likeliest():
    row = torch.tensor([0.0, 3.0, 1.0])
    choice = choose(row)
    assert choice.token == 1
    assert choice.logprob == pytest.approx(float(row.log_softmax(-1)[1]))


def test_a_narrowed_choice_reports_the_probability_it_has_without_narrowing():
    row = torch.tensor([0.0, 3.0, 1.0, 2.0])
    choice = choose(row, torch.tensor([0, 3]))
    assert choice.token == 3
    assert choice.logprob == pytest.approx(float(row.log_softmax(-1)[3]))


def test_a_temperature_does_not_change_the_reported_probability():
    row = torch.tensor([0.0, 3.0, 1.0])
    choice = choose(row, None, 5.0, generator_for(1, 0))
    assert choice.logprob == pytest.approx(float(row.log_softmax(-1)[choice.token]))


def test_tokens_are_drawn_as_often_as_they_are_likely():
    row = torch.tensor([0.0, 2.0, float("-inf"), 1.0])
    generator = generator_for(3, 0)
    draws = [choose(row, None, 2.0, generator).token for _ in range(4000)]
    wanted = torch.softmax(row / 2.0, -1)
    for token in range(4):
        assert draws.count(token) / 4000 == pytest.approx(float(wanted[token]), abs=0.03)
    assert 2 not in draws


def test_a_seed_repeats_its_draws_and_each_alternative_has_its_own():
    def draws(seed, alternative):
        generator = generator_for(seed, alternative)
        return [choose(torch.zeros(50), None, 1.0, generator).token for _ in range(20)]

    assert draws(4, 0) == draws(4, 0)
    assert len({tuple(draws(seed, alternative)) for seed in (4, 5) for alternative in (0, 1)}) == 4


def test_no_seed_means_different_draws():
    first, second = generator_for(None, 0), generator_for(None, 0)
    assert first.initial_seed() != second.initial_seed()


def test_the_best_are_distinct_and_in_order_and_leave_out_what_is_excluded():
    row = torch.tensor([5.0, 1.0, float("-inf"), 3.0, 4.0])
    assert [choice.token for choice in best(row, 3)] == [0, 4, 3]
    assert [choice.token for choice in best(row, 3, but=frozenset({0}))] == [4, 3, 1]
    assert [choice.token for choice in best(row, 9)] == [0, 4, 3, 1]
    assert [choice.token for choice in best(row, 2, torch.tensor([1, 3]))] == [3, 1]


def test_a_seeded_run_repeats(rig):
    runs = [rig.write(document, TEXT, limit_tokens=16, temperature=1.5, seed=11) for document in (1, 2)]
    assert rig.tokens(runs[0]) == rig.tokens(runs[1])
    other = rig.write(3, TEXT, limit_tokens=16, temperature=1.5, seed=12)
    assert rig.tokens(other) != rig.tokens(runs[0])


def test_a_seeded_run_gives_the_same_beside_others(each_model, make_rig):
    alone = make_rig(each_model.core(eos=False, slots=8))
    expected = alone.write(1, TEXT, limit_tokens=12, temperature=1.2, seed=5, alternatives=2)
    rig = make_rig(each_model.core(eos=False, slots=8))
    for document in range(2, 9):
        rig.ask(document, [*TEXT[: document - 1], document], limit_tokens=20, temperature=0.8, seed=document)
    run = rig.write(1, TEXT, limit_tokens=12, temperature=1.2, seed=5, alternatives=2)
    for alternative in range(2):
        assert rig.tokens(run, alternative) == alone.tokens(expected, alternative)


def test_a_seeded_run_gives_the_same_with_a_pause_in_it(rig):
    at_once = rig.write(1, TEXT, limit_tokens=10, temperature=1.5, seed=2)
    run = rig.write(2, TEXT, limit_tokens=4, temperature=1.5, seed=2)
    rig.raise_limit(run, 10)
    rig.settle()
    assert rig.tokens(run) == rig.tokens(at_once)
