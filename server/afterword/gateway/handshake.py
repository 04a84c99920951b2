"""The HTTP side of the server: plain pages, and who may turn a request into a WebSocket.

What lives here: the answer to one request, decided from its head alone. What the WebSocket standard itself asks of a
handshake is checked by `websockets`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from websockets.datastructures import Headers, MultipleValuesError
from websockets.http11 import Request, Response

from afterword_protocol.messages import PATH, SUBPROTOCOL

from .health import Page, Routes
from .origins import Origins


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Answers requests. `has_room` tells whether one more connection may be opened, `draining` that none may."""

    origins: Origins
    routes: Routes
    has_room: Callable[[], bool]
    draining: Callable[[], bool]

    def answer(self, request: Request) -> Response | None:
        """The response that ends a request, or `None` if it may go on as a handshake."""
        path = request.path.partition("?")[0]
        if path in self.routes:
            return _respond(self.routes[path]())
        if path != PATH:
            return _refuse(HTTPStatus.NOT_FOUND, f"Nothing is here. The WebSocket is at {PATH}.")
        if not _asks_for_websocket(request.headers):
            return None
        refusal = self._refusal(request.headers)
        return refusal and _refuse(*refusal)

    def _refusal(self, headers: Headers) -> tuple[HTTPStatus, str] | None:
        try:
            origin, host = headers.get("Origin"), headers.get("Host")
        except MultipleValuesError:
            return HTTPStatus.BAD_REQUEST, "The request has more than one Origin or Host."
        if not self.origins.allow(origin, host):
            return (
                HTTPStatus.FORBIDDEN,
                "Pages of this origin may not use this server. Whoever runs it can add the origin to its list.",
            )
        if SUBPROTOCOL not in _offered(headers):
            return (
                HTTPStatus.BAD_REQUEST,
                f"The client must offer the WebSocket subprotocol {SUBPROTOCOL}, and it does not.",
            )
        if self.draining():
            return HTTPStatus.SERVICE_UNAVAILABLE, "The server is shutting down. Connect again in a moment."
        if not self.has_room():
            return HTTPStatus.SERVICE_UNAVAILABLE, "The server has all the connections it takes. Try again later."
        return None


def _asks_for_websocket(headers: Headers) -> bool:
    return any("websocket" in value.lower() for value in headers.get_all("Upgrade"))


def _offered(headers: Headers) -> list[str]:
    values = headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",")]


def _refuse(status: HTTPStatus, why: str) -> Response:
    return _respond(Page(status, f"{why}\n".encode(), "text/plain; charset=utf-8"))


def _respond(page: Page) -> Response:
    headers = Headers(
        {
            "Date": formatdate(usegmt=True),
            "Connection": "close",
            "Content-Length": str(len(page.body)),
            "Content-Type": page.content_type,
            "Cache-Control": "no-store",
        }
    )
    return Response(page.status.value, page.status.phrase, headers, page.body)
