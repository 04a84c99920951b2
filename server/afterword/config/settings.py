"""Every setting of the server: its default, what is allowed, its unit, and where values come from.

A flag wins over an `AFTERWORD_*` variable, that over the TOML file, that over the default. Here: the table and its
reading. Not here: what settings lead to (`GatewayOptions`, `EngineOptions`), and the text of errors and of the
table in the documentation (`settings_text`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from afterword.engine.options import EngineOptions
from afterword.gateway.auth import TOKEN_VARIABLE, gather_tokens
from afterword.gateway.http.static_files import BUILT_PAGE
from afterword.gateway.options import GatewayOptions
from afterword.models.files import ModelFiles
from afterword_protocol.messages import Limits

PREFIX = "AFTERWORD_"
BYTES_PER_MB = 1 << 20
DAY_MS = 86_400_000


class SettingsError(Exception):
    """Settings that cannot be used. The message has a line for each: its name, its source, and what is allowed."""


def _parts(value: Any) -> Any:
    """A list written as text, parted by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)]
SecretList = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_parts)]


def _setting(
    default: Any, group: str, description: str, unit: str = "", ge: float | None = None, le: float | None = None
) -> Any:
    """A field; `group` gathers fields in help texts, `ge` and `le` are the least and greatest value."""
    most = DAY_MS if unit == "ms" else le
    return Field(default, description=description, ge=ge, le=most, json_schema_extra={"group": group, "unit": unit})


file_values: ContextVar[Mapping[str, Any] | None] = ContextVar("file_values", default=None)
"""Values of the TOML file that `load` has read, for the settings that it is making."""


class Settings(BaseSettings):
    """All settings. Make one with `load`; constructing it directly takes no notice of a file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = _setting("127.0.0.1", "server", "Address to listen on. Beyond this machine, tokens are required.")
    port: int = _setting(8765, "server", "Port to listen on; 0 takes any free one.", ge=0, le=65535)
    tokens: SecretList = _setting(
        (),
        "server",
        "Secrets of which a client must send one. No flag: command lines are open to all. AFTERWORD_TOKEN adds one.",
    )
    token_file: Path | None = _setting(None, "server", "File with more such secrets, one a line.")
    metrics_token: SecretStr | None = _setting(
        None,
        "server",
        "Secret with which GET /metrics may be read. Empty: one of the tokens, if there are any. No flag.",
    )
    origins: TextList = _setting(
        (),
        "server",
        "Web pages let in: values of the Origin header, * as wildcard. Empty: only pages of the server's own host.",
    )
    page: bool = _setting(True, "server", "Whether a page to write on is served at /.")
    grace_ms: float = _setting(
        5000, "server", "Time that live suggestions have to end when the server is stopped.", "ms", ge=0
    )
    heartbeat_ms: float = _setting(20000, "server", "Time between pings to a client, and for its answer.", "ms", ge=100)
    debounce_ms: float = _setting(0, "server", "Pause in typing that clients are advised to wait for.", "ms", ge=0)
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "warning", "server", "How much is logged; never what is written."
    )

    model: str = _setting("builtin", "model", "builtin, an id of the Hugging Face hub, a model folder, or a GGUF file.")
    cache_dir: Path | None = _setting(None, "model", "Folder of converted models. Empty: in the user's cache folder.")
    device: str = _setting(
        "auto",
        "model",
        "Where the model runs, as torch names it: cpu, cuda, cuda:1. auto takes a GPU if there is one. "
        "cuda:0,cuda:1 runs one engine on each and spreads the documents over them.",
    )
    dtype: Literal["auto", "int8", "float32", "bfloat16", "float16"] = _setting(
        "auto", "model", "Precision of the model's weights. auto: int8 on a CPU, bfloat16 on a GPU."
    )
    threads: int | None = _setting(
        None, "model", "Threads for the model on a CPU. Empty: torch decides.", ge=1, le=1024
    )
    cuda_graphs: Literal["on", "off"] = _setting(
        "on",
        "model",
        "Record small steps on a GPU once and launch them as a whole; off if a driver has trouble with it.",
    )
    context_tokens: int | None = _setting(
        None,
        "model",
        "Longest text the model sees; the oldest goes first. Empty: what cache_mb allows.",
        "tokens",
        ge=64,
    )
    cache_mb: int = _setting(1024, "model", "Memory for what the model remembers of documents.", "MiB", ge=1)

    max_docs: int = _setting(64, "limits", "Open documents of one connection.", ge=1)
    max_connections: int = _setting(1000, "limits", "Open connections.", ge=1)
    max_message_bytes: int = _setting(1 << 20, "limits", "Longest message a client may send.", "bytes", ge=1024)
    max_context: int = _setting(65536, "limits", "Longest text of a document that is kept.", "UTF-16 units", ge=256)
    max_tokens: int = _setting(256, "limits", "Longest suggestion a client may ask for.", "tokens", ge=1)
    max_alternatives: int = _setting(4, "limits", "Most alternatives a client may ask for.", ge=1)
    messages_per_second: float = _setting(200, "limits", "Messages a second from one connection, over time.", ge=1)
    message_burst: int = _setting(400, "limits", "Messages at once from one connection.", ge=1)
    hello_timeout_ms: float = _setting(5000, "limits", "Time a client has for its first message.", "ms", ge=100)
    stall_timeout_ms: float = _setting(
        30000, "limits", "Time a client may leave a full connection unread.", "ms", ge=100
    )
    outbox_bytes: int = _setting(
        1 << 20, "limits", "Most that is kept for a client that reads slowly.", "bytes", ge=4096
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then variables, then the file that `load` has read."""
        return init_settings, env_settings, _FileSource(settings_cls)

    def gateway(self, model_name: str) -> GatewayOptions:
        """The gateway's part. Raises `SettingsError` when the token file cannot be used."""
        extra = os.environ.get(TOKEN_VARIABLE, "")
        try:
            tokens = gather_tokens([*(token.get_secret_value() for token in self.tokens), extra], self.token_file)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise SettingsError(f"token_file: {self.token_file} cannot be used: {reason}") from error
        limits = Limits(
            docs=self.max_docs,
            message_bytes=self.max_message_bytes,
            context=self.max_context,
            max_tokens=self.max_tokens,
            alternatives=self.max_alternatives,
        )
        return GatewayOptions(
            model=model_name,
            host=self.host,
            port=self.port,
            tokens=tokens,
            metrics_token=self.metrics_token.get_secret_value() if self.metrics_token else "",
            origins=self.origins,
            limits=limits,
            connections=self.max_connections,
            messages_per_second=self.messages_per_second,
            message_burst=self.message_burst,
            hello_timeout_ms=self.hello_timeout_ms,
            heartbeat_ms=self.heartbeat_ms,
            debounce_ms=self.debounce_ms,
            grace_ms=self.grace_ms,
            stall_timeout_ms=self.stall_timeout_ms,
            outbox_bytes=self.outbox_bytes,
            site=BUILT_PAGE if self.page else None,
        )

    def engine(self, files: ModelFiles) -> EngineOptions:
        """The engine's part, for a model that was resolved."""
        return EngineOptions(
            folder=files.folder,
            name=files.name,
            device=self.device,
            dtype=self.dtype,
            context_tokens=self.context_tokens,
            cache_bytes=self.cache_mb * BYTES_PER_MB,
            threads=self.threads,
            cuda_graphs=self.cuda_graphs == "on",
        )


class _FileSource(PydanticBaseSettingsSource):
    """The values of the TOML file that is being loaded."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """One value; part of the interface that pydantic-settings asks for."""
        return (file_values.get() or {}).get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values."""
        return dict(file_values.get() or {})
