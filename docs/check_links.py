"""Checks that links between files of the repository lead somewhere: `python docs/check_links.py [FILE ...]`.

Looks at every Markdown file that git knows, or at the files named. A link must lead to a file or folder that git knows
too, and, if it names an anchor, to a heading or a hand-set anchor there. Links to other hosts are not followed. Sphinx
checks what the site makes of the links; this checks them as a forge or an editor shows the files.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

REPOSITORY = Path(__file__).parents[1]
HAND_SET = re.compile(r'<a id="([^"]+)">')


def tokens(text: str) -> Iterator[Token]:
    """All tokens of a Markdown text, those inside of lines too. Headings have the ids that forges give them."""
    parser = MarkdownIt("gfm-like", {"linkify": False}).use(anchors_plugin, max_level=6)
    for token in parser.parse(text):
        yield token
        yield from token.children or ()


@cache
def anchors(path: Path) -> frozenset[str]:
    """What a link into a Markdown file can name after the `#`."""
    found = list(tokens(path.read_text("utf-8")))
    headings = {str(token.attrs["id"]) for token in found if token.type == "heading_open"}
    by_hand = {name for token in found if token.type.startswith("html_") for name in HAND_SET.findall(token.content)}
    return frozenset(headings | by_hand)


def broken(path: Path, known: frozenset[Path]) -> Iterator[str]:
    """One line for each link of a file that leads nowhere. `known`: the files and folders of the repository."""
    for token in tokens(path.read_text("utf-8")):
        link = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not link or re.match(r"[a-z]+:|//", link):
            continue
        target, _, anchor = unquote(link).partition("#")
        goal = (path.parent / target).resolve() if target else path
        if goal not in known:
            yield f"{path}: {link}: there is no such file in the repository"
        elif anchor and goal.suffix == ".md" and anchor not in anchors(goal):
            yield f"{path}: {link}: there is no such heading"


def known_to_git(folder: Path) -> frozenset[Path]:
    """Every file of a working tree that git knows or would add, and every folder that has one."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    files = {path for name in listed.split("\0") if name and (path := folder / name).exists()}
    return frozenset(files | {parent for path in files for parent in path.parents})


def main(arguments: list[str]) -> int:
    """Print what is broken; returns 1 if something is."""
    known = known_to_git(REPOSITORY)
    files = [Path(name).resolve() for name in arguments] or sorted(path for path in known if path.suffix == ".md")
    lines = [line for path in files for line in broken(path, known)]
    print("\n".join(lines) or f"links of {len(files)} files lead somewhere")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
