"""What a client may get wrong, each answered while the connection and the server live on, or closed with a reason."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from afterword.gateway.server import RunningServer

from .peer import Peer, connected, greeted

DEEP = 100_000


async def answer(peer: Peer, frame: str) -> dict[str, Any]:
    """What comes first of one frame."""
    await peer.send_raw(frame)
    return await peer.receive()


async def still_works(server: RunningServer) -> bool:
    """Whether another client gets ghost text."""
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        text, _ = await peer.until_done()
        return text == " jumps over the lazy dog"


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "nonsense",
        "[]",
        '"text"',
        "1",
        "null",
        '{"type":"ping","t":NaN}',
        '{"type":"ping","t":1}}',
        "[" * DEEP,
        '{"type":"ping","t":' + "[" * DEEP + "]" * DEEP + "}",
        '{"t":' * DEEP + "1" + "}" * DEEP,
    ],
    ids=lambda frame: frame[:20] or "empty",
)
async def test_what_is_no_json_object_ends_the_connection_alone(server: RunningServer, frame: str) -> None:
    async with greeted(server.url) as bystander, greeted(server.url) as peer:
        await peer.send_raw(frame)
        assert (await peer.close_code())[0] == 4400
        assert await bystander.answers()
    assert await still_works(server)


async def test_a_binary_frame_ends_the_connection(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.send_raw(b'{"type":"ping","t":1}')
        assert (await peer.close_code())[0] == 4400


@pytest.mark.parametrize("size", [1 << 20, 10_000_000])
async def test_a_message_beyond_the_limit_ends_the_connection_alone(server: RunningServer, size: int) -> None:
    async with greeted(server.url) as bystander, greeted(server.url) as peer:
        await peer.send(type="open", doc="a", rev=1, before="x" * size, after="")
        assert (await peer.close_code())[0] == 1009
        assert await bystander.answers()


async def test_a_flood_ends_the_connection_alone(
    serving: Callable[..., AbstractAsyncContextManager[RunningServer]],
) -> None:
    async with serving(messages_per_second=1, message_burst=100) as server:
        async with greeted(server.url) as bystander, greeted(server.url) as peer:
            await peer.open("The quick brown fox")
            with contextlib.suppress(ConnectionClosed):
                for _ in range(2000):
                    await peer.suggest()
            assert (await peer.close_code())[0] == 4429
            assert await bystander.answers()
        assert await still_works(server)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"type": "open", "doc": "a", "rev": "1", "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "a", "rev": 1.5, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "a", "rev": True, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "a", "rev": 0, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "a", "rev": 2**53, "before": "", "after": ""}, "rev"),
        ({"type": "open", "doc": "", "rev": 1, "before": "", "after": ""}, "doc"),
        ({"type": "open", "doc": "x" * 65, "rev": 1, "before": "", "after": ""}, "doc"),
        ({"type": "open", "doc": 7, "rev": 1, "before": "", "after": ""}, "doc"),
        ({"type": "open", "doc": "a", "rev": 1, "before": None, "after": ""}, "before"),
        ({"type": "open", "doc": "a", "rev": 1, "before": ["x"], "after": ""}, "before"),
        ({"type": "open", "doc": "a", "rev": 1, "before": ""}, "after"),
        ({"type": "edit", "doc": "a", "rev": 1, "delete": -1}, "delete"),
        ({"type": "suggest", "doc": "a", "id": 1, "rev": 1, "stop": "page"}, "stop"),
        ({"type": "suggest", "doc": "a", "id": 1, "rev": 1, "temperature": 3}, "temperature"),
        ({"type": "suggest", "doc": "a", "id": 1, "rev": 1, "quiet": "very"}, "quiet"),
        ({"type": "ping"}, "t"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_a_field_that_does_not_fit_is_named(server: RunningServer, message: dict[str, Any], field: str) -> None:
    async with greeted(server.url) as peer:
        error = await answer(peer, json.dumps(message))
        assert (error["type"], error["code"], error["field"]) == ("error", "bad_message", field)
        assert await peer.answers()


async def test_unknown_fields_do_not_matter(server: RunningServer) -> None:
    async with greeted(server.url, mood="good") as peer:
        await peer.send(type="open", doc="a", rev=1, before="The quick brown fox", after="", colour={"red": [1, 2]})
        await peer.send(type="suggest", doc="a", id=1, rev=1, stop="none", colour=None)
        assert (await peer.until_done())[1]["reason"] == "end"


@pytest.mark.parametrize("frame", ['{"type":"sing"}', '{"type":"welcome"}', '{"type":"\\u0000"}'])
async def test_an_unknown_type_is_answered(server: RunningServer, frame: str) -> None:
    async with greeted(server.url) as peer:
        assert (await answer(peer, frame))["code"] == "unknown_type"
        assert await peer.answers()


@pytest.mark.parametrize("frame", ["{}", '{"type":7}', '{"type":null}'])
async def test_a_message_without_a_type_is_answered(server: RunningServer, frame: str) -> None:
    async with greeted(server.url) as peer:
        assert (await answer(peer, frame))["type"] == "error"
        assert await peer.answers()


@pytest.mark.parametrize("edit", [{"delete": 5}, {"delete_after": 5}, {"insert": "x", "length": 99}])
async def test_an_edit_that_cannot_be_followed_asks_for_open(server: RunningServer, edit: dict[str, Any]) -> None:
    async with greeted(server.url) as peer:
        await peer.open("four", "four")
        await peer.send(type="edit", doc="a", rev=2, **edit)
        assert (await peer.receive())["code"] == "resync"
        await peer.send(type="suggest", doc="a", id=1, rev=2)
        assert [(await peer.receive())["type"], (await peer.receive())["type"]] == ["error", "done"]
        await peer.send(type="open", doc="a", rev=3, before="The quick brown fox", after="")
        await peer.send(type="suggest", doc="a", id=2, rev=3, stop="none")
        assert (await peer.until_done())[1]["reason"] == "end"


async def test_half_a_surrogate_pair_is_refused_by_the_name_of_its_field(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        error = await answer(peer, '{"type":"open","doc":"a","rev":1,"before":"x\\ud83d","after":""}')
        assert (error["code"], error["field"]) == ("bad_message", "before")
        assert await peer.answers()


async def test_half_a_character_cannot_be_deleted(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.open("Well 😀")
        await peer.edit(delete=1)
        assert (await peer.receive())["code"] == "resync"


async def test_an_id_used_twice_is_refused_and_gets_no_second_done(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.suggest()
        await peer.until_done()
        peer.last_id -= 1
        await peer.suggest()
        error = await peer.receive()
        assert (error["code"], error["field"]) == ("bad_message", "id")
        assert await peer.answers()


async def test_extending_nothing_gets_an_error_and_a_done(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.open("The quick brown fox")
        await peer.send(type="extend", doc="a", id=5)
        assert (await peer.receive())["code"] == "unknown_suggestion"
        done = await peer.receive()
        assert (done["type"], done["id"], done["reason"]) == ("done", 5, "error")


async def test_a_document_that_is_not_open_gets_an_error(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.send(type="suggest", doc="nowhere", id=1, rev=1)
        assert (await peer.receive())["code"] == "unknown_doc"
        assert (await peer.receive())["reason"] == "error"
        await peer.send(type="edit", doc="nowhere", rev=1)
        assert (await peer.receive())["code"] == "unknown_doc"


async def test_one_document_too_many_is_refused(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        for number in range(64):
            await peer.open("x", doc=f"doc {number}")
        await peer.open("x", doc="one more")
        assert (await peer.receive())["code"] == "too_many_docs"


async def test_a_text_too_long_is_refused(server: RunningServer) -> None:
    async with greeted(server.url) as peer:
        await peer.open("x" * 65_537)
        assert (await peer.receive())["code"] == "context_too_long"


@pytest.mark.parametrize(
    "before",
    [
        "",
        " ",
        "\n\n\n",
        "\x00\x01\x1f\x7f",
        "A tab\tand a \x00 NUL",
        "A family: 👨‍👩‍👧‍👦",
        "A flag: 🇩🇪 and half of one 🇩",
        "مرحبا بكم في",
        "สวัสดีชาวโลก วันนี้",
        "我们去公园散步，",
        "e\u0301\u0302\u0303",
        "\u202eright to left\u202c",
        "\ufeffmarked",
        "\U0010ffff\ufffe",
        "x" * 20_000,
        "🙂" * 5_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
async def test_any_text_gets_ghost_text(server: RunningServer, before: str) -> None:
    async with greeted(server.url) as peer:
        await peer.open(before, doc="🙂")
        await peer.suggest(doc="🙂")
        text, done = await peer.until_done()
        assert done["text"] == text
        assert done["reason"] in {"end", "length", "repetition"}
        await peer.edit("é🙂", doc="🙂")
        assert await peer.answers()


async def test_a_token_with_half_a_surrogate_pair_is_a_bad_message_before_it_is_a_wrong_token(
    server: RunningServer,
) -> None:
    async with connected(server.url) as peer:
        error = await answer(peer, '{"type":"hello","token":"\\udc00"}')
        assert (error["code"], error["field"]) == ("bad_message", "token")
        assert (await peer.hello())["type"] == "welcome"
