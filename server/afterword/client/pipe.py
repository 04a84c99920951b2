"""One socket in use: messages go out in the order they were posted, and come in one by one, until it ends."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from afterword_protocol import codec
from afterword_protocol.messages import ClientMessage, ServerMessage

LAST_WORDS_WITHIN_S = 5.0  # time to send what was posted before the socket is closed

_log = logging.getLogger("afterword.client")


class Pipe:
    """Posting never waits. What was posted and not sent when the socket ends is lost."""

    def __init__(self, socket: ClientConnection, receive: Callable[[ServerMessage], None]) -> None:
        self._socket = socket
        self._receive = receive
        self._outbox: deque[ClientMessage] = deque()
        self._news = asyncio.Event()  # the outbox has something, or there will be no more
        self._closing = False
        self._sender = asyncio.create_task(self._send(), name="afterword client sender")

    def post(self, message: ClientMessage) -> None:
        """Send a message after those before it."""
        self._outbox.append(message)
        self._news.set()

    async def run(self) -> None:
        """Receive until the socket ends, by whichever side."""
        try:
            async for frame in self._socket:
                self._take(frame)
        except ConnectionClosed:
            pass
        finally:
            self._sender.cancel()
            await asyncio.wait([self._sender])

    async def close(self) -> None:
        """Send what was posted, then close."""
        self._closing = True
        self._news.set()
        await asyncio.wait([self._sender], timeout=LAST_WORDS_WITHIN_S)
        await self._socket.close()

    async def _send(self) -> None:
        try:
            while not self._closing:
                await self._news.wait()
                self._news.clear()
                while self._outbox:
                    await self._socket.send(codec.encode(self._outbox.popleft()))
        except ConnectionClosed:
            pass  # the receiving side sees it too

    def _take(self, frame: str | bytes) -> None:
        try:
            message = codec.decode_server(frame)
        except codec.UnknownType:
            return  # of a later version of the protocol
        except codec.CodecError as error:
            _log.warning("the server sent a message that is not in order: %s", error)
            return
        self._receive(message)
