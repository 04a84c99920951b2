"""A client's connection: messages in order, both ways, and reconnecting after a drop.

Not here: opening one WebSocket (`handshake`), using it (`transport`), text and suggestions (`document`, `suggestion`).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection

from afterword.client.backoff import backoff_s
from afterword.client.document import Document
from afterword.client.errors import ConnectionLost, Refused
from afterword.client.handshake import close_error, open_connection
from afterword.client.transport import Transport
from afterword.faults import describe_fault
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

STABLE_AFTER_S = 10.0  # after a connection that lasted this long, waits begin small again
TOO_FAST_WAIT_S = 1.0  # extra wait after the server closed because of too many messages

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
    """A client of the server at `url`, for `async with`; `/v1` is added to a URL without a path.

    `reconnect`: reconnect after a drop, with growing waits, and open all documents again.
    `patience_s`: keep trying for this long if no server answers at first. `on_notice`: called with each `notice`.
    Entering raises ConnectionLost if no server answers, Refused if the server refuses this client.
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
        self.welcome: Welcome | None = None  # the server's last `welcome`
        self.error: ConnectionLost | None = None  # why there is no connection now
        self._hello = hello
        self._reconnect = reconnect
        self._patience_s = patience_s
        self._origin = origin
        self._transport: Transport | None = None  # the current connection
        self._epoch = 0  # its number, 0 while there is none
        self._epochs = itertools.count(1)
        self._pings = itertools.count(1)
        self._documents: dict[str, Document] = {}
        self._pongs: dict[int, asyncio.Future[None]] = {}
        self._connected = asyncio.Event()  # set while there is a connection, and when there will be none again
        self._task: asyncio.Task[None] | None = None

    # --- connecting and closing ---

    async def __aenter__(self) -> Self:
        deadline = time.monotonic() + self._patience_s
        waits = backoff_s()
        while True:
            try:
                socket = await self._open_connection()
                break
            except Refused:
                raise
            except ConnectionLost:
                wait = next(waits)
                if time.monotonic() + wait > deadline:
                    raise
                await asyncio.sleep(wait)
        self._task = asyncio.create_task(self._run(socket), name="afterword client")
        await self._connected.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection for good, after sending what is queued."""
        task, self._task = self._task, None
        if task is None:
            return
        self._reconnect = False
        if self._transport is not None:
            await self._transport.close()
        task.cancel()
        await asyncio.wait([task])
        self._give_up(ConnectionLost("the client was closed"))

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._epoch != 0

    async def wait_connected(self) -> None:
        """Wait until there is a connection. Raises why if there will be none again."""
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
        """Open a document with this text around its caret.

        Returns once the server has it. Raises RequestFailed if the server refused it, ValueError if the name is in use,
        and ConnectionLost if there will be no connection again.
        """
        if self._task is None or self._task.done():
            raise self.error or ConnectionLost("there is no connection")
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
        """Ping the server; returns the round trip in milliseconds. Raises ConnectionLost if no pong comes."""
        if not self._epoch:
            raise self.error or ConnectionLost("there is no connection")
        number = self.next_ping()
        answered = self._pongs[number] = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        self.send(Ping(t=number))
        try:
            await answered
        finally:
            self._pongs.pop(number, None)
        return (time.monotonic() - began) * 1000

    # --- Channel, for documents ---

    @property
    def epoch(self) -> int:
        """Number of the current connection, 0 while there is none."""
        return self._epoch

    @property
    def limits(self) -> Limits:
        """The server's limits."""
        assert self.welcome is not None, "documents are opened after the welcome"
        return self.welcome.limits

    def send(self, message: ClientMessage) -> None:
        """Queue a message; dropped while there is no connection."""
        if self._transport is not None:
            self._transport.send(message)

    def next_ping(self) -> int:
        """A number for a ping that no other ping uses."""
        return next(self._pings)

    def forget(self, name: str) -> None:
        """A document was closed."""
        self._documents.pop(name, None)

    # --- one connection after another ---

    async def _run(self, socket: ClientConnection) -> None:
        waits = backoff_s()
        while True:
            began = time.monotonic()
            transport = Transport(socket, self._dispatch)
            self._begin(transport)
            try:
                await transport.run()
            except Exception as error:  # in a callback, say
                _log.error("the client failed and reconnects\n%s", describe_fault(error))
                await socket.close()
            lost = close_error(socket)
            self._lose(lost)
            if isinstance(lost, Refused) or not self._reconnect:
                self._give_up(lost)
                return
            if time.monotonic() - began >= STABLE_AFTER_S:
                waits = backoff_s()
            if lost.code == CloseCode.TOO_FAST:
                await asyncio.sleep(TOO_FAST_WAIT_S)
            try:
                socket = await self._reopen_connection(waits)
            except Refused as refused:
                self._give_up(refused)
                return

    async def _reopen_connection(self, waits: Iterator[float]) -> ClientConnection:
        while True:
            await asyncio.sleep(next(waits))
            try:
                return await self._open_connection()
            except Refused:
                raise
            except ConnectionLost as still_lost:
                self.error = still_lost

    async def _open_connection(self) -> ClientConnection:
        socket, self.welcome = await open_connection(self.url, self._hello, self._origin)
        return socket

    def _begin(self, transport: Transport) -> None:
        """Use a new connection: open all documents on it."""
        self._transport, self._epoch, self.error = transport, next(self._epochs), None
        for document in list(self._documents.values()):
            document.reopen()
        self._connected.set()

    def _dispatch(self, message: ServerMessage) -> None:
        match message:
            case Token(doc=name) | Done(doc=name) | Error(doc=str() as name) if name in self._documents:
                self._documents[name].receive(message)
            case Error():
                _log.warning("the server sent the error %s: %s", message.code, message.message)
            case Pong(t=number):
                self._pong(number)
            case Notice() if self.on_notice is not None:
                self.on_notice(message)
            case _:
                pass  # for a document that was closed since, or of no interest

    def _pong(self, number: object) -> None:
        waiting = self._pongs.get(number) if isinstance(number, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        for document in self._documents.values():
            document.receive_pong(number)

    def _lose(self, error: ConnectionLost) -> None:
        self._transport, self._epoch, self.error = None, 0, error
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
