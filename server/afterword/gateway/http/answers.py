"""An answer to a plain HTTP request, and the headers that go with every one.

What lives here: a value, and how it becomes what travels. Who gets which page is decided by whoever makes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response

# What a browser may do with anything that comes from here: load from this server alone, talk to this server alone
# (for WebSockets, too, `'self'` is enough), run no script and no style that stands in a document, and let nobody
# frame it, pass it off as another kind of file, or learn from a link where it was.
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
    """A page of plain words."""
    return HttpAnswer(status, f"{text}\n".encode(), "text/plain; charset=utf-8")


def response_of(page: HttpAnswer, *, head: bool = False) -> Response:
    """What travels. `head`: as an answer to HEAD, all but the body."""
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
