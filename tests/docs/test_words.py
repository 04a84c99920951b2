"""What the architecture page and the glossary name is there in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = (REPOSITORY / "server" / "afterword", REPOSITORY / "protocol" / "afterword_protocol")
PAGES = ("architecture.md", "glossary.md", "cpu.md", "gpu.md", "keystroke.md", "compatibility.md")
CLASS = re.compile(r"^class (\w+)", re.MULTILINE)


def named(page: str, pattern: str) -> set[str]:
    """What stands in backticks on a page and has this form."""
    text = re.sub(r"^```.*?^```$", "", (REPOSITORY / "docs" / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {name for name in re.findall(r"`([^`\n]+)`", text) if re.fullmatch(pattern, name)}


@pytest.mark.parametrize("page", PAGES)
def test_each_class_that_is_named_is_defined(page: str) -> None:
    classes = {
        name for top in PACKAGES for path in top.rglob("*.py") for name in CLASS.findall(path.read_text("utf-8"))
    }
    assert named(page, r"(?:[A-Z][a-z0-9]+){2,}") - classes == set()


@pytest.mark.parametrize("page", PAGES)
def test_each_file_and_folder_that_is_named_is_there(page: str) -> None:
    paths = {path.relative_to(REPOSITORY).as_posix() for top in PACKAGES for path in [top, *top.rglob("*")]}
    mentioned = {
        name.rstrip("/") for name in named(page, r"[\w.]+(?:/[\w.]+)*/?") if "/" in name or name.endswith(".py")
    }
    elsewhere = {name for name in mentioned if (REPOSITORY / name).exists()}
    inside = {name for name in mentioned if any(f"/{path}".endswith(f"/{name}") for path in paths)}
    assert mentioned - elsewhere - inside == set()


@pytest.mark.parametrize("page", PAGES)
def test_each_package_that_is_named_is_there(page: str) -> None:
    packages = named(page, r"afterword(?:\.\w+)+")
    paths = {name: PACKAGES[0].parent / name.replace(".", "/") for name in packages}
    there = {name for name, path in paths.items() if path.exists() or path.with_suffix(".py").exists()}
    assert packages - there - {"afterword.v1", "afterword.v2"} == set()  # subprotocols


def test_the_tree_of_folders_is_the_one_that_is_there() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
    tree = text[text.index("server/afterword/\n") : text.index("client-js/  ")]
    folders = {name.rstrip("/") for line in tree.splitlines()[1:] for name in re.findall(r"(\w+/)", line[:27])}
    shown = {path.name for path in PACKAGES[0].iterdir() if path.is_dir() and any(path.glob("*.py"))}
    shown |= {path.name for path in (PACKAGES[0] / "worker").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders == shown
