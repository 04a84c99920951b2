"""Parts of documents that are written by the program: checked, or renewed, between two marks."""

from __future__ import annotations

from pathlib import Path


def keep_current(arguments: list[str], page: Path, name: str, content: str, command: str) -> int:
    """Print `content`; with `--check` compare what is in `page` with it, or with `--write` renew it there.

    It stands between `<!-- name -->` and `<!-- /name -->`. `command`: how to call this. Returns an exit status.
    """
    if arguments not in ([], ["--check"], ["--write"]):
        print(f"usage: {command} [--check | --write]")
        return 2
    if not arguments:
        print(content)
        return 0
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = page.read_text("utf-8")
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        print(f"{page} lacks the marks {begin} and {end}, between which the table of {name} belongs")
        return 1
    wanted = f"{before}{begin}\n{content}\n{end}{after}"
    if arguments == ["--write"]:
        page.write_text(wanted, "utf-8")
    elif text != wanted:
        print(f"the table of {name} in {page} is out of date: run  {command} --write")
        return 1
    return 0
