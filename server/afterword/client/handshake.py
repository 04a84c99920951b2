"""Opening a connection: WebSocket handshake, hello and welcome; and what the close of a connection means."""

from __future__ import annotations

import asyncio
import logging

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, NegotiationError
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol

from afterword.client.errors import ConnectionLost, Refused
from afterword_protocol import codec
from afterword_protocol.codes import CloseCode, ReconnectAdvice
from afterword_protocol.messages import SUBPROTOCOL, Hello, Welcome

MAX_FRAME_BYTES = 16 * 2**20
PING_INTERVAL_S = 20.0  # between WebSocket pings; a connection without an answer for as long is dead
WELCOME_TIMEOUT_S = 20.0
MAX_BODY_BYTES = 200  # of an HTTP answer, shown in the error

_FATAL_CODES = frozenset(code for code in CloseCode if code.reconnect is ReconnectAdvice.AFTER_CHANGE)
_TRANSIENT_STATUSES = frozenset({408, 429})  # of those below 500, the ones that a later attempt may not meet

# At its DEBUG level, `websockets` logs what travels, which is the text of writers. So that level stays shut.
_websockets_log = logging.getLogger("afterword.client.websockets")
_websockets_log.setLevel(logging.WARNING)


async def open_connection(url: str, hello: Hello, origin: str | None) -> tuple[ClientConnection, Welcome]:
    """Connect, send `hello`, and wait for `welcome`.

    Raises Refused if the same attempt would fail again, else ConnectionLost.
    """
    socket = await _connect(url, origin)
    try:
        async with asyncio.timeout(WELCOME_TIMEOUT_S):
            await socket.send(codec.encode(hello))
            welcome = codec.decode_server(await socket.recv())
    except ConnectionClosed as error:
        raise close_error(socket) from error
    except (TimeoutError, codec.CodecError) as error:
        await socket.close()
        raise ConnectionLost(f"{url} did not answer hello with welcome") from error
    except BaseException:
        await socket.close()
        raise
    if not isinstance(welcome, Welcome):
        await socket.close()
        raise Refused(f"{url} answered hello with {welcome.type}")
    return socket, welcome


def close_error(socket: ClientConnection) -> ConnectionLost:
    """The error that stands for a closed socket; Refused if it makes no sense to come back."""
    code = socket.close_code
    reason = socket.close_reason or "the connection was lost"
    return Refused(reason, code) if code in _FATAL_CODES else ConnectionLost(reason, code)


async def _connect(url: str, origin: str | None) -> ClientConnection:
    try:
        return await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,  # frames are small; it would cost latency and memory
            max_size=MAX_FRAME_BYTES,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_INTERVAL_S,
            origin=Origin(origin) if origin else None,
            logger=_websockets_log,
        )
    except InvalidStatus as answer:
        raise _status_error(url, answer.response) from answer
    except NegotiationError as error:
        raise Refused(f"{url} does not speak {SUBPROTOCOL}") from error
    except (OSError, InvalidHandshake, TimeoutError, EOFError) as error:
        raise ConnectionLost(f"cannot connect to {url}: {error}") from error


def _status_error(url: str, response: Response) -> ConnectionLost:
    status = response.status_code
    body = bytes(response.body or b"")[:MAX_BODY_BYTES].decode("utf-8", "replace").strip()
    kind = Refused if 400 <= status < 500 and status not in _TRANSIENT_STATUSES else ConnectionLost
    return kind(f"{url} answered HTTP {status} {body}".rstrip())
