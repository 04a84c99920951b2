"""Common beginnings of texts, and places that end alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from afterword.worker.speculation.matching import common_prefix, common_suffix, places_after

few = st.lists(st.integers(0, 2), max_size=30)
# Ids whose bytes look like parts of one another.
awkward = st.lists(st.sampled_from([0, 1, 256, 257, 65536, 65793]), max_size=40)


@given(st.lists(st.integers(0, 3), max_size=200), st.lists(st.integers(0, 3), max_size=200), st.integers(0, 200))
def test_a_common_prefix_is_as_long_as_the_texts_agree(left, right, shared):
    right = left[:shared] + right
    expected = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    assert common_prefix(left, right) == (min(len(left), len(right)) if expected is None else expected)


@given(few, few, st.integers(0, 30), st.integers(0, 30))
def test_a_common_suffix_is_a_common_prefix_backward(left, right, end, most):
    end = min(end, len(left))
    backward = common_prefix(left[:end][::-1], right[::-1])
    assert common_suffix(left, end, right, most) == min(most, backward)


@given(st.one_of(few, awkward), st.data())
def test_places_are_all_those_where_the_ending_has_just_ended(tokens, data):
    start = data.draw(st.integers(0, len(tokens)))
    ending = tokens[start : start + data.draw(st.integers(1, 3))] or [1]
    size = len(ending)
    expected = [at for at in range(size, len(tokens)) if tokens[at - size : at] == ending]
    assert list(places_after(ending, tokens)) == expected[::-1]
