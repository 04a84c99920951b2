"""Who may talk to the server: secret tokens, and the rule that a public address needs them.

What lives here: reading tokens, comparing them, and the refusal to listen openly. The `Origin` of browsers is judged in
`origins.py`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path

TOKEN_VARIABLE = "AFTERWORD_TOKEN"
TOKENS_VARIABLE = "AFTERWORD_TOKENS"


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


def gather_tokens(
    settings: Iterable[str] = (), file: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """All tokens of the settings, of `AFTERWORD_TOKEN` and `AFTERWORD_TOKENS` (parted by commas), and of a file.

    Raises `OSError` if the file cannot be read, and `ValueError` if it was named but holds no token: a server that was
    told to ask for tokens must not be open to everybody because a file is empty.
    """
    environ = environ or {}
    found = [*settings, environ.get(TOKEN_VARIABLE, ""), *environ.get(TOKENS_VARIABLE, "").split(",")]
    if file is not None:
        from_file = parse_tokens(file.read_text(encoding="utf-8"))
        if not from_file:
            raise ValueError(f"the token file {file} holds no token; write one a line")
        found += from_file
    stripped = (token.strip() for token in found)
    return tuple(dict.fromkeys(token for token in stripped if token))


def parse_tokens(text: str) -> list[str]:
    """Tokens of a file: one a line; empty lines and lines that begin with `#` do not count."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


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
