"""Who may read the server's metrics at `/metrics`.

What lives here: one pure decision. Metrics hold nothing of what is written, but they show when, how much and with what
success people write. That concerns whoever runs the server, so they are no more public than the server itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from afterword.gateway.auth import Tokens, is_loopback

SCHEME = "bearer"


class MetricsAuth:
    """Asks for `metrics_token` if there is one; else for one of the server's `tokens`; else only for a local name.

    Without any token the server listens on a loopback address only. A web page can still make a name of its own lead
    there (DNS rebinding), so the name in the request has to be a local one, too.
    """

    def __init__(self, tokens: Iterable[str], metrics_token: str = "") -> None:
        self._tokens = Tokens([metrics_token] if metrics_token else tokens)

    def refusal(self, authorization: str | None, host: str | None) -> tuple[HTTPStatus, str] | None:
        """Why the metrics are not shown, given the request's `Authorization` and `Host`; None if they are."""
        if self._tokens:
            scheme, _, token = (authorization or "").partition(" ")
            if scheme.lower() == SCHEME and self._tokens.accept(token.strip()):
                return None
            return HTTPStatus.UNAUTHORIZED, "The metrics need a token: send the header  Authorization: Bearer TOKEN"
        try:
            name = urlsplit(f"//{host or ''}").hostname or ""
        except ValueError:  # such as an unclosed bracket
            name = ""
        if is_loopback(name):
            return None
        return (
            HTTPStatus.FORBIDDEN,
            "A server without tokens shows its metrics under localhost or a loopback address only.",
        )
