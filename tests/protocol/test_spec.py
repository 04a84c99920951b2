"""`PROTOCOL.md` and the code say the same: fields, limits, names, codes and examples."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from enum import StrEnum
from typing import Annotated, Any

import pytest

from afterword_protocol import codec, json_schema, messages, specification
from afterword_protocol.codes import CloseCode, ReconnectAdvice
from afterword_protocol.messages import (
    Boundaries,
    Delivery,
    ErrorCode,
    NoticeKind,
    Reason,
    Stop,
)

SPEC = specification.PATH.read_text(encoding="utf-8")
NOTES = specification.read()
KINDS: dict[str, type[Any]] = {kind.type: kind for kind in (*json_schema.client_types(), *json_schema.server_types())}
CLIENT_NAMES = {kind.type for kind in json_schema.client_types()}


# --- messages -----------------------------------------------------------------------------------------------------


def test_every_message_has_a_section_and_no_other_does() -> None:
    assert list(NOTES) == list(KINDS)


def declared(kind: type[Any], from_client: bool, path: str = "") -> typing.Iterator[tuple[str, str, str, str]]:
    """Path, type, default and limits of each field, in the words that the tables use."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        where = f"{path}{field.name}"
        inner = strip_none(hints[field.name])
        if json_schema.is_always_there(field, from_client=from_client):
            default = "required" if from_client else "always"
        else:
            default = "absent" if field.default is None else f"`{json.dumps(field.default)}`"
        array = typing.get_origin(inner) is tuple
        item = typing.get_args(inner)[0] if array else inner
        noun = noun_of(item)
        yield where, f"array of {noun}s" if array else noun, default, json_schema.limits_text(item)
        bare = strip_annotation(item)
        if dataclasses.is_dataclass(bare) and not (path and bare is Boundaries):  # explained once
            yield from declared(typing.cast(type[Any], bare), from_client, f"{where}{'[]' if array else ''}.")


def strip_none(annotation: Any) -> Any:
    return (
        next((part for part in typing.get_args(annotation) if part is not type(None)), annotation)
        if (type(None) in typing.get_args(annotation))
        else annotation
    )


def strip_annotation(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is Annotated else annotation


def noun_of(annotation: Any) -> str:
    bare = strip_annotation(annotation)
    if bare is Any:
        return "any but null"
    if dataclasses.is_dataclass(bare):
        return "object"
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return "string"
    return {str: "string", int: "integer", float: "number"}[bare]


@pytest.mark.parametrize("name", KINDS)
def test_the_field_table_of_a_message_is_that_of_its_type(name: str) -> None:
    written = [(path, note.type, note.default, note.limits) for path, note in NOTES[name].fields.items()]
    assert written == list(declared(KINDS[name], name in CLIENT_NAMES))


@pytest.mark.parametrize("name", KINDS)
def test_every_message_has_an_example(name: str) -> None:
    assert NOTES[name].examples


def all_examples() -> list[dict[str, Any]]:
    return [*specification.examples(SPEC), *(message for _, message in specification.said(SPEC))]


@pytest.mark.parametrize("example", all_examples(), ids=lambda example: example["type"])
def test_every_example_is_a_message_with_no_field_unknown(example: dict[str, Any]) -> None:
    decode = codec.decode_client if example["type"] in CLIENT_NAMES else codec.decode_server
    message = decode(json.dumps(example))
    known = {field.name for field in dataclasses.fields(message)}
    assert set(example) - {"type"} <= known


def test_every_line_of_a_transcript_is_said_by_the_right_side() -> None:
    lines = specification.said(SPEC)
    assert lines
    assert all((side == "C") == (message["type"] in CLIENT_NAMES) for side, message in lines)


def test_texts_of_examples_fit_their_boundaries() -> None:
    for example in all_examples():
        for part in [example, *example.get("alternatives", ())] if example["type"] == "done" else ():
            for ends in part.get("boundaries", {}).values():
                assert ends == sorted(set(ends))
                assert all(0 < end <= len(part["text"]) for end in ends)


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("heading", "names"), [("\n## Reasons\n", Reason), ("\n## Error codes\n", ErrorCode)])
def test_a_table_explains_each_name_once(heading: str, names: type[StrEnum]) -> None:
    assert [specification.code(row[0]) for row in specification.table(SPEC, heading)] == list(names)


def test_notices_are_explained() -> None:
    section = SPEC[SPEC.index("### `notice`") : SPEC.index("### `pong`")]
    assert re.findall(r"^- `([a-z_]+)`:", section, re.MULTILINE) == list(NoticeKind)


def test_no_error_or_reason_is_named_that_does_not_exist() -> None:
    assert set(re.findall(r"`error ([a-z_]+)`", SPEC)) <= set(ErrorCode)
    assert set(re.findall(r"`done ([a-z_]+)`", SPEC)) <= set(Reason)
    assert set(re.findall(r"`notice ([a-z_]+)`", SPEC)) <= set(NoticeKind)


OF_WEBSOCKET = {1000, 1006, 1011}  # in the table for completeness; this protocol adds nothing to their meaning


def test_close_codes_are_those_of_the_code() -> None:
    table = [int(row[0]) for row in specification.table(SPEC, "\n## Close codes\n")]
    assert table == sorted(set(CloseCode) | OF_WEBSOCKET)
    assert {int(number) for number in re.findall(r"\b4[0-9]{3}\b", SPEC)} - {4096} <= set(CloseCode)


def test_close_codes_advise_what_the_code_advises() -> None:
    advice = {int(row[0]): row[2].lower() for row in specification.table(SPEC, "\n## Close codes\n")}
    words = {
        ReconnectAdvice.AT_ONCE: r"^at once",
        ReconnectAdvice.BACK_OFF: r"^with backoff",
        ReconnectAdvice.AFTER_CHANGE: r"^not at all|^not before|after a change",
    }
    for known in CloseCode:
        assert re.search(words[known.reconnect], advice[known]), known


def test_enumerated_values_are_explained() -> None:
    delivery = [specification.code(row[0]) for row in specification.table(SPEC, "\n## Delivery and quiet\n")]
    assert delivery == list(Delivery)
    suggest = SPEC[SPEC.index("### `suggest`") : SPEC.index("### `extend`")]
    explained = suggest[suggest.index("`stop` names") :]
    assert [name for name in Stop if f"`{name}`" not in explained] == []


def test_constants_are_named() -> None:
    assert f"`{messages.PATH}`" in SPEC
    assert f"`{messages.SUBPROTOCOL}`" in SPEC
    assert f"`offsets` is `{messages.OFFSETS}`" in SPEC
    assert f"at most {codec.MAX_PING_BYTES} bytes" in SPEC


# --- links --------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """Anchors that renderers of Markdown give to headings, and those set by hand."""
    slugs: set[str] = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.M):
        slugs.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return slugs


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", SPEC)
    assert targets
    inside = {target[1:] for target in targets if target.startswith("#")}
    assert inside - anchors(SPEC) == set()
    files = {target for target in targets if not target.startswith("#")}
    assert [file for file in files if not (specification.PATH.parent / file).exists()] == []
