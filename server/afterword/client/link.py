"""What a document needs of the way to its server. Implemented by a connection, and by a server in the same process."""

from __future__ import annotations

from typing import Protocol

from afterword_protocol.messages import ClientMessage, Limits


class Link(Protocol):
    """The way to a server, as a document sees it."""

    @property
    def epoch(self) -> int:
        """Number of the present connection; 0 while there is none."""
        ...

    @property
    def limits(self) -> Limits:
        """What the server last said it takes."""
        ...

    def post(self, message: ClientMessage) -> None:
        """Send a message, in order, without waiting. Dropped while there is no connection."""
        ...

    def marker(self) -> int:
        """A number for a `ping` that no other ping of this link uses."""
        ...

    def dropped(self, name: str) -> None:
        """The document of this name was closed."""
        ...
