"""The exceptions that a client raises."""

from __future__ import annotations

from afterword_protocol.messages import Error, ErrorCode


class ClientError(Exception):
    """Base class of all errors that lie with the server or the connection to it."""


class ConnectionLost(ClientError):
    """The connection dropped during a request; documents come back by themselves, requests do not.

    `code` is the WebSocket close code, or `None` if there never was a connection.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason if code is None else f"{reason} (close code {code})")
        self.code = code  # close code, if the server gave one


class Refused(ConnectionLost):
    """The server refuses this client, and the same attempt would fail again (a wrong token, for example)."""


class RequestFailed(ClientError):
    """The server answered with an `error` message, which is kept in `error`."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error  # the message, with its field or retry_after_ms

    @property
    def code(self) -> ErrorCode:
        """The error's code."""
        return self.error.code


class OutOfStep(ClientError):
    """The server broke the rule that the pieces of a suggestion follow each other without gap or overlap."""
