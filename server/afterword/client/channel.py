"""What a document needs of the way to its server. A client's connection is one, and so is a server in this process."""

from __future__ import annotations

from typing import Protocol

from afterword_protocol.messages import ClientMessage, Limits


class Channel(Protocol):
    """The way to a server, as a document sees it."""

    @property
    def epoch(self) -> int:
        """Number of the current connection; 0 while there is none."""
        ...

    @property
    def limits(self) -> Limits:
        """The limits that the server announced last."""
        ...

    def send(self, message: ClientMessage) -> None:
        """Queue a message behind those before it; never waits. Dropped while there is no connection."""
        ...

    def next_ping(self) -> int:
        """A number for a `ping` that no other ping of this channel uses."""
        ...

    def forget(self, name: str) -> None:
        """The document of this name was closed."""
        ...
