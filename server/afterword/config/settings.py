"""Every setting of Afterword, in one tree: its type, default, limits, unit and meaning.

The tree has three groups. It is checked once, when it is loaded, and then passed on whole: the gateway takes
`Settings`, the worker `ModelSettings`. Names are flat, as flags, variables and TOML keys are: no two groups share one.

What lives here: the groups. Not here: where values come from and how they are checked (`load`), and help texts, errors
and the table in the docs (`settings_text`). The worker imports this file, so it imports nothing that is slow to load:
pydantic reads the same dataclasses in the process that loads settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

DAY_MS = 86_400_000
BYTES_PER_MB = 1 << 20

Milliseconds = Annotated[float, Ge(0), Le(DAY_MS)]
Interval = Annotated[float, Ge(100), Le(DAY_MS)]
"""Milliseconds that may not be so few that networks cannot keep up."""
Count = Annotated[int, Ge(1)]
Dtype = Literal["auto", "int8", "float32", "bfloat16", "float16"]
OnOff = Literal["on", "off"]


class SettingsError(Exception):
    """Settings that cannot be used. The message has a line for each: its name, its source, and what is allowed."""


def setting(default: Any, help: str, unit: str = "", secret: bool = False) -> Any:
    """A field of a group. `secret`: never shown, and without a flag, because other users can read command lines."""
    return field(default=default, repr=not secret, metadata={"help": help, "unit": unit, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the server listens, whom it lets in, and what it tells clients."""

    host: str = setting("127.0.0.1", "Address to listen on. Tokens are required if other machines can reach it.")
    port: Annotated[int, Ge(0), Le(65535)] = setting(8765, "Port to listen on; 0 picks a free one.")
    tokens: tuple[str, ...] = setting(
        (),
        "Secrets, of which a client must send one. No flag, because other users can read command lines. "
        "AFTERWORD_TOKEN adds one.",
        secret=True,
    )
    token_file: Path | None = setting(None, "File with more such secrets, one per line.")
    metrics_token: str = setting(
        "", "Secret for reading GET /metrics. Empty: any of the tokens, if there are any. No flag.", secret=True
    )
    origins: tuple[str, ...] = setting(
        (),
        "Web pages that may connect: values of the Origin header, * as a wildcard. "
        "Empty: only pages of the server's own host.",
    )
    page: bool = setting(True, "Whether to serve the page to write on at /.")
    grace_ms: Milliseconds = setting(5000, "Time for live suggestions to finish when the server stops.", "ms")
    heartbeat_ms: Interval = setting(
        20000, "Time between pings to a client, and the time that it has to answer one.", "ms"
    )
    debounce_ms: Milliseconds = setting(0, "Pause in typing that clients are advised to wait for.", "ms")
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "warning", "Least severe messages to log. What writers type is never logged."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Which model to run, where, and with how much memory."""

    model: str = setting("builtin", "builtin, an id of the Hugging Face hub, a model folder, or a GGUF file.")
    cache_dir: Path | None = setting(None, "Folder for converted models. Empty: in the user's cache folder.")
    device: str = setting(
        "auto",
        "Where the model runs, as torch names it: cpu, cuda, cuda:1. auto takes a GPU if there is one. "
        "cuda:0,cuda:1 runs one engine on each and spreads the documents over them.",
    )
    dtype: Dtype = setting("auto", "Precision of the model's weights. auto: int8 on a CPU, bfloat16 on a GPU.")
    threads: Annotated[int, Ge(1), Le(1024)] | None = setting(
        None, "Threads for the model on a CPU. Empty: torch decides."
    )
    cuda_graphs: OnOff = setting(
        "on", "Capture small steps on a GPU as CUDA graphs. Turn it off if a driver has trouble with it."
    )
    context_tokens: Annotated[int, Ge(64)] | None = setting(
        None,
        "Longest text that the model sees; the oldest is dropped first. Empty: as long as cache_mb allows.",
        "tokens",
    )
    cache_mb: Count = setting(1024, "Memory for the key/value caches of documents.", "MiB")

    @property
    def cache_bytes(self) -> int:
        """Memory for key/value caches, in bytes."""
        return self.cache_mb * BYTES_PER_MB


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """How much the server takes, mostly of one connection."""

    max_docs: Count = setting(64, "Open documents of one connection.")
    max_connections: Count = setting(1000, "Open connections.")
    max_message_bytes: Annotated[int, Ge(1024)] = setting(1 << 20, "Longest message a client may send.", "bytes")
    max_context: Annotated[int, Ge(256)] = setting(65536, "Longest text kept of a document.", "UTF-16 units")
    max_tokens: Count = setting(256, "Longest suggestion that a client may request.", "tokens")
    max_alternatives: Count = setting(4, "Most alternatives that a client may request.")
    messages_per_second: Annotated[float, Ge(1)] = setting(200, "Messages per second of one connection, sustained.")
    message_burst: Count = setting(400, "Messages of one connection at once.")
    handshake_timeout_ms: Milliseconds = setting(10000, "Time a client has for its HTTP request.", "ms")
    hello_timeout_ms: Interval = setting(5000, "Time a client has for its first message.", "ms")
    close_timeout_ms: Milliseconds = setting(2000, "Time a client has to answer a close.", "ms")
    stall_timeout_ms: Interval = setting(30000, "Time a client may leave a full connection unread.", "ms")
    outbox_bytes: Annotated[int, Ge(4096)] = setting(
        1 << 20, "Most that is kept for a client that reads slowly.", "bytes"
    )


Group = ServerSettings | ModelSettings | LimitSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, by group. Constructed directly they are the defaults; `load.load` reads them from their sources."""

    server: ServerSettings = ServerSettings()
    model: ModelSettings = ModelSettings()
    limits: LimitSettings = LimitSettings()

    def changed(self, **values: Any) -> Settings:
        """These settings with some replaced, by their flat names, unchecked. Raises TypeError for an unknown name."""
        tree = by_group(values)
        return replace(self, **{group: replace(getattr(self, group), **part) for group, part in tree.items()})


GROUPS: dict[str, type[Group]] = {"server": ServerSettings, "model": ModelSettings, "limits": LimitSettings}


def all_fields(*groups: str) -> Iterator[Field[Any]]:
    """The fields of these groups, or of all."""
    for group in groups or GROUPS:
        yield from fields(GROUPS[group])


GROUP_OF: dict[str, str] = {each.name: group for group in GROUPS for each in all_fields(group)}
"""The group of each setting."""

RENAMED: dict[str, str] = {}
"""Settings that were renamed, old name to new. An old name works for one version, with a warning."""


def by_group(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Flat values as a tree. Raises TypeError for an unknown name."""
    tree: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if name not in GROUP_OF:
            raise TypeError(f"there is no setting {name!r}")
        tree.setdefault(GROUP_OF[name], {})[name] = value
    return tree
