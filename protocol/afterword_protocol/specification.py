"""Reads `PROTOCOL.md`: field tables and JSON examples by message type, other tables, and transcripts.

What lives here: finding those parts in the specification's Markdown. The generated schemas take their descriptions
and examples from it, so that a field is explained in one place, and the tests compare its tables with the types.
Needed only where the repository is checked out; nothing that serves connections imports it.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent.parent / "PROTOCOL.md"

_HEADING = re.compile(r"^### `(?P<type>[a-z]+)`$")
_EXAMPLE = re.compile(r"^```json\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(?P<field>[a-z_.\[\]]+)` \|(?P<cells>.*)\|$", re.MULTILINE)
_SAID = re.compile(r"^([CS]) (\{.*\})$", re.MULTILINE)
_WRITTEN = re.compile(r"^<!-- the model writes: (.*) -->$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_COLUMNS = 4  # after the name: type, default, limits, meaning


@dataclass(frozen=True, slots=True)
class FieldNote:
    """One row of a field table, as written."""

    type: str
    default: str
    limits: str
    meaning: str


@dataclass(frozen=True, slots=True)
class MessageNotes:
    """What the specification's section about one message says: its fields by dotted path, and its examples."""

    fields: dict[str, FieldNote]
    examples: list[dict[str, Any]]

    def meaning(self, path: str) -> str | None:
        """The sentence about a field; a part of an alternative means what the field of the same name means."""
        note = self.fields.get(path) or self.fields.get(path.removeprefix("alternatives[]."))
        return note.meaning if note else None


def read(text: str | None = None) -> dict[str, MessageNotes]:
    """The notes on every message that has a section of its own, in order. Reads the repository's file by default.

    Raises `ValueError` when a field table has a row of the wrong width or an example is not a JSON object.
    """
    text = PATH.read_text(encoding="utf-8") if text is None else text
    return {kind: _notes(kind, section) for kind, section in _sections(text)}


def examples(text: str) -> list[dict[str, Any]]:
    """All JSON examples in a piece of Markdown, one object for each line or block."""
    found: list[dict[str, Any]] = []
    for match in _EXAMPLE.finditer(text):
        found.extend(_objects(match["body"]))
    return found


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table after a line of the text, row by row, without the table's head."""
    lines = text[text.index("|", text.index(heading)) :].splitlines()
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows][2:]


def code(cell: str) -> str:
    """What stands in backticks at the beginning of a cell, spaces included; empty if nothing does."""
    found = re.match(r"`([^`]*)`", cell)
    return found[1] if found else ""


def said(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The lines of a transcript: `C` for the client or `S` for the server, and its message."""
    return [(side, json.loads(body)) for side, body in _SAID.findall(text)]


def transcripts(text: str) -> list[tuple[list[Any], list[tuple[str, dict[str, Any]]]]]:
    """Transcripts that name what the model writes in them: that, and the lines up to the next heading or transcript."""
    parts = re.split(_WRITTEN, text)[1:]
    return [
        (json.loads(written), said(re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]))
        for written, rest in zip(parts[::2], parts[1::2], strict=True)
    ]


def _sections(text: str) -> list[tuple[str, str]]:
    sections: list[tuple[str, list[str]]] = []
    inside = False
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            sections.append((heading["type"], []))
        if heading or re.match(r"^#{1,3} ", line):
            inside = bool(heading)
        elif inside:
            sections[-1][1].append(line)
    return [(kind, "\n".join(lines) + "\n") for kind, lines in sections]


def _notes(kind: str, section: str) -> MessageNotes:
    fields: dict[str, FieldNote] = {}
    for match in _ROW.finditer(section):
        cells = [_LINK.sub(r"\1", cell.strip()) for cell in match["cells"].split("|")]
        if len(cells) != _COLUMNS:
            raise ValueError(
                f"{kind}.{match['field']}: a field has {_COLUMNS} columns after its name, not {len(cells)}"
            )
        fields[match["field"]] = FieldNote(*cells)
    own = [example for example in examples(section) if example.get("type") == kind]
    return MessageNotes(fields, own)


def _objects(body: str) -> list[dict[str, Any]]:
    """One object over many lines, or one object a line."""
    try:
        values = [json.loads(body)]
    except json.JSONDecodeError:
        values = [json.loads(line) for line in body.splitlines() if line.strip()]
    for value in values:
        if not isinstance(value, dict):
            raise ValueError(f"an example is not a JSON object: {value!r}")
    return values
