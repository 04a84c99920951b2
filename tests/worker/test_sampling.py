"""Choosing a token from a row of logits."""

from __future__ import annotations

import pytest
import torch

from afterword.worker.decoding.sampling import COPIED_NUMBERS, Sampler, best, generator_for, kept

choose = Sampler().choose
TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


@pytest.mark.parametrize("length", [1, COPIED_NUMBERS, COPIED_NUMBERS + 1, 3 * COPIED_NUMBERS + 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_that_is_kept_is_a_copy(length: int, dtype: torch.dtype) -> None:
    rows = torch.arange(2 * length).reshape(2, length).to(dtype)
    copy = kept(rows[1])
    assert torch.equal(copy, rows[1])
    rows[1] = 0
    assert copy[-1] != 0
    assert copy.untyped_storage().nbytes() == copy.nbytes


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


def test_a_seeded_run_repeats(desk):
    runs = [desk.write(document, TEXT, limit_tokens=16, temperature=1.5, seed=11) for document in (1, 2)]
    assert desk.tokens(runs[0]) == desk.tokens(runs[1])
    other = desk.write(3, TEXT, limit_tokens=16, temperature=1.5, seed=12)
    assert desk.tokens(other) != desk.tokens(runs[0])


def test_a_seeded_run_gives_the_same_beside_others(each_model, make_desk):
    alone = make_desk(each_model.core(eos=False, slots=8))
    expected = alone.write(1, TEXT, limit_tokens=12, temperature=1.2, seed=5, alternatives=2)
    desk = make_desk(each_model.core(eos=False, slots=8))
    for document in range(2, 9):
        desk.ask(document, [*TEXT[: document - 1], document], limit_tokens=20, temperature=0.8, seed=document)
    run = desk.write(1, TEXT, limit_tokens=12, temperature=1.2, seed=5, alternatives=2)
    for alternative in range(2):
        assert desk.tokens(run, alternative) == alone.tokens(expected, alternative)


def test_a_seeded_run_gives_the_same_with_a_pause_in_it(desk):
    at_once = desk.write(1, TEXT, limit_tokens=10, temperature=1.5, seed=2)
    run = desk.write(2, TEXT, limit_tokens=4, temperature=1.5, seed=2)
    desk.raise_limit(run, 10)
    desk.settle()
    assert desk.tokens(run) == desk.tokens(at_once)
