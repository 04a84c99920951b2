"""A writer's client of servers that complete a text over HTTP: llama.cpp's, and those that speak OpenAI's completions.

Each request streams. The next keystroke gives it up by closing its connection, which is what tells these servers to
stop; so does the stop rule, where Afterword would have ended its text. aiohttp is used because, of the well-kept
libraries, it spends the least time on each request.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import orjson

from .answers import Answer
from .dialects import Dialect, take_in
from .editor import EditorText, Keystroke
from .stop_rule import StopRule

LONGEST_EVENT_BYTES = 1 << 20  # llama.cpp's last one repeats the prompt


@contextlib.asynccontextmanager
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    """As many connections as there are requests, kept alive, without a time limit."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=LONGEST_EVENT_BYTES,
    ) as session:
        yield session


class HttpClient:
    """One writer; each request carries the whole text before the caret."""

    def __init__(self, session: aiohttp.ClientSession, url: str, dialect: Dialect, rule: StopRule) -> None:
        self._session = session
        self._url = url.rstrip("/") + dialect.path
        self._dialect = dialect
        self._rule = rule
        self._asking: asyncio.Task[None] | None = None

    async def open(self, text: EditorText) -> None:
        """Nothing: these servers know no documents."""

    async def edit(self, before: EditorText, keystroke: Keystroke) -> None:
        """Nothing: the next request carries the text."""

    async def ask(self, text: EditorText) -> Answer:
        """Give up the request before and send one."""
        if self._asking is not None:
            self._asking.cancel()  # closes its connection
        answer = Answer(text.before, text.after, time.perf_counter())
        self._asking = asyncio.create_task(self._stream(orjson.dumps(self._dialect.body(text.before)), answer))
        return answer

    async def close(self) -> None:
        """Give up the last request."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _stream(self, body: bytes, answer: Answer) -> None:
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as response:
                if response.status != 200:
                    answer.fail(f"HTTP {response.status}", time.perf_counter())
                    return
                async for line in response.content:
                    length = len(answer.text)
                    take_in(line, self._dialect, answer, time.perf_counter())
                    if len(answer.text) > length and not answer.fault and self._has_ended(answer):
                        response.close()  # hangs up, which stops the server
                        return
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: no JSON, or an event that is far too long
            answer.fail(type(error).__name__, time.perf_counter())
        else:
            if answer.ended is None:
                answer.end(time.perf_counter())

    def _has_ended(self, answer: Answer) -> bool:
        end = self._rule.end_of(answer.before, answer.after, answer.text)
        if end is None:
            return False
        answer.end(time.perf_counter(), end)
        return True
