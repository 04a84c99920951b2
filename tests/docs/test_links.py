"""The check of links between files finds what is broken, and nothing else."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "check_links.py"


@pytest.fixture(scope="module")
def check_links() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("check_links", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Broken = Callable[[str], list[str]]


@pytest.fixture
def broken(check_links: ModuleType, tmp_path: Path) -> Broken:
    """`broken(text)`: the links of a page with this text that lead nowhere, beside another page and a picture."""
    page, other, picture = tmp_path / "page.md", tmp_path / "other.md", tmp_path / "picture.svg"
    other.write_text('# Other page\n\n## A heading, twice\n\n## A heading, twice\n\n<a id="by-hand"></a>Here\n')
    picture.write_text("<svg/>")

    def links(text: str) -> list[str]:
        page.write_text(text)
        check_links.anchors.cache_clear()
        found = check_links.broken(page, frozenset({page, other, picture, tmp_path}))
        return [line.split(": ")[1] for line in found]

    return links


def test_links_to_files_folders_and_headings_are_right(broken: Broken) -> None:
    text = "# Page\n\n[a](other.md) [b](other.md#a-heading-twice-1) [c](other.md#by-hand) [d](#page) [e](.)"
    assert broken(text + " ![f](picture.svg)\n") == []


@pytest.mark.parametrize("link", ["missing.md", "other.md#missing", "#missing", "../elsewhere.md", "missing.svg"])
def test_a_link_that_leads_nowhere_is_found(broken: Broken, link: str) -> None:
    assert broken(f"# Page\n\n[text]({link})\n") == [link]
    assert broken(f"# Page\n\n![text]({link})\n") == [link]


def test_other_hosts_and_code_are_left_alone(broken: Broken) -> None:
    assert broken("[a](https://example.org/missing.md) `[b](missing.md)`\n\n```text\n[c](missing.md)\n```\n") == []
