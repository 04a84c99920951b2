"""Who may talk to the server: secret tokens, and the rule that a public address needs them.

What lives here: comparing tokens, and the refusal to listen openly. Not here: where tokens come from (`config.tokens`),
and the `Origin` of browsers (`origins`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from ipaddress import ip_address

from afterword.config.tokens import TOKEN_VARIABLE


class InsecureBindError(ValueError):
    """The server would be reachable from other machines without asking anybody for a token."""


class Tokens:
    """The secrets that let a client in. Keeps only digests, so that no secret shows up in a dump or a traceback."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = tuple(_digest(token) for token in tokens)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accept(self, token: str | None) -> bool:
        """Whether a client with this token may come in; anybody may if there are no tokens.

        Takes the same time for every token of one length: all secrets are compared, as digests of one size.
        """
        if not self._digests:
            return True
        given = _digest(token or "")
        matched = False
        for digest in self._digests:
            matched |= hmac.compare_digest(given, digest)
        return matched and token is not None


def require_tokens(host: str, tokens: Iterable[str]) -> None:
    """Raise `InsecureBindError`, saying what to do, if `host` reaches beyond this machine and there are no tokens."""
    if is_loopback(host) or any(tokens):
        return
    raise InsecureBindError(
        f"refusing to listen on {host or 'all addresses'} without a token, because other machines could reach it. "
        f"Set {TOKEN_VARIABLE} to a secret, or name a file with one secret a line, and give clients the secret; "
        "or listen on 127.0.0.1 only."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name other than `localhost` may lead anywhere, so it counts
    as reachable."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
