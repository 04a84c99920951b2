"""Every message of the protocol, as a frozen dataclass; field names are those on the wire.

What lives here: the vocabulary and its limits, nothing that acts. A field's constraint is in its type, as
`Annotated` metadata, so that the decoder, the JSON Schemas and the specification's tables have one source.

All lengths and offsets count UTF-16 code units. `None` as a default means the field may be absent; an optional
field sent as JSON null counts as absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

PROTOCOL_VERSION = 1
SUBPROTOCOL = "afterword.v1"
PATH = "/v1"
OFFSETS = "utf-16"
LOGPROB_DIGITS = 4  # after the point, in a `token`
DEFAULT_MAX_TOKENS = 24  # of a `suggest` or `extend` that names no length


@dataclass(frozen=True, slots=True)
class Bounds:
    """Least and greatest value of a number, both included; `None` is unbounded."""

    least: float | None = None
    greatest: float | None = None


@dataclass(frozen=True, slots=True)
class Length:
    """Least and greatest length of a string in UTF-16 code units, both included."""

    least: int = 0
    greatest: int | None = None


MAX_SAFE_INTEGER = 2**53 - 1

DocName = Annotated[str, Length(1, 64)]
Rev = Annotated[int, Bounds(1, MAX_SAFE_INTEGER)]
Id = Annotated[int, Bounds(1, MAX_SAFE_INTEGER)]
Units = Annotated[int, Bounds(0, MAX_SAFE_INTEGER)]
Count = Annotated[int, Bounds(1, MAX_SAFE_INTEGER)]
Milliseconds = Annotated[float, Bounds(0)]
Probability = Annotated[float, Bounds(0, 1)]
Temperature = Annotated[float, Bounds(0, 2)]
Seed = Annotated[int, Bounds(0, MAX_SAFE_INTEGER)]
Label = Annotated[str, Length(1, 64)]
Secret = Annotated[str, Length(0, 4096)]


class Delivery(StrEnum):
    """How much of a suggestion travels at a time."""

    TOKEN = "token"
    WORD = "word"
    FINAL = "final"


class Stop(StrEnum):
    """The boundary at which a suggestion ends."""

    WORD = "word"
    PHRASE = "phrase"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"
    NONE = "none"


class Reason(StrEnum):
    """Why a suggestion is done."""

    END = "end"
    STOP = "stop"
    LENGTH = "length"
    TIME = "time"
    SUFFIX = "suffix"
    QUIET = "quiet"
    REPETITION = "repetition"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    DIVERGED = "diverged"
    STALE = "stale"
    BUSY = "busy"
    ERROR = "error"


class ErrorCode(StrEnum):
    """What an `error` message reports."""

    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_DOC = "unknown_doc"
    UNKNOWN_SUGGESTION = "unknown_suggestion"
    RESYNC = "resync"
    STALE_REV = "stale_rev"
    TOO_MANY_DOCS = "too_many_docs"
    CONTEXT_TOO_LONG = "context_too_long"
    BUSY = "busy"
    UNSUPPORTED = "unsupported"
    INTERNAL = "internal"


class NoticeKind(StrEnum):
    """What a `notice` message tells."""

    DRAINING = "draining"
    ENGINE_LOST = "engine_lost"
    ENGINE_RESTARTED = "engine_restarted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Name and version of a client or server."""

    name: Annotated[str, Length(1, 128)]
    version: Annotated[str, Length(0, 64)] = ""


# --- client to server ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """First message of a connection, within the deadline; answered by `welcome`."""

    type: ClassVar[str] = "hello"
    token: Secret | None = None
    client: Peer | None = None
    delivery: Delivery = Delivery.TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Gives, or replaces, the text around the caret of a document."""

    type: ClassVar[str] = "open"
    doc: DocName
    rev: Rev
    before: str
    after: str
    language: Label | None = None
    block: Label | None = None
    preface: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A splice at the caret."""

    type: ClassVar[str] = "edit"
    doc: DocName
    rev: Rev
    delete: Units = 0
    insert: str = ""
    delete_after: Units = 0
    insert_after: str = ""
    length: Units | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggest:
    """Asks for ghost text at the caret."""

    type: ClassVar[str] = "suggest"
    doc: DocName
    id: Id
    rev: Rev
    alternatives: Count = 1
    max_tokens: Count = DEFAULT_MAX_TOKENS
    stop: Stop = Stop.SENTENCE
    max_time_ms: Milliseconds | None = None
    quiet: Probability = 0
    temperature: Temperature = 0
    seed: Seed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """Goes on from where a suggestion ended."""

    type: ClassVar[str] = "extend"
    doc: DocName
    id: Id
    max_tokens: Count = DEFAULT_MAX_TOKENS
    stop: Stop = Stop.SENTENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """The writer took the first `length` units of what is untyped of a suggestion."""

    type: ClassVar[str] = "accept"
    doc: DocName
    id: Id
    rev: Rev
    length: Units
    alternative: Units = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stops computing a suggestion."""

    type: ClassVar[str] = "cancel"
    doc: DocName
    id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss:
    """The writer waved a suggestion away."""

    type: ClassVar[str] = "dismiss"
    doc: DocName
    id: Id
    reason: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Forgets a document and frees its cache."""

    type: ClassVar[str] = "close"
    doc: DocName


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Answered by `pong` with the same `t`, which may be any JSON value of at most 256 bytes."""

    type: ClassVar[str] = "ping"
    t: Any


ClientMessage = Hello | Open | Edit | Suggest | Extend | Accept | Cancel | Dismiss | Close | Ping


# --- server to client ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one connection may ask of the server."""

    docs: Count
    message_bytes: Count
    context: Count
    max_tokens: Count
    alternatives: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What the server recommends to clients."""

    debounce_ms: Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Answers `hello`."""

    type: ClassVar[str] = "welcome"
    protocol: Count
    session: str
    server: Peer
    model: str
    offsets: str
    limits: Limits
    heartbeat_ms: Milliseconds
    features: tuple[str, ...]
    advice: Advice


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of a suggestion; append-only."""

    type: ClassVar[str] = "token"
    doc: DocName
    id: Id
    pos: Units
    text: Annotated[str, Length(1)]
    alternative: Units = 0
    logprob: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """Offsets into a suggestion's text after which a word, phrase or sentence has ended; rising."""

    words: tuple[Units, ...] = ()
    phrases: tuple[Units, ...] = ()
    sentences: tuple[Units, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of the model: prompt length, of it taken from cache and computed, and tokens generated."""

    context: Units = 0
    reused: Units = 0
    computed: Units = 0
    generated: Units = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds since the `suggest` or `extend` was received; `first_token_ms` is absent if there was none."""

    queue_ms: Milliseconds = 0
    first_token_ms: Milliseconds | None = None
    total_ms: Milliseconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One of several texts for the same caret."""

    text: str
    reason: Reason
    boundaries: Boundaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The end of a `suggest` or `extend`; `text` and `boundaries` when one text was asked for, else `alternatives`."""

    type: ClassVar[str] = "done"
    doc: DocName
    id: Id
    reason: Reason
    text: str | None = None
    boundaries: Boundaries | None = None
    alternatives: tuple[Alternative, ...] | None = None
    usage: Usage
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Something the client sent could not be honoured; the connection goes on unless a close follows."""

    type: ClassVar[str] = "error"
    code: ErrorCode
    message: str
    doc: DocName | None = None
    id: Id | None = None
    field: str | None = None
    retry_after_ms: Milliseconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """News about the server; `grace_ms` with `draining` says how long live suggestions may still run."""

    type: ClassVar[str] = "notice"
    kind: NoticeKind
    grace_ms: Milliseconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """Answers `ping`."""

    type: ClassVar[str] = "pong"
    t: Any


ServerMessage = Welcome | Token | Done | Error | Notice | Pong
