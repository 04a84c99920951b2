"""No two classes share a name, so that a name means one thing wherever it is read."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHARED: dict[str, str] = {}
"""Names that two classes may share, each with the reason."""


def classes_by_name(*folders: str) -> dict[str, list[str]]:
    """Every class in the Python files of these folders, nested ones included: name to files."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_no_two_classes_share_a_name() -> None:
    found = classes_by_name("server", "protocol", "bench")
    assert "Session" in found, "the classes are looked for in the right place"
    assert {name: places for name, places in found.items() if len(places) > 1 and name not in SHARED} == {}


def test_every_exception_is_needed() -> None:
    found = classes_by_name("server", "protocol", "bench")
    assert [name for name in SHARED if len(found[name]) < 2] == []
