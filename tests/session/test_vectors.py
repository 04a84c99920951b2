"""The golden transcripts in `protocol/vectors/`, replayed against a session: each answer is the one that they have.

The format is described in `protocol/vectors/README.md`.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from afterword.config.settings import Settings
from afterword.gateway.session_config import session_config
from afterword.session.effects import (
    Disconnect,
    Effect,
    ExtendGeneration,
    ForgetDocument,
    GenerationEnded,
    GenerationEvent,
    GenerationPaused,
    GenerationStarted,
    Prepare,
    Send,
    SendDone,
    StartGeneration,
    StopGeneration,
    TextGenerated,
)
from afterword.session.session import Session
from afterword.text.boundaries.rules import Rules
from afterword_protocol.codec import encode
from afterword_protocol.messages import ClientMessage, ErrorCode, NoticeKind, Peer, Reason, ServerMessage

FOLDER = Path(__file__).parents[2] / "protocol" / "vectors"
INPUTS = ("client", "raw", "binary", "drafted", "engine", "clock_ms", "drain")
COMMANDS = {
    Prepare: "prepare",
    StartGeneration: "start",
    ExtendGeneration: "raise",
    StopGeneration: "stop",
    ForgetDocument: "forget",
}
UNWRITTEN = {"after": "", "preface": "", "alternatives": 1, "temperature": 0, "seed": None, "useful": False}
"""What a command has when its transcript does not say."""

Line = dict[str, Any]

DEFAULTS = session_config(Settings(), "model")


class Admitting:
    """Lets in who has one of these tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens

    def accept(self, token: str | None) -> bool:
        return token in self._tokens


class Player:
    """A session to which the inputs of one transcript are given.

    A transcript numbers drafts over all documents, from 1; a session numbers documents, and runs in each of them.
    """

    def __init__(self, config: Line) -> None:
        self.now = 0.0
        self.names: dict[int, str] = {}  # of documents, by number
        self.drafts: list[tuple[int, int]] = []  # document and run of each draft, the first one being draft 1
        tokens: list[str] | None = config.get("tokens")
        settings = {name: value for name, value in config.items() if name not in ("tokens", "limits")}
        self.session = Session(
            replace(
                DEFAULTS,
                server=Peer(name="afterword", version="1.0"),
                limits=replace(DEFAULTS.limits, **config.get("limits", {})),
                **settings,
            ),
            Rules(),
            None if tokens is None else Admitting(tokens),
            "s-1",
            self.now,
            itertools.count(1),
        )

    def give(self, line: Line) -> list[Line]:
        """Give one input; returns what the session does, as lines of a transcript."""
        ((kind, content),) = line.items()
        effects = self.effects(kind, content)
        for effect in effects:
            if isinstance(effect, Prepare):
                opened = json.loads(content) if kind == "raw" else content
                self.names.setdefault(effect.document, opened["doc"])
            elif isinstance(effect, StartGeneration):
                self.drafts.append((effect.document, effect.run))
        return [self.as_line(effect) for effect in effects]

    def effects(self, kind: str, content: Any) -> list[Effect]:
        if kind == "client":
            return self.session.receive(json.dumps(content), self.now)
        if kind == "raw":
            return self.session.receive(content, self.now)
        if kind == "binary":
            return self.session.receive(base64.b64decode(content), self.now)
        if kind == "drafted":
            return self.session.on_generation(self.as_event(content), self.now)
        if kind == "engine":
            assert content in ("lost", "restarted")
            return (
                self.session.on_engine_lost(self.now)
                if content == "lost"
                else self.session.on_engine_restarted(self.now)
            )
        if kind == "drain":
            return self.session.drain(content["grace_ms"], self.now)
        assert kind == "clock_ms"
        assert content >= self.now
        self.now = content
        deadline_ms = self.session.deadline_ms
        return self.session.on_tick(self.now) if deadline_ms is not None and deadline_ms <= self.now else []

    def as_line(self, effect: Effect) -> Line:
        if isinstance(effect, Send | SendDone):
            line: Line = {"server": json.loads(encode(effect.message))}
            return line
        if isinstance(effect, Disconnect):
            return {"close": {"code": int(effect.code)}}
        command: Line = {"doc": self.names[effect.document]}
        if isinstance(effect, StartGeneration | ExtendGeneration | StopGeneration):
            command["draft"] = self.drafts.index((effect.document, effect.run)) + 1
        for name, value in asdict(effect).items():
            if name not in ("document", "run") and not (name in UNWRITTEN and value == UNWRITTEN[name]):
                command[name] = value
        return {"draft": {COMMANDS[type(effect)]: command}}

    def as_event(self, content: Line) -> GenerationEvent:
        ((kind, fields),) = content.items()
        document, run = self.drafts[fields["draft"] - 1]
        rest = {name: value for name, value in fields.items() if name != "draft"}
        if kind == "started":
            return GenerationStarted(document, run, **rest)
        if kind == "text":
            return TextGenerated(document, run, **{"alternative": 0, "tokens": 1, "logprob": -0.1, **rest})
        if kind == "paused":
            return GenerationPaused(document, run, **{"alternative": 0, **rest})
        assert kind == "ended"
        return GenerationEnded(document, run, **{"alternative": 0, **rest, "reason": Reason(rest["reason"])})


def read() -> Iterator[tuple[str, list[Line]]]:
    """Each transcript: the name of its file with the number of its first line, and its lines."""
    for path in sorted(FOLDER.glob("*.jsonl")):
        name = ""
        lines: list[Line] = []
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            line = json.loads(text)
            assert len(line) == 1, f"{path.name}:{number}"
            if "note" in line:
                if lines:
                    yield name, lines
                name, lines = f"{path.stem}:{number}", []
            lines.append(line)
        yield name, lines


TRANSCRIPTS = list(read())


def told(line: Line) -> Line:
    """The line without the wording of an error, which is free."""
    message = line.get("server")
    if message and message["type"] == "error":
        return {"server": {name: value for name, value in message.items() if name != "message"}}
    return line


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in TRANSCRIPTS])
def test_a_session_goes_as_the_transcript_says(lines: list[Line]) -> None:
    config = lines[1].get("config", {})
    player = Player(config)
    rest = deque(lines[2 if config else 1 :])
    while rest:
        given = rest.popleft()
        expected: list[Line] = []
        while rest and rest[0].keys().isdisjoint(INPUTS):
            line = rest.popleft()
            if line != {"nothing": True}:
                expected.append(told(line))
        # The engine is told first, whatever stands in between: it must not wait for messages to be made.
        expected.sort(key=lambda line: "draft" not in line)
        assert [told(line) for line in player.give(given)] == expected, f"after {given}"


def lines_of(kind: str) -> list[Any]:
    return [line[kind] for _, lines in TRANSCRIPTS for line in lines if kind in line]


def test_every_message_type_occurs() -> None:
    assert {message["type"] for message in lines_of("client")} >= {cls.type for cls in get_args(ClientMessage)}
    assert {message["type"] for message in lines_of("server")} == {cls.type for cls in get_args(ServerMessage)}


def test_every_reason_error_code_and_notice_occurs() -> None:
    messages = lines_of("server")
    assert {message["reason"] for message in messages if message["type"] == "done"} == set(Reason)
    assert {message["code"] for message in messages if message["type"] == "error"} == set(ErrorCode)
    assert {message["kind"] for message in messages if message["type"] == "notice"} == set(NoticeKind)


def test_every_close_code_that_a_session_has_occurs() -> None:
    assert {close["code"] for close in lines_of("close")} == {4400, 4401, 4408, 4409, 4429}


def test_every_command_and_event_occurs() -> None:
    assert {name for command in lines_of("draft") for name in command} == set(COMMANDS.values())
    assert {name for event in lines_of("drafted") for name in event} == {"started", "text", "paused", "ended"}


def test_every_transcript_begins_with_its_note_and_notes_are_different() -> None:
    notes = lines_of("note")
    assert len(notes) == len(set(notes)) == len(TRANSCRIPTS)
