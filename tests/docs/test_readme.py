"""The README stays short, and shows examples as they are."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text("utf-8")
MOST_LINES = 200


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_code_that_names_its_file_is_that_file() -> None:
    shown = re.findall(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert shown
    assert [name for name, code in shown if (REPOSITORY / name).read_text("utf-8") != code] == []
