"""One connection, without its socket: `hello`, limits and rates, and the way of each message to its document.

Frames, generation events and the time come in; effects go out, to be carried out in order. The same calls give the same
effects: there is no clock, no randomness and no waiting here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from afterword.session.counters import SuggestionCounters
from afterword.session.document import DocumentState, too_long
from afterword.session.effects import Disconnect, Effect, ForgetDocument, GenerationCommand, GenerationEvent, Send
from afterword.session.replies import Refusal, error
from afterword.session.suggestion_controller import SuggestionOptions
from afterword.session.text_rules import TextRules
from afterword.session.throttle import Throttle
from afterword_protocol.codec import BadMessage, Malformed, UnknownType, decode_client
from afterword_protocol.codes import CloseCode
from afterword_protocol.messages import (
    OFFSETS,
    PROTOCOL_VERSION,
    Accept,
    Advice,
    Cancel,
    Close,
    Dismiss,
    Edit,
    ErrorCode,
    Extend,
    Hello,
    Limits,
    Notice,
    NoticeKind,
    Open,
    Peer,
    Ping,
    Pong,
    Suggest,
    Welcome,
)

_OfDocument = Edit | Suggest | Extend | Accept | Cancel | Dismiss | Close
_CHANGES_TEXT = frozenset({Open.type, Edit.type, Accept.type})

RETRY_AFTER_MS = 1_000
"""Advised to clients when the engine has no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """What a server says of itself and asks of its clients."""

    server: Peer
    model: str
    limits: Limits
    heartbeat_ms: float
    debounce_ms: float
    hello_timeout_ms: float
    messages_per_second: float
    message_burst: float
    features: tuple[str, ...] = ()  # abilities beyond the specification


class Session:
    """The state of one connection. After a `Disconnect` it takes in nothing more."""

    def __init__(
        self,
        config: SessionConfig,
        rules: TextRules,
        authenticate: Callable[[str | None], bool],
        session_id: str,
        now_ms: float,
        document_numbers: Iterator[int],
    ) -> None:
        self.tally = SuggestionCounters()  # what came of suggestions so far
        self._config = config
        self._rules = rules
        self._authenticate = authenticate  # whether a token, or its absence, lets a client in
        self._session_id = session_id  # told to the client, for logs
        self._document_numbers = document_numbers  # shared by all sessions of a server
        self._terms: SuggestionOptions | None = None  # set by `hello`
        self._documents: dict[str, DocumentState] = {}  # open ones, by name
        self._by_number: dict[int, DocumentState] = {}  # the same, by the numbers that events name
        self._hello_deadline_ms = now_ms + config.hello_timeout_ms
        self._grace_ms: float | None = None  # set once the server drains
        self._over = False  # disconnected
        self._bucket = Throttle(config.messages_per_second, config.message_burst, now_ms)

    def receive(self, frame: str | bytes, now_ms: float) -> list[Effect]:
        """Take in a frame; `bytes` is a binary one."""
        if self._over:
            return []
        if not self._bucket.take(now_ms):
            return self._disconnect(CloseCode.TOO_FAST, "too many messages")
        if not isinstance(frame, str):
            return self._disconnect(CloseCode.MALFORMED, "binary frames are not used")
        try:
            message = decode_client(frame)
        except Malformed:
            return self._disconnect(CloseCode.MALFORMED, "not a JSON object")
        except (UnknownType, BadMessage) as fault:
            return self._unreadable(fault, now_ms)
        if isinstance(message, Hello):
            return self._hello(message)
        if self._terms is None:
            return self._disconnect(CloseCode.MALFORMED, "hello must come first")
        if isinstance(message, Ping):
            return [Send(Pong(t=message.t))]
        if isinstance(message, Open):
            return self._open(message, self._terms, now_ms)
        document = self._documents.get(message.doc)
        if document is None:
            return _unknown_doc(message)
        return self._route(document, message, now_ms)

    def on_generation(self, event: GenerationEvent, now_ms: float) -> list[Effect]:
        """Take in what is reported of a run. What comes of runs that are not wanted any more is dropped."""
        document = self._by_number.get(event.document)
        if document is None or self._over:
            return []
        return document.on_generation(event, now_ms)

    def on_engine_lost(self, now_ms: float) -> list[Effect]:
        """All drafts are gone: live suggestions end, and the client is told."""
        if self._over or self._terms is None:
            return []
        effects: list[Effect] = []
        for document in self._documents.values():
            effects += document.lose_engine(now_ms)
        return [*effects, Send(Notice(kind=NoticeKind.ENGINE_RESTARTED))]

    def on_tick(self, now_ms: float) -> list[Effect]:
        """Do what is due by now."""
        if self._over:
            return []
        if self._terms is None:
            if now_ms < self._hello_deadline_ms:
                return []
            return self._disconnect(CloseCode.HELLO_TIMEOUT, "no hello in time")
        effects: list[Effect] = []
        for document in self._documents.values():
            if document.deadline_ms is not None and document.deadline_ms <= now_ms:
                effects += document.tick(now_ms)
        return effects

    def deadline_ms(self) -> float | None:
        """When `on_tick` is to be called next, if ever."""
        if self._over:
            return None
        if self._terms is None:
            return self._hello_deadline_ms
        deadlines = (document.deadline_ms for document in self._documents.values())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def drain(self, grace_ms: float, now_ms: float) -> list[Effect]:
        """The server will go away: say so, and take no new asks."""
        if self._over or self._draining:
            return []
        self._grace_ms = grace_ms
        return [] if self._terms is None else [_going(grace_ms)]

    def live(self) -> bool:
        """Whether a `done` is still owed."""
        return not self._over and any(document.live for document in self._documents.values())

    @property
    def documents(self) -> int:
        """How many documents are open."""
        return len(self._documents)

    def closed(self) -> list[GenerationCommand]:
        """The socket is gone."""
        self._over = True
        commands: list[GenerationCommand] = [ForgetDocument(number) for number in self._by_number]
        self._documents.clear()
        self._by_number.clear()
        return commands

    @property
    def _draining(self) -> bool:
        return self._grace_ms is not None

    def _hello(self, hello: Hello) -> list[Effect]:
        if self._terms is not None:
            return self._disconnect(CloseCode.SECOND_HELLO, "hello may come once")
        if not self._authenticate(hello.token):
            return self._disconnect(CloseCode.UNAUTHORIZED, "the token is missing or wrong")
        config = self._config
        self._terms = SuggestionOptions(hello.delivery, config.limits, self._rules, RETRY_AFTER_MS, self.tally)
        welcome = Welcome(
            protocol=PROTOCOL_VERSION,
            session=self._session_id,
            server=config.server,
            model=config.model,
            offsets=OFFSETS,
            limits=config.limits,
            heartbeat_ms=config.heartbeat_ms,
            features=config.features,
            advice=Advice(debounce_ms=config.debounce_ms),
        )
        return [Send(welcome), *([_going(self._grace_ms)] if self._grace_ms is not None else [])]

    def _open(self, given: Open, terms: SuggestionOptions, now_ms: float) -> list[Effect]:
        document = self._documents.get(given.doc)
        if document is not None:
            return document.open(given, now_ms)
        refusal = too_long(given, terms.limits.context)
        if refusal:
            return [refusal]
        if len(self._documents) >= terms.limits.docs:
            return [error(ErrorCode.TOO_MANY_DOCS, f"{terms.limits.docs} documents are open", given.doc)]
        document = DocumentState(given, next(self._document_numbers), terms)
        self._documents[given.doc] = self._by_number[document.number] = document
        return document.prepare()

    def _route(self, document: DocumentState, message: _OfDocument, now_ms: float) -> list[Effect]:
        match message:
            case Edit():
                return document.edit(message, now_ms)
            case Suggest():
                return document.suggest(message, self._draining, now_ms)
            case Extend():
                return document.extend(message, self._draining, now_ms)
            case Accept():
                return document.accept(message, now_ms)
            case Cancel():
                return document.cancel(message, now_ms)
            case Dismiss():
                return document.dismiss(message, now_ms)
            case Close():
                del self._documents[document.name], self._by_number[document.number]
                return document.close(now_ms)

    def _unreadable(self, fault: UnknownType | BadMessage, now_ms: float) -> list[Effect]:
        """Answer a JSON object that is no proper message."""
        is_hello = isinstance(fault, BadMessage) and fault.type == Hello.type
        if is_hello and self._terms is not None:
            return self._disconnect(CloseCode.SECOND_HELLO, "hello may come once")
        if not is_hello and self._terms is None:
            return self._disconnect(CloseCode.MALFORMED, "hello must come first")
        if isinstance(fault, UnknownType):
            return [error(ErrorCode.UNKNOWN_TYPE, str(fault))]
        effects: list[Effect] = [error(ErrorCode.BAD_MESSAGE, str(fault), fault.doc, fault.id, fault.field or None)]
        document = self._documents.get(fault.doc) if fault.doc is not None else None
        if document is not None and fault.type in _CHANGES_TEXT:
            effects += document.lose_track(now_ms)
        return effects

    def _disconnect(self, code: CloseCode, reason: str) -> list[Effect]:
        self._over = True
        return [Disconnect(code, reason)]


def _unknown_doc(message: _OfDocument) -> list[Effect]:
    why = "this document is not open"
    if isinstance(message, Suggest | Extend):
        return Refusal(ErrorCode.UNKNOWN_DOC, why).answer(message)
    id = message.id if isinstance(message, Accept | Cancel | Dismiss) else None
    return [error(ErrorCode.UNKNOWN_DOC, why, message.doc, id)]


def _going(grace_ms: float) -> Send:
    return Send(Notice(kind=NoticeKind.DRAINING, grace_ms=grace_ms))
