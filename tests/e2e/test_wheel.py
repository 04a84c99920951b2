"""What is in the wheel: the program, and the built page, which git does not know."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGE = {"index.html": "<!doctype html>", "favicon.svg": "<svg/>", "assets/main-a1b2.js": "1", "licenses.md": "MIT"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what a distribution is built from, with a page in the place of the built one."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("server", "protocol"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", "page")
        shutil.copytree(REPOSITORY / name, source / name, ignore=ignored)
    for name, content in PAGE.items():
        path = source / "server" / "afterword" / "page" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return source


def built(source: Path, target: str) -> Path:
    """The distribution of one kind that is built from a source."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", "out"],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (path,) = (source / "out").iterdir()
    return path


def test_the_wheel_has_the_page_beside_the_program(source: Path) -> None:
    with zipfile.ZipFile(built(source, "wheel")) as wheel:
        names = set(wheel.namelist())
        assert {f"afterword/page/{name}" for name in PAGE} <= names
        assert wheel.read("afterword/page/index.html").decode() == PAGE["index.html"]
    assert {
        "afterword/gateway/http/static_files.py",
        "afterword/cli/main.py",
        "afterword_protocol/messages.py",
    } <= names
    assert {f"afterword/worker/native/{name}" for name in ("decoder.cpp", "matrix.h", "simd.h")} <= names
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"afterword", "afterword_protocol"}


def test_a_wheel_built_from_the_source_distribution_has_it_too(source: Path) -> None:
    with tarfile.open(built(source, "sdist")) as archive:
        names = archive.getnames()
    assert [name for name in names if name.endswith("server/afterword/page/assets/main-a1b2.js")]
