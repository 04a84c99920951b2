"""One connection, without its socket: `hello`, limits and rates, and the way of each message to its document.

Frames, generation events and the time come in; effects go out, to be carried out in order. The same calls give the same
effects: there is no clock, no randomness and no waiting here.

Of the effects of one call, commands to the engine come before messages to the client: a run that is not wanted any more
is stopped, and the next one started, before anybody looks at the text of the `done` (see `SendDone`). Whoever carries
the effects out may fail on the way, at the latest while the text is looked at. The connection must then be closed,
because the session believes that the client knows what it was never told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from afterword.session.counters import SuggestionCounters
from afterword.session.document import DocumentState, too_long
from afterword.session.effects import (
    Disconnect,
    Effect,
    GenerationEvent,
    Send,
    SendDone,
)
from afterword.session.ghost_text import SuggestionOptions
from afterword.session.limits import Throttle, TokenCheck
from afterword.session.replies import error, unknown_doc
from afterword.session.suggestion import SuggestionEvent, SuggestionState
from afterword.session.text_rules import TextRules
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
        tokens: TokenCheck | None,
        session_id: str,
        now_ms: float,
        document_numbers: Iterator[int],
    ) -> None:
        """`tokens`: None lets everybody in. `session_id` is told to the client, for logs.

        `document_numbers`: rising, and shared by all sessions of a server.
        """
        self.counters = SuggestionCounters()  # what came of suggestions so far
        self.deadline_ms: float | None = now_ms + config.hello_timeout_ms  # when to call `on_tick`, if ever
        self._config = config
        self._rules = rules
        self._tokens = tokens
        self._session_id = session_id
        self._document_numbers = document_numbers
        self._options: SuggestionOptions | None = None  # set by `hello`
        self._documents: dict[str, DocumentState] = {}  # open ones, by name
        self._by_number: dict[int, DocumentState] = {}  # the same, by the numbers that events name
        self._grace_ms: float | None = None  # set once the server drains
        self._engine_lost = False  # and does not serve again yet
        self._over = False  # disconnected
        self._throttle = Throttle(config.messages_per_second, config.message_burst, now_ms)

    def receive(self, frame: str | bytes, now_ms: float) -> list[Effect]:
        """Take in a frame; `bytes` is a binary one."""
        if self._over:
            return []
        if not self._throttle.take(now_ms):
            return self._disconnect(CloseCode.TOO_FAST, "too many messages")
        if not isinstance(frame, str):
            return self._disconnect(CloseCode.MALFORMED, "binary frames are not used")
        try:
            message = decode_client(frame)
        except Malformed:
            return self._disconnect(CloseCode.MALFORMED, "not a JSON object")
        except (UnknownType, BadMessage) as fault:
            return _commands_first(self._unreadable(fault, now_ms))
        if isinstance(message, Hello):
            return self._hello(message)
        if self._options is None:
            return self._disconnect(CloseCode.MALFORMED, "hello must come first")
        if isinstance(message, Ping):
            return [Send(Pong(t=message.t))]
        if isinstance(message, Open):
            return _commands_first(self._open(message, self._options, now_ms))
        document = self._documents.get(message.doc)
        if document is None:
            return unknown_doc(message)
        match message:
            case Edit():
                effects = document.edit(message, now_ms)
            case Suggest():
                effects = document.suggest(message, self._grace_ms is not None, now_ms)
                if document.ghost_text.deadline_ms is not None:
                    self._note_deadline(document.ghost_text.deadline_ms)
            case Extend():
                effects = document.extend(message, self._grace_ms is not None, now_ms)
            case Accept():
                effects = document.accept(message, now_ms)
            case Cancel():
                effects = document.cancel(message, now_ms)
            case Dismiss():
                effects = document.dismiss(message, now_ms)
            case Close():
                del self._documents[document.name], self._by_number[document.number]
                effects = document.close(now_ms)
        return _commands_first(effects)

    def on_generation(self, event: GenerationEvent, now_ms: float) -> list[Effect]:
        """Take in what is reported of a run. What comes of runs that are not wanted any more is dropped."""
        document = self._by_number.get(event.document)
        return [] if document is None else _commands_first(document.ghost_text.on_generation(event, now_ms))

    def on_engine_lost(self, now_ms: float) -> list[Effect]:
        """All runs are gone: live suggestions end, and the client is told, after `welcome` at the earliest."""
        if self._over:
            return []
        self._engine_lost = True
        effects: list[Effect] = []
        for document in self._by_number.values():
            effects += document.ghost_text.move(SuggestionEvent.ENGINE_LOST, now_ms)
        return [] if self._options is None else [*effects, Send(Notice(kind=NoticeKind.ENGINE_LOST))]

    def on_engine_restarted(self, now_ms: float) -> list[Effect]:
        """The engine that was lost serves again: a client that knows of the loss is told."""
        if self._over or not self._engine_lost:
            return []
        self._engine_lost = False
        return [] if self._options is None else [Send(Notice(kind=NoticeKind.ENGINE_RESTARTED))]

    def on_tick(self, now_ms: float) -> list[Effect]:
        """Do what is due by now, which may be nothing: a deadline can have become needless."""
        if self.deadline_ms is None or now_ms < self.deadline_ms:
            return []
        if self._options is None:
            return self._disconnect(CloseCode.HELLO_TIMEOUT, "no hello in time")
        effects: list[Effect] = []
        self.deadline_ms = None
        for document in self._by_number.values():
            deadline_ms = document.ghost_text.deadline_ms
            if deadline_ms is not None and deadline_ms <= now_ms:
                effects += document.ghost_text.time_out(now_ms)
            elif deadline_ms is not None:
                self._note_deadline(deadline_ms)
        return _commands_first(effects)

    def drain(self, grace_ms: float, now_ms: float) -> list[Effect]:
        """The server will go away: say so, and take no new asks."""
        if self._over or self._grace_ms is not None:
            return []
        self._grace_ms = grace_ms
        return [] if self._options is None else [_draining(grace_ms)]

    def live(self) -> bool:
        """Whether a `done` is still owed."""
        return any(document.ghost_text.state is SuggestionState.LIVE for document in self._by_number.values())

    @property
    def documents(self) -> int:
        """How many documents are open."""
        return len(self._documents)

    # --- how it is done ---

    def _hello(self, hello: Hello) -> list[Effect]:
        if self._options is not None:
            return self._disconnect(CloseCode.SECOND_HELLO, "hello may come once")
        if self._tokens is not None and not self._tokens.accept(hello.token):
            return self._disconnect(CloseCode.UNAUTHORIZED, "the token is missing or wrong")
        config = self._config
        self._options = SuggestionOptions(hello.delivery, config.limits, self._rules, RETRY_AFTER_MS, self.counters)
        self.deadline_ms = None
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
        effects: list[Effect] = [Send(welcome)]
        if self._grace_ms is not None:
            effects.append(_draining(self._grace_ms))
        if self._engine_lost:
            effects.append(Send(Notice(kind=NoticeKind.ENGINE_LOST)))
        return effects

    def _open(self, opened: Open, options: SuggestionOptions, now_ms: float) -> list[Effect]:
        document = self._documents.get(opened.doc)
        if document is not None:
            return document.open(opened, now_ms)
        refusal = too_long(opened, options.limits.context)
        if refusal:
            return [refusal]
        if len(self._documents) >= options.limits.docs:
            return [error(ErrorCode.TOO_MANY_DOCS, f"{options.limits.docs} documents are open", opened.doc)]
        document = DocumentState(opened, next(self._document_numbers), options)
        self._documents[opened.doc] = self._by_number[document.number] = document
        return document.prepare()

    def _unreadable(self, fault: UnknownType | BadMessage, now_ms: float) -> list[Effect]:
        """Answer a JSON object that is no proper message."""
        is_hello = isinstance(fault, BadMessage) and fault.type == Hello.type
        if is_hello and self._options is not None:
            return self._disconnect(CloseCode.SECOND_HELLO, "hello may come once")
        if not is_hello and self._options is None:
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
        self.deadline_ms = None
        self._documents.clear()
        self._by_number.clear()
        return [Disconnect(code, reason)]

    def _note_deadline(self, deadline_ms: float) -> None:
        if self.deadline_ms is None or deadline_ms < self.deadline_ms:
            self.deadline_ms = deadline_ms


def _commands_first(effects: list[Effect]) -> list[Effect]:
    """Tell the engine before the client: a stop or a start does not wait for the text of a `done` to be looked at."""
    commands: list[Effect] = []
    messages: list[Effect] = []
    for effect in effects:
        (messages if isinstance(effect, Send | SendDone) else commands).append(effect)
    return commands + messages


def _draining(grace_ms: float) -> Send:
    return Send(Notice(kind=NoticeKind.DRAINING, grace_ms=grace_ms))
