"""Counters of servers, as Prometheus reads them."""

from __future__ import annotations

from bench.replay.meter import LLAMA, OURS, total

PAGE = """# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 7
llamacpp:prompt_tokens_cached_total 600
llamacpp:tokens_predicted_total 6
llamacpp:tokens_predicted_seconds_total 0.03
afterword_engine_step_rows_sum{engine="0"} 100.0
afterword_engine_step_rows_sum{engine="1"} 20.0
afterword_engine_step_rows_count{engine="0"} 9.0
"""


def test_counters_are_summed_over_names_and_labels() -> None:
    assert total(PAGE, LLAMA) == 13
    assert total(PAGE, OURS) == 120


def test_a_server_that_lacks_one_does_not_tell() -> None:
    assert total(PAGE.replace("tokens_predicted_total", "other"), LLAMA) is None
    assert total("", OURS) is None
