"""Which web pages may talk to the server, judged by the `Origin` header that browsers send.

What lives here: one pure decision. Programs other than browsers send no `Origin` and are let through: for them a token
is the only guard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from afterword.gateway.auth import is_loopback


class Origins:
    """The pages let in: those whose origin is listed, or, with an empty list, those of the server's own host.

    `unguarded`: the server asks for no token. Its own host then has to be a loopback name or address, because any page
    can make a name of its own lead to this machine (DNS rebinding), and would then pass for a page of the same host.
    """

    def __init__(self, allowed: Iterable[str], *, unguarded: bool = False) -> None:
        self._patterns = tuple(_pattern(origin) for origin in allowed)
        self._unguarded = unguarded

    def allow(self, origin: str | None, host: str | None) -> bool:
        """Whether a request may go on, given its `Origin` and `Host` headers."""
        if origin is None:
            return True
        if self._patterns:
            return any(pattern.fullmatch(origin) for pattern in self._patterns)
        own = _hostname(f"//{host}") if host else None
        if own is None or (self._unguarded and not is_loopback(own)):
            return False
        return _hostname(origin) == own


def _pattern(origin: str) -> re.Pattern[str]:
    return re.compile(re.escape(origin.rstrip("/")).replace(r"\*", ".*"), re.IGNORECASE)


def _hostname(url: str) -> str | None:
    """The host of a URL in small letters, without its port: another port of a host is still that host."""
    try:
        return urlsplit(url).hostname
    except ValueError:  # such as an unclosed bracket
        return None
