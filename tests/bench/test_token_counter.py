"""Counters of servers, as Prometheus reads them."""

from __future__ import annotations

from bench.replay.token_counter import AFTERWORD, LLAMA, TokenCounts, counts, total

PAGE = """# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 7
llamacpp:prompt_tokens_cached_total 600
llamacpp:tokens_predicted_total 6
llamacpp:tokens_predicted_seconds_total 0.03
afterword_engine_step_rows_sum{engine="0"} 100.0
afterword_engine_step_rows_sum{engine="1"} 20.0
afterword_engine_step_rows_count{engine="0"} 9.0
afterword_written_tokens_total 30.0
afterword_engine_lookahead_rows_total{engine="0"} 8.0
afterword_engine_lookahead_rows_total{engine="1"} 2.0
"""


def test_counters_are_added_up_over_names_and_labels() -> None:
    assert counts(PAGE, LLAMA) == TokenCounts(computed=13, written=6, ahead=None)
    assert counts(PAGE, AFTERWORD) == TokenCounts(computed=120, written=30, ahead=10)


def test_a_server_that_lacks_a_counter_does_not_tell() -> None:
    assert total(PAGE.replace("tokens_predicted_total", "other"), LLAMA.computed) is None
    assert counts("", AFTERWORD) == TokenCounts(None, None, None)


def test_what_was_counted_since_is_known_only_where_it_was_known_before() -> None:
    before = TokenCounts(computed=100, written=None, ahead=3)
    assert counts(PAGE, AFTERWORD).since(before) == TokenCounts(computed=20, written=None, ahead=7)
