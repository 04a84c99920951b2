"""Goals judged from raw numbers, and what is drawn and printed of results."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from bench.goals import Goals
from bench.plot import Panel, draw
from bench.replay import tables
from bench.replay.outcomes import PROSE, UNFORESEEN, Load, Outcome, Trial
from bench.replay.plan import ReplayPlan
from bench.replay.server import Description
from bench.replay.servers import AFTERWORD, LLAMA
from bench.replay.trials import Results
from bench.report import Section, as_markdown, as_text

PLAN = ReplayPlan(writers=(1, 8), gaps_ms=(200,), contexts=(300, 4000), clients=("plain",))


def a_trial(
    server: str, writers: int, first_ms: float | None, context: int = 300, peak_mib: float = 100, text: str = PROSE
) -> Trial:
    outcomes = [Outcome(first_ms, None, 4, True, typed_through=number < 80) for number in range(100)]
    load = Load(writers, context, 200, "plain", text)
    return Trial(server, load, outcomes, [300.0], 40, 1.0, peak_mib, 0, 0.1, written=250, ahead=50)


def measured(ours_1: float, ours_8: float | None, theirs_1: float, theirs_8: float | None) -> Results:
    return Results(
        [
            a_trial(AFTERWORD, 1, ours_1),
            a_trial(AFTERWORD, 1, ours_1, context=4000),
            a_trial(LLAMA, 1, theirs_1),
            a_trial(AFTERWORD, 8, ours_8, peak_mib=150),
            a_trial(LLAMA, 8, theirs_8),
            a_trial(AFTERWORD, 1, ours_1, text=UNFORESEEN),
            a_trial(LLAMA, 1, theirs_1, text=UNFORESEEN),
            a_trial(AFTERWORD, 8, ours_8, text=UNFORESEEN),
            a_trial(LLAMA, 8, theirs_8, text=UNFORESEEN),
        ],
        descriptions={LLAMA: Description("Q4_1", "llama.cpp b1", "slots")},
    )


def sections(one_ms: float = 20, eight_ms: float = 30) -> list[Section]:
    raw = {"step_ms": {1: [one_ms], 8: [eight_ms], 64: [8 * eight_ms]}}
    beside = {"overhead_ms": [2.0], "worse": 0.001, "start_s": 8.0}
    return [Section("The model", raw=raw), Section("The rest", raw=beside)]


def judged(of: list[Section], replay: Results | None, soon: dict[str, dict[int, bool]]) -> dict[str, bool | None]:
    return {figure.name: figure.met for figure in Goals(of, replay, PLAN, soon).judge().figures}


GOOD = {AFTERWORD: {1: True, 8: True, 16: False}, LLAMA: {1: True, 4: True, 8: False}}


def test_all_goals_can_be_met() -> None:
    met = judged(sections(), measured(10, 20, 20, 100), GOOD)
    assert len(met) == 14
    assert all(met.values()), met


def test_each_goal_can_be_missed() -> None:
    slow = [
        Section("", raw={"step_ms": {1: [30.0], 8: [60.0], 64: [1000.0]}}),
        Section("", raw={"overhead_ms": [4.0], "worse": 0.01, "start_s": 11.0}),
    ]
    replay = measured(30, None, 20, 100)
    replay.trials[1] = a_trial(AFTERWORD, 1, 90, context=4000)
    replay.trials[3] = a_trial(AFTERWORD, 8, None, peak_mib=2000)
    replay.trials[5] = a_trial(AFTERWORD, 1, 30, text=UNFORESEEN)
    met = judged(slow, replay, {AFTERWORD: {1: True, 8: False}, LLAMA: {1: True, 8: False}})
    assert not any(met.values()), met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    met = judged([], None, {})
    assert set(met.values()) == {None}
    without_llama = Results([run for run in measured(10, 20, 1, 1).trials if run.server == AFTERWORD])
    assert (
        judged([], without_llama, {AFTERWORD: {1: True}})["keystroke to first text, prose, plain client, 1 writer"]
        is None
    )


def test_an_answer_that_never_comes_is_slower_than_any() -> None:
    name = "keystroke to first text, prose, plain client, 8 writers"
    assert judged([], measured(10, None, 20, 100), GOOD)[name] is False
    assert judged([], measured(10, 20, 20, None), GOOD)[name] is True
    assert judged([], measured(10, None, 20, None), GOOD)[name] is False, "neither is no win"


def test_serving_more_than_were_tried_is_not_called_missed() -> None:
    name = "writers at 200 ms a key with a 95th percentile under 100 ms"
    assert judged([], None, {AFTERWORD: {1: True, 8: True}, LLAMA: {1: True, 8: True}})[name] is None
    assert judged([], None, {AFTERWORD: {1: True, 8: True}, LLAMA: {1: False, 8: False}})[name] is True
    assert judged([], None, {AFTERWORD: {1: False}, LLAMA: {1: False}})[name] is False


def test_the_replay_is_told_in_tables_and_plots() -> None:
    results = measured(10, 20, 20, None)
    results.notes.append("vLLM could not be run: why\nand more")
    made = tables.sections(results)
    text = as_text({}, made)
    assert "later than the next key" in text
    assert "vLLM could not be run: why" in text
    markdown = as_markdown({"processor": "one", "memory": "2 GiB", "versions": "none"}, made, "![image](x.svg)")
    rows = [line for line in markdown.splitlines() if line.startswith("|") and AFTERWORD in line]
    assert len(rows) == 5
    assert markdown.count("Q4_1; llama.cpp b1") == 4, "precision and version stand in every line"
    assert rows[0].count("| 2.5, and 0.5 rows ahead |") == 1
    assert "| 80% |" in rows[0], "the share that was typed through"
    assert "10.0 (10.0-10.0), 10.0" in rows[0]
    assert "![image](x.svg)" in markdown
    titles = [panel.title for panel in tables.panels(results, PLAN)]
    assert len(titles) == 3


def test_a_plot_is_well_formed_and_shows_every_line_by_name() -> None:
    lines = {"afterword, median": [(1, 10.0), (8, 20.0)], "llama.cpp, median": [(1, 20.0), (8, math.inf)]}
    panels = [Panel("A & B", "writers", "ms", lines, doubling=True), Panel("Memory", "writers", "MiB", lines)]
    svg = draw(panels)
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"A & B", "Memory", "afterword, median", "llama.cpp, median"} <= set(words)
    assert draw(panels) == svg, "the same numbers give the same file"


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(ValueError, match="nothing"):
        draw([Panel("Empty", "x", "y", {"one": [(1, math.inf)]})])
