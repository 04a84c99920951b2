"""Seats at servers: what is sent, what is made of what comes, and that a request given up is closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import orjson
import pytest
from aiohttp import web
from bench.replay.answers import Answer
from bench.replay.completions import CompletionSeat, connections
from bench.replay.events import LlamaDialect, OpenAIDialect, take_in
from bench.replay.ghosts import GhostSeat, edit_of
from bench.replay.page import Page, Stroke
from bench.replay.writer import Client, Writer

from afterword.config.settings import Settings
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.session.mirror import Mirror
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way
from afterword_protocol.messages import Open

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def answering(handler: Handler, path: str) -> AsyncIterator[str]:
    """A small server whose one page is `handler`."""
    app = web.Application()
    app.router.add_post(path, handler)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def streaming(request: web.Request, *pieces: bytes) -> web.StreamResponse:
    """Send pieces as they are cut, each in a write of its own."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
        await asyncio.sleep(0.01)
    return response


async def ended(answer: Answer) -> None:
    await until(lambda: answer.ended is not None)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


async def test_text_streams_in_from_openai_events_however_they_are_cut() -> None:
    asked: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(await request.json())
        whole = (
            b'data: {"choices":[{"text":" st"}]}\n\n: a comment\n\ndata: {"choices":[{"text":"ep"}]}\n\n'
            b'data: {"choices":[{"text":""}],"usage":{"prompt_tokens":6,"completion_tokens":2}}\n\ndata: [DONE]\n\n'
        )
        return await streaming(request, *(whole[at : at + 17] for at in range(0, len(whole), 17)))

    async with answering(handler, "/v1/completions") as url, connections() as session:
        seat = CompletionSeat(session, url, OpenAIDialect("a model", 24))
        answer = await seat.ask(Page("Every"))
        await ended(answer)
        await seat.close()
    assert asked == [{"prompt": "Every", "model": "a model", "max_tokens": 24, "temperature": 0, "stream": True}]
    assert (answer.text, answer.tokens, answer.fault) == (" step", 8, "")
    assert [length for _, length in answer.arrivals] == [3, 5]


async def test_llama_cpp_is_asked_for_the_slot_of_the_writer_and_tells_its_cost() -> None:
    asked: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(await request.json())
        events = [
            {"content": " step", "stop": False, "timings": {"cache_n": 5, "prompt_n": 1, "predicted_n": 1}},
            {"content": "", "stop": True, "timings": {"cache_n": 5, "prompt_n": 1, "predicted_n": 2}},
        ]
        return await streaming(request, *(b"data: " + orjson.dumps(event) + b"\n\n" for event in events))

    async with answering(handler, "/completion") as url, connections() as session:
        seat = CompletionSeat(session, url + "/", LlamaDialect(3, 24))
        answer = await seat.ask(Page("Every"))
        await ended(answer)
        await seat.close()
    assert asked[0]["id_slot"] == 3
    assert asked[0]["cache_prompt"] is True
    assert (answer.text, answer.tokens) == (" step", 3)


async def test_the_next_keystroke_closes_the_connection_of_the_request_before() -> None:
    given_up = asyncio.Event()
    requests = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal requests
        requests += 1
        if requests > 1:
            return await streaming(request, b'data: {"choices":[{"text":"!"}]}\n\n')
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.set()
            raise
        return web.Response()

    async with answering(handler, "/v1/completions") as url, connections() as session:
        seat = CompletionSeat(session, url, OpenAIDialect("a model", 24))
        first = await seat.ask(Page("a"))
        await until(lambda: requests > 0)
        second = await seat.ask(Page("ab"))
        await ended(second)
        await asyncio.wait_for(given_up.wait(), 20)
        await seat.close()
    assert first.ended is None
    assert not first.fault
    assert second.text == "!"


@pytest.mark.parametrize("broken", ["status", "event", "llama", "nonsense", "cut"])
async def test_whatever_goes_wrong_is_a_fault_and_no_silence(broken: str) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if broken == "status":
            return web.Response(status=503)
        pieces = {
            "event": b'data: {"error": "no room"}\n\n',
            "llama": b'error: {"code": 500}\n\n',
            "nonsense": b"data: {nonsense\n\n",
            "cut": b"",
        }
        response = await streaming(request, pieces[broken])
        if broken == "cut":
            assert request.transport is not None
            request.transport.abort()
        return response

    async with answering(handler, "/completion") as url, connections() as session:
        seat = CompletionSeat(session, url, LlamaDialect(0, 24))
        answer = await seat.ask(Page("a"))
        await ended(answer)
        await seat.close()
    assert answer.fault
    assert answer.silent_since("a", "", 0.0) is None


async def test_a_server_that_is_not_there_is_a_fault() -> None:
    async with connections() as session:
        seat = CompletionSeat(session, "http://127.0.0.1:9", LlamaDialect(0, 24))
        answer = await seat.ask(Page("a"))
        await ended(answer)
        await seat.close()
    assert answer.fault


def test_lines_that_are_no_events_are_passed_over() -> None:
    answer = Answer("", "", 0.0)
    for line in (b"\n", b": ping\n", b"event: token\n", b"data: [DONE]\n", b"data:\n"):
        take_in(line, OpenAIDialect("m", 1), answer, 1.0)
    assert answer == Answer("", "", 0.0)


@pytest.mark.parametrize(
    "stroke",
    [
        Stroke(0, insert="é"),
        Stroke(0, delete=1),
        Stroke(0, insert="x", delete=3),
        Stroke(0, move=-3),
        Stroke(0, move=2),
    ],
)
def test_a_keystroke_is_the_same_splice_for_the_server(stroke: Stroke) -> None:
    page = Page("one 😀 two 😀x", "😀 three")
    mirror = Mirror(Open(doc="text", rev=1, before=page.before, after=page.after), limit_units=1000)
    edit = edit_of(page, stroke, rev=2)
    mirror.apply(mirror.fit(edit.delete, edit.insert, edit.delete_after, edit.insert_after, None))
    typed = page.typed(stroke)
    assert (mirror.before, mirror.after) == (typed.before, typed.after)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("client", list(Client))
async def test_a_writer_at_afterword_gets_answers_that_fit(tiny_model_folder: Any, client: Client) -> None:
    folder = tiny_model_folder("qwen3")
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=folder, name="tiny")))
    options = Settings().changed(port=0)
    async with running_server(options, engine, Vocabulary.from_folder(folder), model="tiny") as server:
        seat = await GhostSeat.take(server.url, 8)
        writer = Writer(seat, Page("xy"), client)
        await writer.open(60)
        strokes = [Stroke(0.2, insert=key) for key in "ab "] + [
            Stroke(0.2, delete=1),
            Stroke(0.2, move=-2),
            Stroke(0.2, insert="c"),
            Stroke(0.2, move=2),
        ]
        await writer.type(strokes)
        await seat.close()
    assert writer.page == Page("xycab")
    assert len(writer.outcomes) == len(strokes)
    assert not [answer.fault for answer in writer.answers if answer.fault]
    assert sum(outcome.asked for outcome in writer.outcomes) == len(writer.answers) - 1
    if client is Client.PLAIN:
        assert all(outcome.asked for outcome in writer.outcomes)


async def test_a_connection_that_ends_is_a_fault_and_no_crash(tiny_model_folder: Any) -> None:
    folder = tiny_model_folder("qwen3")
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=folder, name="tiny")))
    options = Settings().changed(port=0)
    async with running_server(options, engine, Vocabulary.from_folder(folder), model="tiny") as server:
        seat = await GhostSeat.take(server.url, 8)
        await seat.open(Page("xy"))
    answer = await seat.ask(Page("xy"))
    await ended(answer)
    await seat.close()
    assert answer.fault
