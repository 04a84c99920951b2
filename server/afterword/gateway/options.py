"""What whoever starts a gateway decides about it: addresses, secrets, limits and times.

What lives here: values and their defaults. Where they come from (flags, environment, files) is the settings' business,
and what they lead to is the business of the modules that read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from afterword.session.limits import DEFAULT_LIMITS
from afterword_protocol.messages import Limits

DEFAULT_PORT = 8765


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """How one gateway listens, whom it lets in, and how much it takes.

    `host`, `port`: where to listen; port 0 takes any free one.
    `tokens`: secrets of which a client must send one in `hello`; none means that none is asked for, which is allowed
        on loopback addresses only.
    `metrics_token`: secret that `/metrics` asks for; empty means any of `tokens`.
    `origins`: `Origin` headers let in, exact or with `*` as a wildcard; none means the host of the request alone.
    `model`: name of the model as `welcome` tells it.
    `limits`: what one connection may ask; also told in `welcome`.
    `connections`: WebSocket connections open at once.
    `messages_per_second`, `message_burst`: rate and depth of each connection's allowance of messages.
    `hello_timeout_ms`: time a client has for its first message; `handshake_timeout_ms`: for the HTTP request before it.
    `heartbeat_ms`: time between WebSocket pings, and the time a client has to answer one.
    `debounce_ms`: pause in typing that `welcome` advises clients to wait for.
    `grace_ms`: time that live suggestions have to end when the server is asked to stop.
    `close_timeout_ms`: time a client has to answer a close before the socket is cut.
    `stall_timeout_ms`: time for which a client may leave a full socket unread before it is cut off.
    `outbox_bytes`: frames kept, at most, for a client that reads more slowly than it asks.
    `site`: folder of the built page to write on, which is then served at `/`.
    """

    model: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tokens: tuple[str, ...] = field(default=(), repr=False)
    metrics_token: str = field(default="", repr=False)
    origins: tuple[str, ...] = ()
    limits: Limits = DEFAULT_LIMITS
    connections: int = 1000
    messages_per_second: float = 200
    message_burst: int = 400
    hello_timeout_ms: float = 5_000
    handshake_timeout_ms: float = 10_000
    heartbeat_ms: float = 20_000
    debounce_ms: float = 0
    grace_ms: float = 5_000
    close_timeout_ms: float = 2_000
    stall_timeout_ms: float = 30_000
    outbox_bytes: int = 1 << 20
    site: Path | None = None
