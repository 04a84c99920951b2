"""One WebSocket in use: sends queued messages in order and hands on what it receives, until the socket closes."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from afterword_protocol import codec
from afterword_protocol.messages import ClientMessage, ServerMessage

FLUSH_TIMEOUT_S = 5.0  # time to send what is queued before the socket is closed

_log = logging.getLogger("afterword.client")


class Transport:
    """Sending never waits. What is still queued when the socket closes is lost."""

    def __init__(self, socket: ClientConnection, on_message: Callable[[ServerMessage], None]) -> None:
        self._socket = socket
        self._on_message = on_message
        self._queue: deque[ClientMessage] = deque()
        self._wake = asyncio.Event()  # the queue has a message, or the transport is closing
        self._closing = False
        self._sender = asyncio.create_task(self._send_queued(), name="afterword client sender")

    def send(self, message: ClientMessage) -> None:
        """Send a message after those before it."""
        self._queue.append(message)
        self._wake.set()

    async def run(self) -> None:
        """Receive until either side closes the socket."""
        try:
            async for frame in self._socket:
                self._receive(frame)
        except ConnectionClosed:
            pass
        finally:
            self._sender.cancel()
            await asyncio.wait([self._sender])

    async def close(self) -> None:
        """Send what is queued, then close the socket."""
        self._closing = True
        self._wake.set()
        await asyncio.wait([self._sender], timeout=FLUSH_TIMEOUT_S)
        await self._socket.close()

    async def _send_queued(self) -> None:
        try:
            while not self._closing:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    await self._socket.send(codec.encode(self._queue.popleft()))
        except ConnectionClosed:
            pass  # the receiving side sees it too

    def _receive(self, frame: str | bytes) -> None:
        try:
            message = codec.decode_server(frame)
        except codec.UnknownType:
            return  # from a later version of the protocol
        except codec.CodecError as error:
            _log.warning("the server sent an invalid message: %s", error)
            return
        self._on_message(message)
