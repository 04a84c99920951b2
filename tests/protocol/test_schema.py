"""The JSON Schemas and the AsyncAPI document say what the decoder does, and are up to date."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from afterword_protocol import codec, json_schema, schema, specification
from afterword_protocol.messages import (
    Advice,
    Alternative,
    Boundaries,
    Done,
    Error,
    ErrorCode,
    Limits,
    Notice,
    NoticeKind,
    Peer,
    Pong,
    Reason,
    ServerMessage,
    Timing,
    Token,
    Usage,
    Welcome,
)

VECTORS = Path(schema.ROOT) / "vectors"

# Refused by the decoder, yet let through by a schema, and why.
BEYOND_SCHEMAS = {
    "holds half a surrogate pair": "JSON Schema has no word for surrogates",
    "must have at most 256 bytes as JSON": "JSON Schema does not count bytes",
}

CLIENT = json_schema.client_schema(specification.read())
SERVER = json_schema.server_schema(specification.read())


def fits(whole: dict[str, Any], message: Any) -> bool:
    return Draft202012Validator(whole).is_valid(message)


def complaints(whole: dict[str, Any], message: Any) -> list[str]:
    """What the schema of the message's own type says against it."""
    one = whole["$defs"][message["type"]]
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(one).iter_errors(message)]


def client_messages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every message that a client sends in the golden transcripts, with the place where."""
    for file in sorted(VECTORS.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            step = json.loads(line)
            if "client" in step:
                yield f"{file.name}:{number}", step["client"]


def server_messages() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(VECTORS.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            step = json.loads(line)
            if "server" in step:
                yield f"{file.name}:{number}", step["server"]


@pytest.mark.parametrize("whole", [CLIENT, SERVER], ids=["client", "server"])
def test_each_schema_is_a_valid_schema(whole: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(whole)


def test_every_message_type_has_a_schema_and_every_field_a_description() -> None:
    for whole, kinds in ((CLIENT, json_schema.client_types()), (SERVER, json_schema.server_types())):
        assert set(whole["$defs"]) == {kind.type for kind in kinds}
        undescribed = [path for path, part in parts_of(whole["$defs"]) if not part.get("description")]
        assert undescribed == []


def parts_of(definitions: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in definitions.items():
        where = f"{path}.{name}".lstrip(".")
        yield where, part
        yield from parts_of(part.get("properties", {}), where)
        yield from parts_of(part.get("items", {}).get("properties", {}), f"{where}[]")


SERVER_MESSAGES: list[ServerMessage] = [
    Welcome(
        protocol=1,
        session="c-1",
        server=Peer(name="afterword"),
        model="m",
        offsets="utf-16",
        limits=Limits(docs=1, message_bytes=1, context=1, max_tokens=1, alternatives=1),
        heartbeat_ms=0,
        features=(),
        advice=Advice(debounce_ms=0),
    ),
    Token(doc="d", id=1, pos=0, text="x"),
    Token(doc="d", id=1, pos=4, text="x", alternative=2, logprob=-0.5),
    Done(doc="d", id=1, reason=Reason.END, text="", boundaries=Boundaries(), usage=Usage(), timing=Timing()),
    Done(
        doc="d",
        id=1,
        reason=Reason.STOP,
        alternatives=(Alternative(text="a.", reason=Reason.STOP, boundaries=Boundaries(words=(2,), sentences=(2,))),),
        usage=Usage(context=3, reused=1, computed=2, generated=1),
        timing=Timing(queue_ms=0.5, first_token_ms=1.5, total_ms=2.5),
    ),
    Error(code=ErrorCode.INTERNAL, message="no"),
    Error(code=ErrorCode.BUSY, message="no", doc="d", id=1, field="f.g", retry_after_ms=0),
    Notice(kind=NoticeKind.DRAINING, grace_ms=10),
    Notice(kind=NoticeKind.ENGINE_RESTARTED),
    Pong(t={"any": ["thing", 1, 2.5, True, None]}),
]


@pytest.mark.parametrize("message", SERVER_MESSAGES, ids=lambda message: message.type)
def test_what_a_server_encodes_fits_its_schema_and_decodes_to_the_same(message: ServerMessage) -> None:
    frame = codec.encode(message)
    assert complaints(SERVER, json.loads(frame)) == []
    assert fits(SERVER, json.loads(frame))
    assert codec.decode_server(frame) == message


def test_the_messages_above_cover_every_type_that_a_server_sends() -> None:
    assert {type(message) for message in SERVER_MESSAGES} == set(json_schema.server_types())


@pytest.mark.parametrize("kind", [kind.type for kind in json_schema.client_types()])
def test_a_client_message_survives_decoding_and_encoding(kind: str) -> None:
    for example in specification.read()[kind].examples:
        message = codec.decode_client(json.dumps(example))
        frame = codec.encode(message)
        assert complaints(CLIENT, json.loads(frame)) == []
        assert codec.decode_client(frame) == message


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"type": "open", "doc": "", "rev": 1, "before": "", "after": ""}, "doc"),
        ({"type": "open", "doc": "d" * 65, "rev": 1, "before": "", "after": ""}, "doc"),
        ({"type": "open", "doc": "d", "rev": 0, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "d", "rev": 2**53, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "d", "rev": True, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "d", "rev": 1.5, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "d", "rev": 1, "before": None, "after": ""}, "before"),
        ({"type": "open", "doc": "d", "rev": 1, "before": ""}, "after"),
        ({"type": "edit", "doc": "d", "rev": 1, "delete": -1}, "delete"),
        ({"type": "suggest", "doc": "d", "rev": 1, "id": 1, "stop": "line"}, "stop"),
        ({"type": "suggest", "doc": "d", "rev": 1, "id": 1, "quiet": 1.1}, "quiet"),
        ({"type": "suggest", "doc": "d", "rev": 1, "id": 1, "temperature": 2.5}, "temperature"),
        ({"type": "suggest", "doc": "d", "rev": 1, "id": 1, "max_time_ms": "9"}, "max_time_ms"),
        ({"type": "suggest", "doc": "d", "rev": 1, "id": 1, "alternatives": 0}, "alternatives"),
        ({"type": "hello", "client": {"version": "1"}}, "client.name"),
        ({"type": "hello", "client": "me"}, "client"),
        ({"type": "ping"}, "t"),
        ({"type": "ping", "t": None}, "t"),
    ],
)
def test_schema_and_decoder_refuse_the_same(message: dict[str, Any], field: str) -> None:
    assert not fits(CLIENT, message)
    with pytest.raises(codec.BadMessage) as refusal:
        codec.decode_client(json.dumps(message))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "message",
    [
        {"type": "open", "doc": "d" * 64, "rev": 2**53 - 1, "before": "", "after": "", "preface": None, "else": []},
        {"type": "open", "doc": "👍" * 32, "rev": 1, "before": "\x00", "after": "\x07"},
        {"type": "edit", "doc": "d", "rev": 1, "delete": None, "insert": None, "length": None},
        {"type": "suggest", "doc": "d", "rev": 1, "id": 1, "stop": None, "quiet": 1, "temperature": 2, "seed": 0},
        {"type": "hello", "token": None, "client": {"name": "n", "version": None}, "delivery": None},
        {"type": "ping", "t": False},
    ],
)
def test_schema_and_decoder_let_the_same_through(message: dict[str, Any]) -> None:
    assert complaints(CLIENT, message) == []
    codec.decode_client(json.dumps(message))


@pytest.mark.parametrize(
    "message",
    [
        {"type": "open", "doc": "👍" * 33, "rev": 1, "before": "", "after": ""},
        {"type": "open", "doc": "d", "rev": 1.0, "before": "", "after": ""},
    ],
    ids=["length in code points", "integer with a fraction of zero"],
)
def test_the_schema_is_wider_than_the_decoder_exactly_where_it_says_so(message: dict[str, Any]) -> None:
    assert fits(CLIENT, message)
    with pytest.raises(codec.BadMessage):
        codec.decode_client(json.dumps(message))


def test_transcripts_show_messages_of_every_type() -> None:
    kinds = {message.get("type") for _, message in (*client_messages(), *server_messages())}
    assert kinds >= {kind.type for kind in (*json_schema.client_types(), *json_schema.server_types())}


def test_client_messages_of_the_transcripts_fit_exactly_when_the_decoder_takes_them() -> None:
    wrong = []
    for place, message in client_messages():
        try:
            codec.decode_client(json.dumps(message))
            expected = True
        except codec.UnknownType:
            expected = False
        except codec.BadMessage as refusal:
            expected = refusal.why in BEYOND_SCHEMAS or is_wider(message, refusal)
        if fits(CLIENT, message) != expected:
            wrong.append(place)
    assert wrong == []


def is_wider(message: dict[str, Any], refusal: codec.BadMessage) -> bool:
    """Whether a refusal is for one of the two differences between JSON Schema and the protocol."""
    value: Any = message
    for name in refusal.field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    whole_float = refusal.why == "must be an integer" and isinstance(value, float) and value.is_integer()
    long = refusal.why.endswith("UTF-16 code units") and isinstance(value, str) and not value.isascii()
    return whole_float or long


def test_server_messages_of_the_transcripts_fit() -> None:
    wrong = {place: found for place, message in server_messages() if (found := complaints(SERVER, message))}
    assert wrong == {}


def test_the_generated_files_are_up_to_date() -> None:
    assert schema.main(["--check"], say=lambda line: None) == 0


def test_the_check_names_files_that_are_out_of_date(tmp_path: Path) -> None:
    said: list[str] = []
    assert schema.main([], root=tmp_path, say=said.append) == 0
    assert len(said) == 3
    (tmp_path / schema.CLIENT_FILE).write_text("{}\n", encoding="utf-8")
    (tmp_path / schema.ASYNCAPI_FILE).unlink()
    said.clear()
    assert schema.main(["--check"], root=tmp_path, say=said.append) == 1
    assert [line.split()[0] for line in said] == [schema.CLIENT_FILE, schema.ASYNCAPI_FILE]
    assert (tmp_path / schema.CLIENT_FILE).read_text(encoding="utf-8") == "{}\n"


def test_the_asyncapi_document_leads_to_every_schema_and_back() -> None:
    document = yaml.safe_load((schema.ROOT / schema.ASYNCAPI_FILE).read_text(encoding="utf-8"))
    by_file = {schema.CLIENT_FILE: CLIENT, schema.SERVER_FILE: SERVER}
    for name, message in document["components"]["messages"].items():
        file, pointer = message["payload"]["$ref"].removeprefix("./").split("#/$defs/")
        assert pointer == name
        for example in message["examples"]:
            assert complaints(by_file[file], example["payload"]) == []
    operations = document["operations"]
    received = {ref["$ref"].rsplit("/", 1)[1] for ref in operations["receiveClientMessage"]["messages"]}
    sent = {ref["$ref"].rsplit("/", 1)[1] for ref in operations["sendServerMessage"]["messages"]}
    assert received == set(CLIENT["$defs"])
    assert sent == set(SERVER["$defs"])
