"""Seats at servers that complete a text over HTTP: llama.cpp's, and those that speak OpenAI's completions.

Each request streams, and the next keystroke gives it up by closing its connection, which is what tells these servers to
stop. The client is aiohttp: of the libraries that are kept up, the one with the least time spent on each request.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiohttp
import orjson

from .answers import Answer
from .events import Dialect, take_in
from .page import Page, Stroke

LONGEST_EVENT_BYTES = 1 << 20  # llama.cpp's last one repeats the prompt


@contextlib.asynccontextmanager
async def connections() -> AsyncIterator[aiohttp.ClientSession]:
    """As many connections as there are requests, kept alive, without a limit on time."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=LONGEST_EVENT_BYTES,
    ) as session:
        yield session


class CompletionSeat:
    """One writer; the text before the caret is sent whole with each request."""

    def __init__(self, session: aiohttp.ClientSession, url: str, dialect: Dialect) -> None:
        self._session = session
        self._url = url.rstrip("/") + dialect.path
        self._dialect = dialect
        self._asking: asyncio.Task[None] | None = None

    async def open(self, page: Page) -> None:
        """Nothing: these servers know no documents."""

    async def edit(self, before: Page, stroke: Stroke) -> None:
        """Nothing: the next request carries the text."""

    async def ask(self, page: Page) -> Answer:
        """Give up the request before and send one."""
        if self._asking is not None:
            self._asking.cancel()  # closes its connection
        answer = Answer(page.before, page.after, time.perf_counter())
        self._asking = asyncio.create_task(self._stream(orjson.dumps(self._dialect.body(page.before)), answer))
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
                    take_in(line, self._dialect, answer, time.perf_counter())
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: no JSON, or an event beyond all measure
            answer.fail(type(error).__name__, time.perf_counter())
        else:
            answer.ended = time.perf_counter()
