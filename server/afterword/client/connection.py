"""A client's connection over its sockets: sending and receiving in order, and coming back after a drop.

How one socket is got is in `arrival.py`; all about text and suggestions is in `document.py` and `suggestion.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from afterword_protocol import codec
from afterword_protocol.codes import CloseCode
from afterword_protocol.messages import (
    PATH,
    ClientMessage,
    Delivery,
    Done,
    Error,
    Hello,
    Limits,
    Notice,
    Peer,
    Ping,
    Pong,
    ServerMessage,
    Token,
    Welcome,
)

from .arrival import arrive, why
from .document import Document
from .errors import ConnectionLost, Refused, RequestFailed
from .waits import growing_waits

LAST_WORDS_WITHIN_S = 5.0  # time to send what was posted before the client is closed
TOO_FAST_REST_S = 1.0  # before coming back to a server that closed because of too many messages

_log = logging.getLogger("afterword.client")


def connect(
    url: str,
    *,
    token: str | None = None,
    delivery: Delivery | str = Delivery.TOKEN,
    name: str = "afterword-python",
    reconnect: bool = True,
    patience_s: float = 0.0,
    origin: str | None = None,
    on_notice: Callable[[Notice], None] | None = None,
) -> Client:
    """A client of the server at `url`, to be entered with `async with`; `/v1` is added to a URL without a path.

    `reconnect`: come back after a drop, with growing waits, and give the server all documents again.
    `patience_s`: keep trying for so long if there is nobody at first. `on_notice`: called with the server's news.
    Entering raises ConnectionLost if nobody is there, Refused if the server will not have this client.
    """
    return Client(
        _with_path(url),
        Hello(token=token, client=Peer(name=name, version=version("afterword")), delivery=Delivery(delivery)),
        reconnect=reconnect,
        patience_s=patience_s,
        origin=origin,
        on_notice=on_notice,
    )


class Client:
    """A connection that outlives its sockets. See `connect`."""

    def __init__(
        self,
        url: str,
        hello: Hello,
        *,
        reconnect: bool,
        patience_s: float,
        origin: str | None,
        on_notice: Callable[[Notice], None] | None,
    ) -> None:
        self.url = url
        self.on_notice = on_notice
        self.welcome: Welcome | None = None  # what the server last said of itself
        self.error: ConnectionLost | None = None  # why there is no connection now
        self._hello = hello
        self._reconnect = reconnect
        self._patience_s = patience_s
        self._origin = origin
        self._socket: ClientConnection | None = None
        self._epoch = 0  # number of the present connection, 0 while there is none
        self._epochs = itertools.count(1)
        self._markers = itertools.count(1)
        self._documents: dict[str, Document] = {}
        self._pongs: dict[int, asyncio.Future[None]] = {}
        self._outbox: deque[ClientMessage] = deque()
        self._wake = asyncio.Event()  # set when there is something in the outbox
        self._connected = asyncio.Event()  # set while there is a connection, and when there will be none again
        self._closing = False  # whether the sender is to end once the outbox is empty
        self._sender: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # --- coming and going ---

    async def __aenter__(self) -> Self:
        deadline = time.monotonic() + self._patience_s
        waits = growing_waits()
        while True:
            try:
                socket = await self._arrive()
                break
            except Refused:
                raise
            except ConnectionLost:
                wait = next(waits)
                if time.monotonic() + wait > deadline:
                    raise
                await asyncio.sleep(wait)
        self._task = asyncio.create_task(self._run(socket), name="afterword-client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the connection for good, after sending what was posted."""
        if self._task is None:
            return
        task, self._task = self._task, None
        if self._sender is not None and not self._sender.done():
            self._closing = True
            self._wake.set()
            await asyncio.wait([self._sender], timeout=LAST_WORDS_WITHIN_S)
        task.cancel()
        await asyncio.wait([task])
        self._give_up(ConnectionLost("the client was closed"))
        if self._socket is not None:
            await self._socket.close()

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._epoch != 0

    async def wait_connected(self) -> None:
        """Wait until there is a connection. Raises if there will be none again."""
        await self._connected.wait()
        if not self._epoch and self.error is not None:
            raise self.error

    # --- using it ---

    async def open(
        self,
        name: str,
        before: str = "",
        after: str = "",
        *,
        language: str | None = None,
        block: str | None = None,
        preface: str | None = None,
    ) -> Document:
        """Have the server follow a document with this text around its caret.

        Returns once the server has taken it; raises RequestFailed if it did not, ValueError if the name is in use.
        """
        if name in self._documents:
            raise ValueError(f"a document named {name!r} is open already")
        document = Document(self, name, before, after, language, block, preface)
        self._documents[name] = document
        try:
            await document.settled()
        except BaseException:
            self._documents.pop(name, None)
            raise
        return document

    async def ping(self) -> float:
        """Ask for a sign of life; returns the round trip in milliseconds. Raises ConnectionLost if there is none."""
        if not self._epoch:
            raise self.error or ConnectionLost("there is no connection")
        marker = self.marker()
        answered = self._pongs[marker] = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        self.post(Ping(t=marker))
        try:
            await answered
        finally:
            self._pongs.pop(marker, None)
        return (time.monotonic() - began) * 1000

    # --- Link, for documents ---

    @property
    def epoch(self) -> int:
        """Number of the present connection, 0 while there is none."""
        return self._epoch

    @property
    def limits(self) -> Limits:
        """What the server takes."""
        assert self.welcome is not None, "documents are opened after the welcome"
        return self.welcome.limits

    def post(self, message: ClientMessage) -> None:
        """Send a message, in order, without waiting; dropped while there is no connection."""
        if self._epoch:
            self._outbox.append(message)
            self._wake.set()

    def marker(self) -> int:
        """A number for a ping."""
        return next(self._markers)

    def dropped(self, name: str) -> None:
        """A document was closed."""
        self._documents.pop(name, None)

    # --- one connection after another ---

    async def _run(self, socket: ClientConnection) -> None:
        while True:
            try:
                await self._serve(socket)
            finally:
                lost = why(socket)
                self._lose(lost)
            if isinstance(lost, Refused) or not self._reconnect:
                self._give_up(lost)
                return
            waits = growing_waits(least_s=TOO_FAST_REST_S if lost.code == CloseCode.TOO_FAST else 0.0)
            found = await self._come_back(waits)
            if found is None:
                return
            socket = found

    async def _come_back(self, waits: Iterator[float]) -> ClientConnection | None:
        while True:
            await asyncio.sleep(next(waits))
            try:
                socket = await self._arrive()
            except Refused as refused:
                self._give_up(refused)
                return None
            except ConnectionLost as still_lost:
                self.error = still_lost
                continue
            for document in list(self._documents.values()):
                document.reopen()
            return socket

    async def _arrive(self) -> ClientConnection:
        """Get a connection and begin to use it. Raises ConnectionLost or Refused."""
        socket, self.welcome = await arrive(self.url, self._hello, self._origin)
        self._outbox.clear()
        self.error = None
        self._socket, self._epoch = socket, next(self._epochs)
        self._connected.set()
        return socket

    async def _serve(self, socket: ClientConnection) -> None:
        """Send and receive until the connection ends."""
        self._sender = sender = asyncio.create_task(self._send(socket), name="afterword-client-send")
        try:
            async for frame in socket:
                self._take(frame)
        except ConnectionClosed:
            pass
        finally:
            sender.cancel()
            await asyncio.wait([sender])

    async def _send(self, socket: ClientConnection) -> None:
        try:
            while not self._closing:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    await socket.send(codec.encode(self._outbox.popleft()))
        except ConnectionClosed:
            pass  # the receiving side sees it too, and says why

    def _take(self, frame: str | bytes) -> None:
        try:
            message = codec.decode_server(frame)
        except codec.UnknownType:
            return  # of a later version of the protocol
        except codec.CodecError as error:
            _log.warning("the server sent a message that is not in order: %s", error)
            return
        self._dispatch(message)

    def _dispatch(self, message: ServerMessage) -> None:
        match message:
            case Token() | Done():
                self._to_documents(message, [message.doc])
            case Error(doc=str() as name) if name in self._documents:
                self._to_documents(message, [name])
            case Error():
                _log.warning("the server reported %s: %s", message.code, RequestFailed(message))
            case Pong(t=marker):
                self._pong(marker)
            case Notice():
                if self.on_notice is not None:
                    self.on_notice(message)
            case Welcome():
                pass  # one is enough

    def _to_documents(self, message: Token | Done | Error, names: Iterable[str]) -> None:
        for name in names:
            document = self._documents.get(name)
            if document is not None:
                document.receive(message)

    def _pong(self, marker: object) -> None:
        waiting = self._pongs.get(marker) if isinstance(marker, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        for document in self._documents.values():
            document.receive_pong(marker)

    def _lose(self, error: ConnectionLost) -> None:
        self._epoch, self.error = 0, error
        self._outbox.clear()
        self._connected.clear()
        for document in self._documents.values():
            document.connection_lost(error)
        for waiting in self._pongs.values():
            if not waiting.done():
                waiting.set_exception(error)

    def _give_up(self, error: ConnectionLost) -> None:
        self._lose(error)
        for document in self._documents.values():
            document.give_up(error)
        self._connected.set()


def _with_path(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return url if "/" in rest else f"{scheme}://{rest}{PATH}"
