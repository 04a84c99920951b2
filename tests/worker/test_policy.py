"""Which rows go into a step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from afterword.worker.scheduler.policy import FORGIVEN_TOKENS_PER_STEP, Need, Urgency, choose_rows, share

needs = st.lists(
    st.builds(
        Need, st.integers(1, 999), st.sampled_from(Urgency), st.integers(0, 90), st.integers(0, 9), st.integers(0, 9)
    ),
    max_size=20,
    unique_by=lambda need: need.order,
)  # fmt: skip


def test_the_shortest_prefill_goes_first():
    assert choose_rows([Need(1, Urgency.FIRST, 50), Need(2, Urgency.FIRST, 30)], 64, 16) == [(2, 30), (1, 34)]


def test_of_equal_prefills_the_one_that_came_first_goes_first():
    assert choose_rows([Need(2, Urgency.FIRST, 40), Need(1, Urgency.FIRST, 40)], 64, 16) == [(1, 40), (2, 24)]


def test_rows_that_continue_texts_ride_along_with_a_full_prefill():
    assert choose_rows([Need(1, Urgency.FIRST, 500), Need(2, Urgency.NEXT, 1)], 64, 16) == [(1, 64), (2, 1)]


def test_a_step_stays_short_while_a_short_first_token_is_waiting():
    assert choose_rows([Need(1, Urgency.FIRST, 500), Need(2, Urgency.FIRST, 3)], 64, 16) == [(2, 3), (1, 13)]


def test_a_text_that_must_be_computed_again_does_not_make_a_short_step_long():
    assert choose_rows([Need(1, Urgency.NEXT, 500), Need(2, Urgency.FIRST, 3)], 64, 16) == [(2, 3), (1, 16)]


def test_a_long_prefill_does_not_wait_for_ever_for_shorter_ones():
    rows, steps = 400, 0
    while rows > 0:
        crowd = [Need(order, Urgency.FIRST, 16) for order in range(2 + 9 * steps, 11 + 9 * steps)]
        rows -= dict(choose_rows([Need(1, Urgency.FIRST, rows, 0, steps), *crowd], 64, 16)).get(1, 0)
        steps += 1
        assert steps < 200


def test_those_that_waited_longest_continue_first():
    assert choose_rows([Need(1, Urgency.NEXT, 1, 8), Need(2, Urgency.NEXT, 1, 7)], 1, 1) == [(2, 1)]


def test_caches_are_filled_in_advance_only_when_nobody_waits():
    fill, other = Need(1, Urgency.FILL, 10), Need(2, Urgency.NEXT, 1)
    assert choose_rows([fill, other], 64, 16) == [(2, 1)]
    assert choose_rows([fill], 64, 16) == [(1, 10)]


def test_nothing_to_do_is_an_empty_step():
    assert choose_rows([], 64, 16) == []
    assert choose_rows([Need(1, Urgency.NEXT, 0)], 64, 16) == []


@given(needs)
def test_a_step_is_within_its_budget_and_never_empty_while_something_is_to_be_done(needs):
    chosen = choose_rows(needs, 64, 16)
    lacking = {need.order: need.rows for need in needs if need.rows}
    assert bool(chosen) == bool(lacking)
    assert sum(rows for _, rows in chosen) <= 2 * 64
    assert all(0 < rows <= lacking[order] for order, rows in chosen)
    assert len({order for order, _ in chosen}) == len(chosen)


@given(needs)
def test_a_first_token_never_waits_for_anything_but_shorter_first_tokens(needs):
    chosen = dict(choose_rows(needs, 64, 16))
    first = sorted(
        (need.rows - FORGIVEN_TOKENS_PER_STEP * need.waited, need.order)
        for need in needs
        if need.urgency is Urgency.FIRST and need.rows
    )
    if first:
        assert first[0][1] in chosen
        served = [order in chosen for _, order in first]
        assert served == sorted(served, reverse=True)


@given(st.integers(0, 40), st.lists(st.integers(0, 20), max_size=8))
def test_rows_are_shared_alike_and_none_is_left_that_anybody_wants(rows, wanted):
    given_rows = share(rows, wanted)
    assert all(0 <= got <= most for got, most in zip(given_rows, wanted, strict=True))
    assert sum(given_rows) == min(rows, sum(wanted))
    short = [got for got, most in zip(given_rows, wanted, strict=True) if got < most]
    assert not short or max(given_rows) <= min(short) + 1
