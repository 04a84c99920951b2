"""The HTTP side of the server: which page a request gets, and which requests may become a WebSocket.

What lives here: the answer to one request, decided from its head alone. What the WebSocket standard itself asks of a
handshake is checked by `websockets`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from websockets.datastructures import Headers, MultipleValuesError
from websockets.http11 import Request, Response

from afterword.gateway.http.answers import HttpAnswer, response_of, text_answer
from afterword.gateway.http.health import Routes
from afterword.gateway.http.metrics_auth import MetricsAuth
from afterword.gateway.http.static_files import StaticFiles
from afterword.gateway.origins import Origins
from afterword_protocol.messages import PATH, SUBPROTOCOL

# A WebSocket begins with a GET, too.
METHODS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class HandshakePolicy:
    """Answers requests.

    `origins`: web pages that may open a WebSocket. `metrics_auth`: who may read `private` pages; `routes` are for
    everybody. `site`: the page to write on, or `None` if none is served. `has_room`: whether one more connection may be
    opened; `draining`: whether none may, because the server is shutting down. `refused` gets the status of each request
    that is turned away.
    """

    origins: Origins
    metrics_auth: MetricsAuth
    routes: Routes
    private: Routes
    site: StaticFiles | None
    has_room: Callable[[], bool]
    draining: Callable[[], bool]
    refused: Callable[[HTTPStatus], None]

    def answer(self, request: Request) -> Response | None:
        """The response that ends a request, or `None` if it may go on as a handshake."""
        page = self._page(request)
        return response_of(page, head=request.method == "HEAD") if page else None

    def _page(self, request: Request) -> HttpAnswer | None:
        if request.method not in METHODS:
            page = text_answer(HTTPStatus.METHOD_NOT_ALLOWED, f"This server answers {' and '.join(METHODS)} only.")
            return replace(page, headers={"Allow": ", ".join(METHODS)})
        path = request.path.partition("?")[0]
        if path in self.routes:
            return self.routes[path]()
        answer = self._guarded_page(path, request.headers)
        if answer is not None and answer.status >= HTTPStatus.BAD_REQUEST:
            self.refused(answer.status)
        return answer

    def _guarded_page(self, path: str, headers: Headers) -> HttpAnswer | None:
        if path in self.private:
            return self._metrics_refusal(headers) or self.private[path]()
        if path != PATH:
            found = self.site and self.site.answer(path, headers)
            return found or text_answer(HTTPStatus.NOT_FOUND, self._directions())
        if not _asks_for_websocket(headers):
            return None
        refusal = self._refusal(headers)
        return text_answer(*refusal) if refusal else None

    def _metrics_refusal(self, headers: Headers) -> HttpAnswer | None:
        try:
            refusal = self.metrics_auth.refusal(headers.get("Authorization"), headers.get("Host"))
        except MultipleValuesError:
            return text_answer(HTTPStatus.BAD_REQUEST, "The request has more than one Authorization or Host header.")
        if refusal is None:
            return None
        page = text_answer(*refusal)
        return replace(page, headers={"WWW-Authenticate": "Bearer"} if page.status is HTTPStatus.UNAUTHORIZED else {})

    def _directions(self) -> str:
        page = " The page to write on is at /." if self.site and self.site.built else ""
        return f"There is nothing at this address. The WebSocket is at {PATH}.{page}"

    def _refusal(self, headers: Headers) -> tuple[HTTPStatus, str] | None:
        try:
            origin, host = headers.get("Origin"), headers.get("Host")
        except MultipleValuesError:
            return HTTPStatus.BAD_REQUEST, "The request has more than one Origin or Host header."
        if not self.origins.allow(origin, host):
            return (
                HTTPStatus.FORBIDDEN,
                "Pages of this origin may not use this server. Whoever runs it can allow the origin with --origins.",
            )
        if SUBPROTOCOL not in _offered(headers):
            return (
                HTTPStatus.BAD_REQUEST,
                f"The client has to offer the WebSocket subprotocol {SUBPROTOCOL}, and it does not.",
            )
        if self.draining():
            return HTTPStatus.SERVICE_UNAVAILABLE, "The server is shutting down. Connect again in a moment."
        if not self.has_room():
            return HTTPStatus.SERVICE_UNAVAILABLE, "The server has as many connections as it accepts. Try again later."
        return None


def _asks_for_websocket(headers: Headers) -> bool:
    return any("websocket" in value.lower() for value in headers.get_all("Upgrade"))


def _offered(headers: Headers) -> list[str]:
    values = headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",")]
