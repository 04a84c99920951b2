"""The built-in model behind `afterword serve`: what a writer sees, keystroke by keystroke."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from afterword.client import ConnectionLost, connect

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

OPENING = "The old lighthouse stood at the end of the pier. Every evening the keeper climbed the stairs and lit the"


async def test_ghost_text_follows_a_text(server: Any) -> None:
    async with connect(server.url) as client:
        assert client.welcome is not None
        assert client.welcome.model == "smollm2-135m-instruct"
        document = await client.open("story", OPENING, language="en")
        suggestion = document.suggest(max_tokens=24)
        pieces = [piece async for piece in suggestion]
        done = await suggestion.done()
        assert done.reason in ("stop", "length")
        assert done.text == "".join(pieces)
        assert pieces[0].startswith(" "), "a new word begins, because the last one was whole"
        assert done.boundaries is not None
        assert done.boundaries.words


async def test_it_is_the_models_own_text(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("facts", "The capital of France is")
        assert (await document.suggest(max_tokens=8).done()).text == " Paris."


async def test_a_keystroke_reuses_what_was_computed_for_the_one_before(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("story", OPENING)
        first = await document.suggest(max_tokens=2, stop="none").done()
        document.type(" zebra")
        second = await document.suggest(max_tokens=2, stop="none").done()
        assert second.usage.context > 20
        assert second.usage.reused + second.usage.computed == second.usage.context
        assert second.usage.computed <= 8 < second.usage.reused
        assert first.usage.context < second.usage.context


async def test_the_word_at_the_caret_is_finished(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("story", "She poured herself a glass of wat")
        done = await document.suggest(max_tokens=8).done()
        assert done.text is not None
        assert done.text.startswith("er")
        spaced = await client.open("spaced", "She poured herself a glass of ")
        done = await spaced.suggest(max_tokens=8).done()
        assert done.text
        assert not done.text[0].isspace(), "the space is there already"


async def test_text_after_the_caret_is_met_and_not_repeated(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("letter", "Thank you very much for your", " letter. I was glad to hear from you.")
        done = await document.suggest(max_tokens=24).done()
        assert done.text is not None
        assert "letter. I was glad" not in done.text


async def test_extending_goes_on_without_computing_again(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("story", OPENING)
        suggestion = document.suggest(max_tokens=4, stop="none")
        first = await suggestion.done()
        assert first.reason == "length"
        second = await suggestion.extend(max_tokens=4, stop="none").done()
        assert second.text is not None
        assert first.text is not None
        assert second.text.startswith(first.text)
        assert len(second.text) > len(first.text)
        whole = await (await client.open("other", OPENING)).suggest(max_tokens=8, stop="none").done()
        assert whole.text == second.text


async def test_accepting_word_by_word_keeps_the_rest(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("story", OPENING)
        suggestion = document.suggest(max_tokens=24)
        await suggestion.done()
        whole = suggestion.text
        taken = document.accept("word")
        assert taken.strip().isalpha()
        assert document.ghost == whole[len(taken) :]
        document.accept("all")
        assert document.before == OPENING + whole
        after = await document.suggest(max_tokens=8).done()
        assert after.reason in ("stop", "length", "end")


async def test_alternatives_differ_from_their_first_word(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("story", OPENING)
        suggestion = document.suggest(alternatives=3, max_tokens=6, stop="none")
        done = await suggestion.done()
        assert done.alternatives is not None
        assert len({each.text for each in done.alternatives}) == 3
        assert list(suggestion.texts) == [each.text for each in done.alternatives]


async def test_a_cancelled_suggestion_ends_and_the_next_one_works(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("story", OPENING)
        suggestion = document.suggest(max_tokens=200, stop="none")
        async for _ in suggestion:
            break
        suggestion.cancel()
        assert (await suggestion.done()).reason == "cancelled"
        assert (await document.suggest(max_tokens=3, stop="none").done()).reason == "length"


async def test_after_a_drop_the_writer_goes_on(server: Any) -> None:
    async with connect(server.url) as client:
        document = await client.open("story", OPENING)
        suggestion = document.suggest(max_tokens=200, stop="none")
        async for _ in suggestion:
            break
        assert client._transport is not None
        client._transport._socket.transport.abort()
        with pytest.raises(ConnectionLost):
            async for _ in suggestion:
                pass
        document.type(" lamp")
        await client.wait_connected()
        done = await document.suggest(max_tokens=3, stop="none").done()
        assert done.reason == "length"


@pytest.mark.parametrize(
    "text",
    ["", "مرحبا، كيف", "ภาษาไทย", "今天天气", "A family 👨‍👩‍👧‍👦 and ", "Line one\n\n", "\x00\x01 ", "é" * 50],
)
async def test_texts_of_all_kinds_are_answered(server: Any, text: str) -> None:
    async with connect(server.url) as client:
        document = await client.open("text", text)
        suggestion = document.suggest(max_tokens=6, stop="none")
        pieces = [piece async for piece in suggestion]
        done = await suggestion.done()
        assert done.reason in ("length", "end", "repetition")
        assert "".join(pieces) == done.text
        for piece in pieces:
            piece.encode("utf-8")
            assert "\ufffd" not in piece


async def test_two_writers_do_not_disturb_each_other(server: Any) -> None:
    async with connect(server.url) as one, connect(server.url) as two:
        texts = [OPENING, "Dear committee, thank you for coming to the meeting on"]
        documents = [await one.open("text", texts[0]), await two.open("text", texts[1])]
        together = await asyncio.gather(*(each.suggest(max_tokens=10, stop="none").done() for each in documents))
        alone = []
        for number, text in enumerate(texts):
            alone.append(await (await one.open(f"alone {number}", text)).suggest(max_tokens=10, stop="none").done())
        assert [done.text for done in together] == [done.text for done in alone]
