"""Getting a connection: handshake, hello and welcome; and what it means when one ends or none is to be had."""

from __future__ import annotations

import asyncio
import logging

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, NegotiationError
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol

from afterword.client.errors import ConnectionLost, Refused
from afterword_protocol import codec
from afterword_protocol.codes import CloseCode, Comeback
from afterword_protocol.messages import SUBPROTOCOL, Hello, Welcome

MOST_FRAME_BYTES = 16 * 2**20
DEAD_AFTER_S = 20.0  # without an answer to a WebSocket ping, of which one is sent as often
WELCOME_WITHIN_S = 20.0
MOST_BODY_BYTES = 200  # of an HTTP answer that are shown

_HOPELESS = frozenset(code for code in CloseCode if code.comeback is Comeback.AFTER_CHANGE)
_PASSING_STATUSES = frozenset({408, 429})  # of those below 500, the ones that may be gone on the next try

# At its DEBUG level, `websockets` logs what travels: texts of writers. So that level is kept shut.
_websockets_log = logging.getLogger("afterword.client.websockets")
_websockets_log.setLevel(logging.WARNING)


async def arrive(url: str, hello: Hello, origin: str | None) -> tuple[ClientConnection, Welcome]:
    """Connect, say hello, and take the welcome.

    Raises Refused if trying again as things stand would not help, else ConnectionLost.
    """
    socket = await _open(url, origin)
    try:
        async with asyncio.timeout(WELCOME_WITHIN_S):
            await socket.send(codec.encode(hello))
            welcome = codec.decode_server(await socket.recv())
    except ConnectionClosed as error:
        raise why(socket) from error
    except (TimeoutError, codec.CodecError) as error:
        await socket.close()
        raise ConnectionLost(f"{url} did not say welcome") from error
    except BaseException:
        await socket.close()
        raise
    if not isinstance(welcome, Welcome):
        await socket.close()
        raise Refused(f"{url} answered hello with {welcome.type}")
    return socket, welcome


def why(socket: ClientConnection) -> ConnectionLost:
    """What the end of a socket means: whether it makes sense to come back."""
    code = socket.close_code
    reason = socket.close_reason or "the connection was lost"
    return Refused(reason, code) if code in _HOPELESS else ConnectionLost(reason, code)


async def _open(url: str, origin: str | None) -> ClientConnection:
    try:
        return await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,  # frames are small; it would cost latency and memory
            max_size=MOST_FRAME_BYTES,
            ping_interval=DEAD_AFTER_S,
            ping_timeout=DEAD_AFTER_S,
            origin=Origin(origin) if origin else None,
            logger=_websockets_log,
        )
    except InvalidStatus as answer:
        raise _unwelcome(url, answer.response) from answer
    except NegotiationError as error:
        raise Refused(f"{url} does not speak {SUBPROTOCOL}") from error
    except (OSError, InvalidHandshake, TimeoutError, EOFError) as error:
        raise ConnectionLost(f"no connection to {url}: {error}") from error


def _unwelcome(url: str, response: Response) -> ConnectionLost:
    status = response.status_code
    body = bytes(response.body or b"")[:MOST_BODY_BYTES].decode("utf-8", "replace").strip()
    kind = Refused if 400 <= status < 500 and status not in _PASSING_STATUSES else ConnectionLost
    return kind(f"{url} answered HTTP {status} {body}".rstrip())
