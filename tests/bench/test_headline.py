"""The five rows of figures that go into README.md."""

from __future__ import annotations

from pathlib import Path

from bench.cold_paths import END, MEND, OPEN, PASTE
from bench.headline import Headline
from bench.replay.outcomes import PROSE, UNFORESEEN, Load, Outcome, Trial
from bench.replay.plan import ReplayPlan
from bench.replay.server import Description
from bench.replay.servers import AFTERWORD, LLAMA
from bench.replay.trials import Results
from bench.report import BEGIN, Section, write_figures
from bench.report import END as END_MARK

MACHINE = {"processor": "one", "memory": "2 GiB", "versions": "none"}
PLAN = ReplayPlan()


def a_trial(server: str, writers: int, text: str, first_ms: float | None) -> Trial:
    load = Load(writers, 300, 200, "plain", text)
    return Trial(server, load, [Outcome(first_ms, None, 4, True)] * 10, [300.0], 40, 1.0, 100.0, 0, 0.1)


def test_five_rows_name_what_a_newcomer_asks_first() -> None:
    results = Results(
        [
            a_trial(AFTERWORD, 1, PROSE, 2.0),
            a_trial(AFTERWORD, 8, PROSE, 3.0),
            a_trial(LLAMA, 1, PROSE, 8.0),
            a_trial(LLAMA, 8, PROSE, 60.0),
            a_trial(AFTERWORD, 1, UNFORESEEN, 6.0),
            a_trial(LLAMA, 1, UNFORESEEN, 12.0),
            a_trial(AFTERWORD, 64, PROSE, None),
        ],
        descriptions={LLAMA: Description("Q4_1", "llama.cpp b1")},
    )
    shares = {PROSE: {"1": {"typed through": 0.8, "answered without a step": 0.15, "needed a step": 0.05}}}
    raw: dict[str, object] = {
        "shares": shares,
        "cold_ms": {AFTERWORD: {act: [10.0] for act in (OPEN, PASTE, END, MEND)}, LLAMA: {OPEN: [20.0, None]}},
        "cold_ratio": {AFTERWORD: {OPEN: 0.5, PASTE: None}},
    }
    headline = Headline([Section("", raw=raw)], results, PLAN)
    rows = headline.rows()
    assert len(rows) == 5
    assert rows[0][1:] == ["2.0 ms; 3.0 ms", "8.0 ms; 60.0 ms", "0.25; 0.05"]
    assert rows[1][1:3] == ["6.0 ms; not measured", "12.0 ms; not measured"]
    assert rows[2][1].startswith("80%; not measured typed through, 15%; not measured answered without a step, 5%")
    assert rows[3][1:3] == ["10 ms, 10 ms, 10 ms, 10 ms", "20 ms, not measured, not measured, not measured"]
    assert rows[3][3] == "0.50, , , "
    assert rows[4][1:3] == ["100.0%; 0.0%", "100.0%; not measured"]
    assert "llama.cpp (Q4_1; llama.cpp b1)" in headline.markdown(MACHINE)


def test_they_go_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END_MARK}\nafter\n")
    write_figures(page, Headline([], None, PLAN).markdown(MACHINE))
    written = page.read_text()
    assert written.count("| ") > 5
    assert "old" not in written
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
