"""What goes into a step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from afterword.worker.scheduler.plan import Need, Urgency, plan

needs = st.lists(
    st.builds(
        Need, st.integers(1, 999), st.sampled_from(Urgency), st.integers(0, 90), st.integers(0, 9), st.integers(0, 9)
    ),
    max_size=20,
    unique_by=lambda need: need.run,
)  # fmt: skip


def test_the_shortest_prefill_goes_first():
    assert plan([Need(1, Urgency.FIRST, 50), Need(2, Urgency.FIRST, 30)], 64, 16) == [(2, 30), (1, 34)]


def test_of_equal_prefills_the_one_that_came_first_goes_first():
    assert plan([Need(2, Urgency.FIRST, 40), Need(1, Urgency.FIRST, 40)], 64, 16) == [(1, 40), (2, 24)]


def test_rows_that_continue_texts_ride_along_with_a_full_prefill():
    assert plan([Need(1, Urgency.FIRST, 500), Need(2, Urgency.NEXT, 1)], 64, 16) == [(1, 64), (2, 1)]


def test_a_step_stays_short_while_a_short_first_token_is_waiting():
    assert plan([Need(1, Urgency.FIRST, 500), Need(2, Urgency.FIRST, 3)], 64, 16) == [(2, 3), (1, 13)]


def test_a_text_that_must_be_computed_again_does_not_make_a_short_step_long():
    assert plan([Need(1, Urgency.NEXT, 500), Need(2, Urgency.FIRST, 3)], 64, 16) == [(2, 3), (1, 16)]


def test_a_long_prefill_does_not_wait_for_ever_for_shorter_ones():
    rows, steps = 400, 0
    while rows > 0:
        crowd = [Need(run, Urgency.FIRST, 16) for run in range(2 + 9 * steps, 11 + 9 * steps)]
        rows -= dict(plan([Need(1, Urgency.FIRST, rows, 0, steps), *crowd], 64, 16)).get(1, 0)
        steps += 1
        assert steps < 200


def test_those_that_waited_longest_continue_first():
    assert plan([Need(1, Urgency.NEXT, 1, 8), Need(2, Urgency.NEXT, 1, 7)], 1, 1) == [(2, 1)]


def test_caches_are_filled_only_when_nobody_waits():
    fill, other = Need(1, Urgency.FILL, 10), Need(2, Urgency.NEXT, 1)
    assert plan([fill, other], 64, 16) == [(2, 1)]
    assert plan([fill], 64, 16) == [(1, 10)]


def test_nothing_to_do_is_an_empty_step():
    assert plan([], 64, 16) == []
    assert plan([Need(1, Urgency.NEXT, 0)], 64, 16) == []


@given(needs)
def test_a_step_is_within_its_budget_and_never_empty_while_something_is_to_be_done(needs):
    chosen = plan(needs, 64, 16)
    lacking = {need.run: need.rows for need in needs if need.rows}
    assert bool(chosen) == bool(lacking)
    assert sum(rows for _, rows in chosen) <= 2 * 64
    assert all(0 < rows <= lacking[run] for run, rows in chosen)
    assert len({run for run, _ in chosen}) == len(chosen)


@given(needs)
def test_a_first_token_never_waits_for_anything_but_shorter_first_tokens(needs):
    chosen = dict(plan(needs, 64, 16))
    first = sorted((need.length, need.run) for need in needs if need.kind is Urgency.FIRST and need.rows)
    if first:
        assert first[0][1] in chosen
        served = [run in chosen for _, run in first]
        assert served == sorted(served, reverse=True)
