"""Close codes of the connection: what each means, and whether and how a client should come back.

Only the vocabulary lives here; who sends which code is decided by the session, the handshake and the socket.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ReconnectAdvice(StrEnum):
    """What a client should do after a connection was closed."""

    AT_ONCE = "at once"
    BACK_OFF = "back off"
    AFTER_CHANGE = "not before the program, its token or its message was changed"


class CloseCode(IntEnum):
    """Every close code that this protocol gives a meaning."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    MALFORMED = 4400
    UNAUTHORIZED = 4401
    SUBPROTOCOL = 4406
    HELLO_TIMEOUT = 4408
    SECOND_HELLO = 4409
    TOO_FAST = 4429
    INTERNAL = 4500

    @property
    def meaning(self) -> str:
        """Why the server closed, in a sentence."""
        return _EXPLAINED[self][0]

    @property
    def reconnect(self) -> ReconnectAdvice:
        """Whether reconnecting can help, and how."""
        return _EXPLAINED[self][1]


_EXPLAINED: dict[CloseCode, tuple[str, ReconnectAdvice]] = {
    CloseCode.GOING_AWAY: ("The server is shutting down and has let live suggestions end.", ReconnectAdvice.AT_ONCE),
    CloseCode.TOO_BIG: ("A message was larger than `limits.message_bytes`.", ReconnectAdvice.AFTER_CHANGE),
    CloseCode.MALFORMED: (
        "A frame was binary or not a JSON object, or the first message was not `hello`.",
        ReconnectAdvice.AFTER_CHANGE,
    ),
    CloseCode.UNAUTHORIZED: ("The token in `hello` is missing or wrong.", ReconnectAdvice.AFTER_CHANGE),
    CloseCode.SUBPROTOCOL: ("The subprotocol of this version was not agreed on.", ReconnectAdvice.AFTER_CHANGE),
    CloseCode.HELLO_TIMEOUT: ("No `hello` came in time.", ReconnectAdvice.BACK_OFF),
    CloseCode.SECOND_HELLO: ("A second `hello` was sent on one connection.", ReconnectAdvice.AFTER_CHANGE),
    CloseCode.TOO_FAST: ("Messages came faster than the server takes them.", ReconnectAdvice.BACK_OFF),
    CloseCode.INTERNAL: ("The server failed; what it knew of this connection is lost.", ReconnectAdvice.BACK_OFF),
}
