"""Many writers and many documents on one server: nothing fails, and every ask is answered once."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(400)]

WRITERS = 8
KEYS = 50
KEY_INTERVAL_S = 0.2
DOCUMENTS = 48
SENTENCES = [
    "When the rain stopped, the children ran out into the street.",
    "The committee met on Thursday to discuss the budget for next year.",
    "Bread needs flour, water, salt, and above all a little patience.",
    "Nobody had expected the train to arrive before the snow.",
]


def expect_one_done_each(writer: Any, asked: set[tuple[str, int]]) -> None:
    dones = [(message["doc"], message["id"]) for message in writer.all("done")]
    assert sorted(dones) == sorted(asked)
    assert not writer.all("error")
    assert not [message for message in writer.all("done") if message["reason"] in ("error", "busy", "stale")]


async def test_eight_writers_type_at_once(server: Any, plain_writer: Any) -> None:
    async def type_along(number: int) -> int:
        sentence = SENTENCES[number % len(SENTENCES)]
        async with plain_writer(server.url) as writer:
            await writer.send(type="open", doc="d", rev=1, before=f"Chapter {number}. ", after="")
            keys = list(itertools.islice(itertools.cycle(sentence + " "), KEYS))
            for id, key in enumerate(keys, 1):
                await writer.send(type="edit", doc="d", rev=id + 1, insert=key)
                await writer.send(type="suggest", doc="d", id=id, rev=id + 1)
                await asyncio.sleep(KEY_INTERVAL_S)
            await writer.first("done", id=KEYS)
            await writer.send(type="ping", t="over")
            await writer.first("pong", t="over")
            expect_one_done_each(writer, {("d", id) for id in range(1, KEYS + 1)})
            return len({message["id"] for message in writer.all("token")})

    answered = await asyncio.gather(*(type_along(number) for number in range(WRITERS)))
    assert all(answered), "every writer saw ghost text"


async def test_many_more_documents_than_there_is_cache_for(start_server: Any, plain_writer: Any) -> None:
    server = start_server("--cache-mb=200", "--context-tokens=512")
    async with plain_writer(server.url) as writer:
        asked = set()
        for number in range(DOCUMENTS):
            sentence = SENTENCES[number % len(SENTENCES)]
            await writer.send(type="open", doc=f"d{number}", rev=1, before=f"{number}. {sentence}", after="")
        for id in (1, 2):
            for number in range(DOCUMENTS):
                doc = f"d{number}"
                await writer.send(type="edit", doc=doc, rev=id + 1, insert=" The")
                await writer.send(type="suggest", doc=doc, id=id, rev=id + 1, max_tokens=3, stop="none")
                asked.add((doc, id))
            for number in range(DOCUMENTS):
                await writer.first("done", doc=f"d{number}", id=id)
        await writer.send(type="ping", t="over")
        await writer.first("pong", t="over")
        expect_one_done_each(writer, asked)
        assert all(message["text"] for message in writer.all("done"))
