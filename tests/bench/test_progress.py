"""What is said while long work goes on."""

from __future__ import annotations

import io
import re

import pytest
from bench import progress
from bench.progress import ProgressLine


def test_each_line_says_how_long_it_has_taken_and_about_how_long_it_will_still_take() -> None:
    stream = io.StringIO()
    told = ProgressLine(300, stream)
    told.say("one")
    told.advance(30)
    told.say("two")
    lines = stream.getvalue().splitlines()
    assert re.fullmatch(r"\[0:0\d, about 5:00 left\] one", lines[0])
    assert re.fullmatch(r"\[0:0\d, about 4:30 left\] two", lines[1])


def test_the_rest_is_expected_at_the_pace_of_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    told = ProgressLine(300)
    now[0] = 200.0
    told.advance(100)
    assert told.left_s == 400
    now[0] = 100_000.0
    assert told.left_s == 200 * progress.SLOWEST, "a machine that slept does not make it endless"
    told.advance(1000)
    assert told.left_s == 0
