"""What can go wrong between a client and its server, as exceptions. Nothing here acts."""

from __future__ import annotations

from afterword_protocol.messages import Error, ErrorCode


class ClientError(Exception):
    """Root of everything this client raises for reasons that lie with the server or the way to it."""


class ConnectionLost(ClientError):
    """The connection dropped while something was awaited of it; documents come back by themselves, this did not.

    `code` is the WebSocket close code, or `None` if there never was a connection.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason if code is None else f"{reason} (close code {code})")
        self.code = code  # close code, if the server gave one


class Refused(ConnectionLost):
    """The server will not have this client, and trying again as it stands would not help (a bad token, say)."""


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
    """The server broke the rule that pieces of a suggestion follow each other without gap or overlap."""
