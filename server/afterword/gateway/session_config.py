"""From settings to what a session needs of them. A session takes values, because it knows nothing of settings."""

from __future__ import annotations

from importlib.metadata import version

from afterword.config.settings import Settings
from afterword.session.session import SessionConfig
from afterword_protocol.messages import Limits, Peer


def session_config(settings: Settings, model: str) -> SessionConfig:
    """What every session of a server is told. `model`: the name that clients see."""
    limits = settings.limits
    return SessionConfig(
        server=Peer(name="afterword", version=version("afterword")),
        model=model,
        limits=Limits(
            docs=limits.max_docs,
            message_bytes=limits.max_message_bytes,
            context=limits.max_context,
            max_tokens=limits.max_tokens,
            alternatives=limits.max_alternatives,
        ),
        heartbeat_ms=settings.server.heartbeat_ms,
        debounce_ms=settings.server.debounce_ms,
        hello_timeout_ms=limits.hello_timeout_ms,
        messages_per_second=limits.messages_per_second,
        message_burst=limits.message_burst,
    )
