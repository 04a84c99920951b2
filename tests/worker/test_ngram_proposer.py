"""Draft tokens: where they come from, and how far they are trusted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from afterword.worker.speculation.ngram_proposer import MOST_TOKENS, NgramProposer, Source

TEXT = list(range(100, 120))


def proposed(proposer, text, most=MOST_TOKENS):
    found = proposer.propose(text, most)
    return found.tokens if found else []


def left(text):
    proposer = NgramProposer()
    proposer.leave(text)
    return proposer


def test_nothing_is_proposed_for_a_text_without_repetition_that_is_new():
    assert NgramProposer().propose(TEXT, 8) is None


def test_the_text_as_it_was_is_expected_to_go_on_as_it_did():
    assert proposed(left(TEXT), TEXT[:12], 4) == TEXT[12:16]


def test_after_a_word_was_changed_the_words_after_it_are_expected():
    assert proposed(left(TEXT), [*TEXT[:12], 7], 3) == TEXT[13:16]


def test_after_a_word_was_put_in_the_words_after_it_are_expected_once_the_first_has_come():
    assert proposed(left(TEXT), [*TEXT[:12], 7, 8, 9, TEXT[12]], 3) == TEXT[13:16]


def test_after_a_word_was_taken_out_the_words_after_it_are_expected():
    assert proposed(left(TEXT), [*TEXT[:12], *TEXT[13:15]], 3) == TEXT[15:18]


def test_a_change_far_back_does_not_matter():
    text = [*TEXT[:3], 7, 8, 9, 10, *TEXT[4:15]]
    assert proposed(left(TEXT), text, 3) == TEXT[15:18]


def test_of_places_that_end_alike_the_one_that_is_alike_for_longer_counts():
    former = [1, 2, 5, 6, 7, 3, 6, 8]
    assert proposed(left(former), [1, 2, 9, 5, 6], 1) == [7]


def test_a_text_that_has_gone_its_own_way_for_long_is_not_compared_any_more():
    assert proposed(left(TEXT), [*TEXT[:5], *range(8)]) == []


def test_what_was_expected_is_expected_still_after_another_change_before_it_came():
    proposer = left(TEXT)
    proposer.leave([*TEXT[:12], 7])
    assert proposed(proposer, [*TEXT[:12], 8], 2) == TEXT[13:15]


def test_a_phrase_that_comes_again_is_expected_to_go_on_as_before():
    assert proposed(NgramProposer(), [1, 2, 3, 4, 5, 6, 7, *TEXT, 1, 2, 3, 4], 3) == [5, 6, 7]


def test_the_longest_phrase_counts_and_of_equals_the_latest():
    text = [9, 1, 2, 3, 30, 8, 1, 2, 3, 40, 2, 3, 50, 9, 1, 2, 3]
    assert proposed(NgramProposer(), text, 1) == [30]
    assert proposed(NgramProposer(), [1, 2, 30, *TEXT, 1, 2, 40, 1, 2], 1) == [40]


def test_what_goes_round_is_expected_to_go_on_going_round():
    assert proposed(NgramProposer(), [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4], 7)[:3] == [1, 2, 3]
    assert proposed(NgramProposer(), [5, 6, 5, 6, 5, 6, 5, 6], 3) == [5, 6, 5]


def test_no_more_is_proposed_than_there_are_rows_for():
    assert len(proposed(left(TEXT), TEXT[:5], 2)) == 2


def test_a_source_that_is_right_proposes_more():
    proposer = left(TEXT)
    text = [*TEXT[:3], 7]
    first = len(proposed(proposer, text))
    for _ in range(8):
        found = proposer.propose(text, MOST_TOKENS)
        proposer.judge(found, len(found.tokens), False)
    assert len(proposed(proposer, text)) > first


def test_a_source_that_is_wrong_costs_little_and_is_given_another_chance():
    proposer = left(TEXT)
    rows = []
    for _ in range(1000):
        found = proposer.propose(TEXT[:5], 8)
        rows.append(len(found.tokens) if found else 0)
        if found:
            proposer.judge(found, 0, True)
    assert sum(rows[:100]) < 100
    assert sum(rows[100:]) / 900 < 0.1
    assert sum(rows[500:]) > 0


def test_a_source_whose_luck_turns_is_trusted_again():
    proposer = left(TEXT)
    for _ in range(50):
        if found := proposer.propose(TEXT[:5], 8):
            proposer.judge(found, 0, True)
    lengths = []
    for _ in range(300):
        found = proposer.propose(TEXT[:5], 8)
        lengths.append(len(found.tokens) if found else 0)
        if found:
            proposer.judge(found, len(found.tokens), False)
    assert max(lengths) == 8


def test_sources_are_trusted_each_by_its_own_luck():
    proposer = NgramProposer()
    repeated = [1, 2, 3, 4, 5, 6, *TEXT, 1, 2, 3, 4]
    proposer.leave([*repeated, 90, 91, 92])
    assert proposer.propose(repeated, 2).source is Source.AGAIN
    for _ in range(50):
        if (found := proposer.propose(repeated, 2)) and found.source is Source.AGAIN:
            proposer.judge(found, 0, True)
    assert proposed(proposer, repeated, 2) == [5, 6]


tokens = st.lists(st.integers(0, 4), max_size=40)


@given(st.lists(tokens, max_size=6), tokens, st.integers(1, 20))
def test_whatever_was_written_a_proposal_is_short_and_made_of_known_tokens(texts, text, most):
    proposer = NgramProposer()
    for former in texts:
        proposer.leave(former)
    found = proposer.propose(text, most)
    known = {token for former in (*texts, text) for token in former}
    assert found is None or (0 < len(found.tokens) <= min(most, MOST_TOKENS) and set(found.tokens) <= known)
