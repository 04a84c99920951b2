"""How Sphinx builds the documentation site. `make docs` runs it; the pages are the Markdown files of this folder.

Links of the pages are written so that they work in the repository. What a link leads to decides what becomes of it on
the site: a file that the site has as a page is linked there; other files of the repository are linked at
`AFTERWORD_SOURCE_URL` if that variable is set, and are plain text otherwise, because the site does not contain them.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
REPOSITORY = DOCS.parent
SOURCE_URL = os.environ.get("AFTERWORD_SOURCE_URL", "").rstrip("/")

project = "Afterword"
author = "The Afterword authors"
release = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4
exclude_patterns: list[str] = []
highlight_language = "text"

# The reference of the Python client comes from its docstrings, which mark code with single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["torch", "transformers"]

html_theme = "furo"
html_title = f"Afterword {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}

PAGES = {
    "protocol/PROTOCOL.md": "protocol.md",
    "client-js/README.md": "javascript-client.md",
    "client-js/BINDINGS.md": "javascript-bindings.md",
    "client-js/ACCESSIBILITY.md": "javascript-accessibility.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security-reports.md",
    "bench/README.md": "benchmark-method.md",
}
"""Files outside this folder that are pages, and the pages that include them."""

LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\[\]]+)\]\((?P<target>[^()\s]+)\)")
HAND_SET_ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


def on_the_site(text: str, folder: Path) -> str:
    """The Markdown of a file in `folder`, with links that lead to the right place on the site."""

    def link(match: re.Match[str]) -> str:
        target, hash_sign, anchor = match["target"].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        path = (folder / target).resolve()
        inside = path.relative_to(REPOSITORY).as_posix() if path.is_relative_to(REPOSITORY) else ""
        if inside in PAGES:
            return f"[{match['text']}]({PAGES[inside]}{hash_sign}{anchor})"
        if path.is_relative_to(DOCS):
            return f"{match['image']}[{match['text']}]({path.relative_to(DOCS).as_posix()}{hash_sign}{anchor})"
        if not path.exists():
            return match[0]  # Sphinx says that it is broken
        return f"[{match['text']}]({SOURCE_URL}/{inside})" if SOURCE_URL else match["text"]

    def turned(lines: list[str]) -> str:
        # Not line by line: the words of a link may run on into the next line.
        return HAND_SET_ANCHOR.sub(r"[]{#\1}", LINK.sub(link, "\n".join(lines)))

    parts, prose, fence = [], [], ""
    for line in text.split("\n"):
        begins = FENCE.match(line)
        if begins and not fence:
            parts += [turned(prose)] if prose else []
            prose, fence = [], begins[1]
            parts.append(line)
        elif fence:
            fence = "" if begins and line.strip().startswith(fence) else fence
            parts.append(line)
        else:
            prose.append(line)
    return "\n".join([*parts, turned(prose)] if prose else parts)


def read_page(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn the links of a page."""
    source[0] = on_the_site(source[0], DOCS)


def read_included(app: Sphinx, path: Path, page: str, content: list[str]) -> None:
    """Turn the links of a file that a page includes."""
    if path.suffix == ".md":
        content[0] = on_the_site(content[0], (DOCS / path).resolve().parent)


def setup(app: Sphinx) -> None:
    """Hear of each page and each included file as it is read."""
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
