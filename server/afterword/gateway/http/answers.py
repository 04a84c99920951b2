"""An answer to a plain HTTP request, and the headers that go with every one.

What lives here: the answer as a value, and the response that `websockets` sends for it. Which request gets which answer
is decided in `handshake.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response

# A browser may load from this server alone, connect to this server alone (`'self'` covers its WebSocket, too), and run
# no script or style written into a document. Nobody may frame a page, take a file for another type, or learn from a
# link where the reader was.
GUARDS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer to a plain HTTP request; `headers` are those that not every answer has."""

    status: HTTPStatus
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


def text_answer(status: HTTPStatus, text: str) -> HttpAnswer:
    """A page of plain text."""
    return HttpAnswer(status, f"{text}\n".encode(), "text/plain; charset=utf-8")


def response_of(page: HttpAnswer, *, head: bool = False) -> Response:
    """The response for `websockets` to send; without the body if it answers a HEAD request (`head`)."""
    headers = Headers(
        {
            "Date": formatdate(usegmt=True),
            "Connection": "close",
            "Content-Type": page.content_type,
            "Cache-Control": "no-store",
        }
    )
    if page.status is HTTPStatus.NOT_MODIFIED:
        del headers["Content-Type"]  # there is no content
    else:
        headers["Content-Length"] = str(len(page.body))
    for name, value in {**GUARDS, **page.headers}.items():
        if name in headers:
            del headers[name]
        headers[name] = value
    return Response(page.status.value, page.status.phrase, headers, b"" if head else page.body)
