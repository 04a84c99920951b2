"""Offsets in UTF-16 units and code points agree with the encoding itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from afterword_protocol.utf16 import has_lone_surrogate, points_at_end, points_at_start, units

TEXTS = st.text(alphabet=st.sampled_from("aé文👍🏽\u0301\x00"), max_size=12)


@given(TEXTS)
def test_units_are_those_of_the_encoding(text: str) -> None:
    assert units(text) == len(text.encode("utf-16-le")) // 2


@given(TEXTS, st.integers(0, 30))
def test_a_span_at_an_end_is_whole_characters_or_refused(text: str, count: int) -> None:
    whole_ends = {units(text[:points]): points for points in range(len(text) + 1)}
    whole_starts = {units(text[len(text) - points :]): points for points in range(len(text) + 1)}
    assert points_at_start(text, count) == whole_ends.get(count)
    assert points_at_end(text, count) == whole_starts.get(count)


def test_half_a_surrogate_pair_is_found_wherever_it_stands() -> None:
    assert has_lone_surrogate("a\ud83d")
    assert has_lone_surrogate("\udc4d\ud83d")
    assert not has_lone_surrogate("a👍文")
