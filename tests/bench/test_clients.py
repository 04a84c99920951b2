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
from bench.replay.afterword_client import AfterwordClient, edit_of
from bench.replay.answers import Answer
from bench.replay.dialects import LlamaDialect, OpenAIDialect, take_in
from bench.replay.editor import EditorText, Keystroke
from bench.replay.http_client import HttpClient, http_session
from bench.replay.stop_rule import StopRule
from bench.replay.typist import ClientKind, Typist

from afterword.config.settings import Settings
from afterword.engine.in_process import InProcessEngine
from afterword.engine.options import EngineOptions
from afterword.gateway.server import running_server
from afterword.session.mirror import Mirror
from afterword.session.text_rules import Surroundings
from afterword.text.boundaries.rules import Rules
from afterword.text.vocabulary import Vocabulary
from afterword.worker.in_process import load_giving_way
from afterword_protocol.messages import Open, Stop

NO_STOP = StopRule("none")
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

    async with answering(handler, "/v1/completions") as url, http_session() as session:
        client = HttpClient(session, url, OpenAIDialect("a model", 24), NO_STOP)
        answer = await client.ask(EditorText("Every"))
        await ended(answer)
        await client.close()
    assert asked == [{"prompt": "Every", "model": "a model", "max_tokens": 24, "temperature": 0, "stream": True}]
    assert (answer.text, answer.computed, answer.fault) == (" step", 8, "")
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

    async with answering(handler, "/completion") as url, http_session() as session:
        client = HttpClient(session, url + "/", LlamaDialect(3, 24), NO_STOP)
        answer = await client.ask(EditorText("Every"))
        await ended(answer)
        await client.close()
    assert asked[0]["id_slot"] == 3
    assert asked[0]["cache_prompt"] is True
    assert (answer.text, answer.computed) == (" step", 3)


async def test_a_server_that_writes_on_is_hung_up_on_where_afterword_would_have_stopped() -> None:
    given_up = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        words = [b" was", b" over", b".", b" Then", b" the", b" next"]
        events = [b"data: " + orjson.dumps({"content": word.decode(), "stop": False}) + b"\n\n" for word in words]
        try:
            response = await streaming(request, *events)
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.set()
            raise
        return response

    async with answering(handler, "/completion") as url, http_session() as session:
        client = HttpClient(session, url, LlamaDialect(0, 24), StopRule("sentence"))
        answer = await client.ask(EditorText("Then it"))
        await ended(answer)
        await asyncio.wait_for(given_up.wait(), 20)
        await client.close()
    assert answer.text == " was over."
    assert not answer.fault
    assert [length for _, length in answer.arrivals] == [4, 9, 10]


@pytest.mark.parametrize("whole", [" was over. Then the next", " was at 3.30 p.m. sharp! So", " never ends"])
@pytest.mark.parametrize("stop", ["sentence", "none"])
def test_the_stop_rule_is_that_of_the_server(whole: str, stop: str) -> None:
    rule = StopRule(stop)
    ends = [rule.end_of("Then it", "", whole[:length]) for length in range(len(whole) + 1)]
    found = next((end for end in ends if end is not None), None)
    judged = Rules().judge(Surroundings("Then it", ""), whole, Stop(stop), complete=False)
    assert found == (judged.release if judged.reason is not None else None)
    assert (found is not None) == (stop == "sentence" and whole != " never ends")


def test_what_came_beyond_the_end_is_dropped() -> None:
    answer = Answer("a", "", 0.0)
    answer.add(" one", 1.0)
    answer.add(" two. Th", 2.0)
    answer.add("ree", 3.0)
    answer.end(4.0, length=9)
    assert (answer.text, answer.arrivals, answer.ended) == (" one two.", [(1.0, 4), (2.0, 9)], 4.0)


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

    async with answering(handler, "/v1/completions") as url, http_session() as session:
        client = HttpClient(session, url, OpenAIDialect("a model", 24), NO_STOP)
        first = await client.ask(EditorText("a"))
        await until(lambda: requests > 0)
        second = await client.ask(EditorText("ab"))
        await ended(second)
        await asyncio.wait_for(given_up.wait(), 20)
        await client.close()
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

    async with answering(handler, "/completion") as url, http_session() as session:
        client = HttpClient(session, url, LlamaDialect(0, 24), NO_STOP)
        answer = await client.ask(EditorText("a"))
        await ended(answer)
        await client.close()
    assert answer.fault
    assert answer.silent_since("a", "", 0.0) is None


async def test_a_server_that_is_not_there_is_a_fault() -> None:
    async with http_session() as session:
        client = HttpClient(session, "http://127.0.0.1:9", LlamaDialect(0, 24), NO_STOP)
        answer = await client.ask(EditorText("a"))
        await ended(answer)
        await client.close()
    assert answer.fault


def test_lines_that_are_no_events_are_passed_over() -> None:
    answer = Answer("", "", 0.0)
    for line in (b"\n", b": ping\n", b"event: token\n", b"data: [DONE]\n", b"data:\n"):
        take_in(line, OpenAIDialect("m", 1), answer, 1.0)
    assert answer == Answer("", "", 0.0)


@pytest.mark.parametrize(
    "keystroke",
    [
        Keystroke(0, insert="é"),
        Keystroke(0, delete=1),
        Keystroke(0, insert="x", delete=3),
        Keystroke(0, move=-3),
        Keystroke(0, move=2),
    ],
)
def test_a_keystroke_is_the_same_splice_for_the_server(keystroke: Keystroke) -> None:
    page = EditorText("one 😀 two 😀x", "😀 three")
    mirror = Mirror(Open(doc="text", rev=1, before=page.before, after=page.after), limit_units=1000)
    edit = edit_of(page, keystroke, rev=2)
    mirror.apply(mirror.fit(edit.delete, edit.insert, edit.delete_after, edit.insert_after, None))
    typed = page.typed(keystroke)
    assert (mirror.before, mirror.after) == (typed.before, typed.after)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("client", list(ClientKind))
async def test_a_writer_at_afterword_gets_answers_that_fit(tiny_model_folder: Any, client: ClientKind) -> None:
    folder = tiny_model_folder("qwen3")
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=folder, name="tiny")))
    options = Settings().changed(port=0)
    async with running_server(options, engine, Vocabulary.from_folder(folder), model="tiny") as server:
        client = await AfterwordClient.connect(server.url, 8, Stop.SENTENCE)
        writer = Typist(client, EditorText("xy"), client)
        await writer.open(60)
        keystrokes = [Keystroke(0.2, insert=key) for key in "ab "] + [
            Keystroke(0.2, delete=1),
            Keystroke(0.2, move=-2),
            Keystroke(0.2, insert="c"),
            Keystroke(0.2, move=2),
        ]
        await writer.type(keystrokes)
        await client.close()
    assert writer.text == EditorText("xycab")
    assert len(writer.outcomes) == len(keystrokes)
    assert not [answer.fault for answer in writer.answers if answer.fault]
    assert sum(outcome.asked for outcome in writer.outcomes) == len(writer.answers) - 1
    if client is ClientKind.PLAIN:
        assert all(outcome.asked for outcome in writer.outcomes)


async def test_a_connection_that_ends_is_a_fault_and_no_crash(tiny_model_folder: Any) -> None:
    folder = tiny_model_folder("qwen3")
    engine = InProcessEngine(partial(load_giving_way, EngineOptions(folder=folder, name="tiny")))
    options = Settings().changed(port=0)
    async with running_server(options, engine, Vocabulary.from_folder(folder), model="tiny") as server:
        client = await AfterwordClient.connect(server.url, 8, Stop.SENTENCE)
        await client.open(EditorText("xy"))
    answer = await client.ask(EditorText("xy"))
    await ended(answer)
    await client.close()
    assert answer.fault
