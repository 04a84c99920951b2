"""Writes the generated files of the protocol: `python -m afterword_protocol.schema [--check]`.

What lives here: which files there are, writing them, and saying which are out of date. What is in them comes from
`json_schema.py` and `asyncapi.py`. Needed only where the repository is checked out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from afterword_protocol import asyncapi, json_schema, specification
from afterword_protocol.json_schema import Schema
from afterword_protocol.specification import MessageNotes

ROOT = Path(__file__).parent.parent
CLIENT_FILE = "schema/client-message.json"
SERVER_FILE = "schema/server-message.json"
ASYNCAPI_FILE = "asyncapi.yaml"


def generated(notes: dict[str, MessageNotes]) -> dict[str, str]:
    """The text of every generated file, by its path in the protocol folder."""
    client, server = json_schema.client_schema(notes), json_schema.server_schema(notes)
    return {
        CLIENT_FILE: _as_json(client),
        SERVER_FILE: _as_json(server),
        ASYNCAPI_FILE: asyncapi.as_yaml(asyncapi.document(notes, CLIENT_FILE, SERVER_FILE)),
    }


def out_of_date(files: dict[str, str], root: Path = ROOT) -> list[str]:
    """Paths of the files that are missing under `root` or differ from what is generated."""
    return [name for name, text in files.items() if _read(root / name) != text]


def main(arguments: list[str] | None = None, root: Path = ROOT, say: Callable[[str], object] = print) -> int:
    """Write the files, or with `--check` only compare; 1 when something is out of date."""
    parser = argparse.ArgumentParser(prog="python -m afterword_protocol.schema", description="Generate the schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 naming files out of date")
    options = parser.parse_args(arguments)
    files = generated(specification.read())
    stale = out_of_date(files, root)
    if options.check:
        for name in stale:
            say(f"{name} is out of date: run python -m afterword_protocol.schema")
        return 1 if stale else 0
    for name in stale:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(files[name], encoding="utf-8")
        say(f"wrote {name}")
    return 0


def _as_json(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
