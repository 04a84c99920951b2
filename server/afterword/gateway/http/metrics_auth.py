"""Who may read the server's figures at `/metrics`.

What lives here: one pure decision. The figures hold nothing of what is written, but they tell when, how much and with
what success, and that is for whoever runs the server: they stand no more open than the server itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from afterword.gateway.auth import Tokens, is_loopback

SCHEME = "bearer"


class MetricsAuth:
    """Asks for `metrics_token` if there is one; else for one of the server's `tokens`; else only for a local name.

    Without any token the server listens on a loopback address only, but a web page could make a name of its own lead
    there (DNS rebinding) and read along, were it not for the name in the request.
    """

    def __init__(self, tokens: Iterable[str], metrics_token: str = "") -> None:
        self._tokens = Tokens([metrics_token] if metrics_token else tokens)

    def refusal(self, authorization: str | None, host: str | None) -> tuple[HTTPStatus, str] | None:
        """Why the figures are not shown, given the request's `Authorization` and `Host`; None if they are."""
        if self._tokens:
            scheme, _, token = (authorization or "").partition(" ")
            if scheme.lower() == SCHEME and self._tokens.accept(token.strip()):
                return None
            return HTTPStatus.UNAUTHORIZED, "A token is needed, sent as  Authorization: Bearer TOKEN"
        try:
            name = urlsplit(f"//{host or ''}").hostname or ""
        except ValueError:  # such as an unclosed bracket
            name = ""
        if is_loopback(name):
            return None
        return HTTPStatus.FORBIDDEN, "Without a token, figures are shown under a loopback address or localhost only."
