"""Frames become messages, and what is wrong with a frame is told apart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword_protocol.codec import (
    BadMessage,
    CodecError,
    Malformed,
    UnknownType,
    decode_client,
    decode_server,
    encode,
)
from afterword_protocol.codes import CloseCode
from afterword_protocol.messages import Edit, Notice, NoticeKind, Open, Suggest, Token

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["type", "doc", "rev", "id", "insert", "delete", "before", "after", "stop", "t", "token", "client"]
)
types = st.sampled_from(
    ["hello", "open", "edit", "suggest", "extend", "accept", "cancel", "dismiss", "close", "ping", "x"]
)


@given(types, st.dictionaries(names, anything, max_size=6))
def test_whatever_comes_is_a_message_or_one_of_three_errors(type_name: str, rest: dict[str, object]) -> None:
    frame = json.dumps({**rest, "type": type_name})
    fault: CodecError | None = None
    try:
        message = decode_client(frame)
    except CodecError as refusal:
        fault = refusal
    else:
        assert decode_client(encode(message)) == message
    assert fault is None or isinstance(fault, Malformed | UnknownType | BadMessage)
    # What is told to the client of it can be written down.
    str(fault).encode()
    if isinstance(fault, BadMessage):
        json.dumps([fault.field, fault.doc, fault.id], ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"type":"close","doc":"\\ud800"}', "doc"),
        ('{"type":"close","doc":"d","more":[{"a":{"b":"\\udfff"}}]}', "more.a.b"),
        ('{"type":"close","doc":"d","a":{"\\ud800":1}}', "a"),
        ('{"type":"close","doc":"d","\\ud800":1}', ""),
    ],
)
def test_half_a_surrogate_pair_is_found_wherever_it_stands(frame: str, field: str) -> None:
    with pytest.raises(BadMessage) as refusal:
        decode_client(frame)
    assert refusal.value.field == field
    assert str(refusal.value).startswith(field or "the name of a field")


def test_a_field_that_is_named_in_an_error_is_not_named_at_any_length() -> None:
    with pytest.raises(BadMessage) as refusal:
        decode_client('{"type":"close","doc":"d","' + "x" * 100_000 + '":"\\ud800"}')
    assert len(str(refusal.value)) < 200


@given(st.text(max_size=20) | st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")))
def test_noise_is_malformed_or_at_least_no_message(frame: str) -> None:
    with pytest.raises((Malformed, BadMessage, UnknownType)):
        decode_client(frame)


@pytest.mark.parametrize("frame", ["", "nul", "NaN", "[1]", '"x"', "1", '{"a":Infinity}', '{"a":1e999}', '{"a":"\t"}'])
def test_what_is_no_json_object_is_malformed(frame: str) -> None:
    with pytest.raises(Malformed):
        decode_client(frame)


@pytest.mark.parametrize("depth", [1_100, 200_000])
def test_deep_nesting_is_malformed_also_beside_half_a_surrogate_pair(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for t in ("1", '"\\ud800"'):
        with pytest.raises(Malformed):
            decode_client('{"type":"ping","t":' + t + ',"x":' + nested + "}")


def test_only_what_differs_from_the_default_is_sent() -> None:
    assert encode(Edit(doc="d", rev=2, insert="y")) == '{"type":"edit","doc":"d","rev":2,"insert":"y"}'
    assert encode(Suggest(doc="d", id=1, rev=2)) == '{"type":"suggest","doc":"d","id":1,"rev":2}'
    assert encode(Token(doc="d", id=1, pos=0, text="a")) == '{"type":"token","doc":"d","id":1,"pos":0,"text":"a"}'
    assert encode(Notice(kind=NoticeKind.DRAINING, grace_ms=0)) == '{"type":"notice","kind":"draining","grace_ms":0}'


def test_text_that_is_empty_is_sent_where_it_is_required() -> None:
    message = Open(doc="d", rev=1, before="", after="")
    assert json.loads(encode(message)) == {"type": "open", "doc": "d", "rev": 1, "before": "", "after": ""}


def test_a_long_unknown_type_is_not_echoed_whole() -> None:
    with pytest.raises(UnknownType) as refusal:
        decode_client(json.dumps({"type": "x" * 100_000}))
    assert len(str(refusal.value)) < 200


def test_a_server_message_is_no_client_message() -> None:
    frame = encode(Token(doc="d", id=1, pos=0, text="a"))
    assert decode_server(frame) == Token(doc="d", id=1, pos=0, text="a")
    with pytest.raises(UnknownType):
        decode_client(frame)


def test_every_close_code_says_what_it_means_and_when_to_come_back() -> None:
    assert all(code.meaning.endswith(".") and code.reconnect for code in CloseCode)
