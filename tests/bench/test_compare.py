"""Two checkouts against each other: what is said of the values, and that both run with their own code."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.afterword_server import variables_for
from bench.compare.__main__ import main
from bench.compare.measurements import MEASUREMENTS, answer_ms, named
from bench.compare.ratios import Compared, Side, SpeedVerdict, section
from bench.wire_client import TimedAsk

from afterword_protocol.messages import Done, Reason, Timing, Usage

ROOT = Path(__file__).parents[2]


def compared(base: list[list[float]], this: list[list[float]]) -> Compared:
    return Compared("a figure", rounds={Side.BASE: list(base), Side.THIS: list(this)})


@pytest.mark.parametrize(
    ("this", "ratio", "verdict"),
    [
        ([[12, 12], [11, 11], [13, 13]], 1.2, SpeedVerdict.SLOWER),
        ([[12, 12], [9, 9], [13, 13]], 1.2, SpeedVerdict.SAME),  # one round was faster: noise
        ([[10.4], [10.4], [10.4]], 1.04, SpeedVerdict.SAME),
        ([[8], [9], [8]], 0.8, SpeedVerdict.FASTER),
        ([[8], [11], [8]], 0.8, SpeedVerdict.SAME),
        ([[math.inf], [math.inf], [math.inf]], math.inf, SpeedVerdict.SLOWER),
    ],
)
def test_slower_is_what_is_slower_over_all_and_in_every_round(
    this: list[list[float]], ratio: float, verdict: SpeedVerdict
) -> None:
    one = compared([[10, 10], [10, 10], [10, 10]], this)
    assert one.ratio == pytest.approx(ratio)
    assert one.verdict is verdict


def test_a_single_round_proves_nothing() -> None:
    assert compared([[10, 10, 10]], [[20, 20, 20]]).verdict is SpeedVerdict.SAME


def test_the_table_shows_both_medians_with_their_spread_and_the_ratio_with_its_rounds() -> None:
    made = section({"a figure": compared([[10, 10], [20]], [[11, 11], [30]])}, "the base")
    assert made.table[1] == [
        "a figure",
        "10.0 (10.0-20.0, n 3) ms",
        "11.0 (11.0-30.0, n 3) ms",
        "1.10 (1.10-1.50)",
        "slower",
    ]
    assert json.loads(json.dumps(made.raw, allow_nan=False)) == {
        "a figure": {"base": [[10, 10], [20]], "this": [[11, 11], [30]]}
    }


def test_what_was_not_measured_of_one_side_says_nothing() -> None:
    one = compared([[10]], [])
    assert one.verdict is SpeedVerdict.SAME
    assert section({"a figure": one}, "the base").table[1][3] == "unknown"


def test_being_told_that_there_is_nothing_is_an_answer_and_being_superseded_is_none() -> None:
    def asked(reason: Reason) -> float:
        done = Done(doc="a", id=1, reason=reason, usage=Usage(), timing=Timing())
        return answer_ms(TimedAsk(sent=1.0, done=done, done_at=1.25))

    assert asked(Reason.END) == 250
    assert asked(Reason.SUPERSEDED) == math.inf
    assert answer_ms(TimedAsk(sent=1.0)) == math.inf
    assert answer_ms(TimedAsk(sent=1.0, first_token=1.5)) == 500


def test_a_checkout_runs_its_own_code(tmp_path: Path) -> None:
    other = tmp_path / "server" / "afterword"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    for checkout, where in ((tmp_path, other), (ROOT, ROOT / "server" / "afterword")):
        told = subprocess.run(
            [sys.executable, "-c", "import afterword; print(afterword.__file__)"],
            env=os.environ | dict(variables_for(checkout)),
            capture_output=True,
            text=True,
            check=True,
        )
        assert Path(told.stdout.strip()).parent == where


BASE = ("--base", str(ROOT))


@pytest.mark.parametrize("wrong", [["--base", "/nowhere"], [*BASE, "sooner"], [*BASE, "--rounds", "0"], []])
def test_what_makes_no_sense_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(wrong)


def test_measurements_are_chosen_by_name_in_their_order() -> None:
    assert list(named(["open", "start"])) == ["start", "open"]
    assert named([]) == dict(MEASUREMENTS)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_both_sides_are_measured_in_turns(tiny_model_folder: Any, tmp_path: Path) -> None:
    base = tmp_path / "base"
    for part in ("server", "protocol"):
        shutil.copytree(ROOT / part, base / part, ignore=shutil.ignore_patterns("__pycache__"))
    results = tmp_path / "results.json"
    chosen = ["start", "diverge", "--base", str(base), "--rounds", "1", "--model", str(tiny_model_folder("qwen3"))]
    told = subprocess.run(
        [sys.executable, "-m", "bench", "compare", *chosen, "--json", str(results)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert told.returncode in (0, 1), told.stderr
    raw = json.loads(results.read_text())["sections"][0]["raw"]
    assert set(raw) == {"start to ready", "diverging edit to done"}
    for sides in raw.values():
        assert all(value > 0 for side in ("base", "this") for values in sides[side] for value in values)
    assert "round 1 of 1, base: diverge" in told.stderr
