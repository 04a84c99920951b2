"""The worked cases and transcripts of `PROTOCOL.md`, and the README's transcript, played through a real session."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from afterword.config.settings import Settings
from afterword.gateway.session_config import session_config
from afterword.session.effects import Effect, GenerationStarted, Send, SendDone, StartGeneration, TextGenerated
from afterword.session.session import Session
from afterword.session.text_rules import Surroundings, Verdict
from afterword_protocol import codec, specification
from afterword_protocol.messages import Boundaries, Reason, Stop, Token

SPEC = specification.PATH.read_text(encoding="utf-8")
README = (specification.PATH.parents[1] / "README.md").read_text(encoding="utf-8")


class Plain:
    """Rules that hold nothing back: a full stop ends a sentence, and meeting the text after the caret ends all."""

    def judge(self, around: Surroundings, text: str, stop: Stop, *, complete: bool) -> Verdict:
        if text and around.after.startswith(text):
            return Verdict(0, Reason.SUFFIX)
        if stop is Stop.SENTENCE and "." in text:
            return Verdict(text.index(".") + 1, Reason.STOP)
        return Verdict(len(text))

    def words(self, around: Surroundings, text: str) -> tuple[int, ...]:
        return tuple(match.end() for match in re.finditer(r"\W*\w+", text))

    def boundaries(self, around: Surroundings, text: str) -> Boundaries:
        ends = (match.end() for match in re.finditer(r"\.", text))
        sentences = tuple(ends)
        return Boundaries(words=self.words(around, text), phrases=sentences, sentences=sentences)


class Wire:
    """A session, past its `hello` if it is given the text of a document; the model says what it is told to."""

    def __init__(self, before: str | None) -> None:
        config = session_config(Settings().changed(messages_per_second=1000, message_burst=1000), "m")
        self.session = Session(config, Plain(), None, "c-1", 0, itertools.count(1))
        self.rev = 0
        self.id = 0
        if before is not None:
            self.send(type="hello")
            self.open(before)

    def send(self, **message: Any) -> list[Effect]:
        return self.session.receive(json.dumps(message), 0)

    def open(self, before: str) -> None:
        self.rev += 1
        self.send(type="open", doc="d", rev=self.rev, before=before, after="")

    def edit(self, **splice: Any) -> list[Effect]:
        self.rev += 1
        return self.send(type="edit", doc="d", rev=self.rev, **splice)

    def suggest(self) -> list[Effect]:
        self.id += 1
        return self.send(type="suggest", doc="d", id=self.id, rev=self.rev, stop="none")

    def write(self, asked: list[Effect], text: str) -> None:
        """The model writes `text` for the run that was just asked for."""
        (start,) = [effect for effect in asked if isinstance(effect, StartGeneration)]
        self.session.on_generation(GenerationStarted(start.document, start.run, 5, 4, 1, 0.0), 0)
        if text:
            self.session.on_generation(TextGenerated(start.document, start.run, 0, text, 1, -0.1), 0)


def endings(effects: list[Effect]) -> list[Reason]:
    return [sent.message.reason for sent in effects if isinstance(sent, SendDone)]


def pieces(effects: list[Effect]) -> list[str]:
    return [sent.message.text for sent in effects if isinstance(sent, Send) and isinstance(sent.message, Token)]


ANCHOR = "The quick"
TYPED = specification.table(SPEC, "<!-- cases: one suggestion -->")
ADOPTED = specification.table(SPEC, "<!-- cases: adoption -->")


@pytest.mark.parametrize(("written", "edit", "before", "outcome"), TYPED, ids=[row[1] for row in TYPED])
def test_type_through_goes_as_the_worked_case_says(written: str, edit: str, before: str, outcome: str) -> None:
    splice = json.loads(specification.code(edit))
    kept = ANCHOR[: len(ANCHOR) - splice.get("delete", 0)]
    assert kept + splice.get("insert", "") == specification.code(before) or not specification.code(before).isascii()
    wire = Wire(ANCHOR)
    wire.write(wire.suggest(), specification.code(written))
    effects = wire.edit(**splice)
    if outcome.startswith("lives"):
        assert endings(effects) == []
        untyped = re.search(r"; `([^`]*)` is untyped", outcome)
        left = (ANCHOR + specification.code(written)).removeprefix(kept + splice.get("insert", ""))
        assert left == (untyped[1] if untyped else "")
    else:
        assert outcome.startswith("diverged: ")
        assert endings(effects) == [Reason.DIVERGED]


@pytest.mark.parametrize(("written", "now", "outcome"), ADOPTED, ids=[row[1] for row in ADOPTED])
def test_adoption_goes_as_the_worked_case_says(written: str, now: str, outcome: str) -> None:
    before = specification.code(now)
    wire = Wire(ANCHOR)
    wire.write(wire.suggest(), specification.code(written))
    common = len(before) if ANCHOR.startswith(before) else len(ANCHOR)
    wire.edit(delete=len(ANCHOR) - common, insert=before[common:])
    effects = wire.suggest()
    fresh = [effect for effect in effects if isinstance(effect, StartGeneration)]
    if outcome.startswith("adopts"):
        assert fresh == []
        first = re.search(r"first piece is `([^`]*)`", outcome)
        assert pieces(effects) == ([first[1]] if first else [])
    else:
        assert outcome == "is written anew"
        assert [start.before for start in fresh] == [before]


ILLUSTRATIONS = {
    "usage",
    "timing",
    "logprob",
    "server",
    "model",
    "message",
}  # what depends on the model and the machine


def told(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in ILLUSTRATIONS}


@pytest.mark.parametrize(("written", "lines"), [*specification.transcripts(SPEC), *specification.transcripts(README)])
def test_a_session_goes_as_the_transcript_says(written: list[Any], lines: list[tuple[str, dict[str, Any]]]) -> None:
    wire = Wire(None)
    model = iter(written)
    run = (0, 0)
    heard: list[dict[str, Any]] = []

    def listen(effects: list[Effect]) -> None:
        nonlocal run
        for effect in effects:
            if isinstance(effect, Send | SendDone):
                heard.append(json.loads(codec.encode(effect.message)))
            if isinstance(effect, StartGeneration):
                run = effect.document, effect.run

    if lines[0][1]["type"] != "hello":
        wire.send(type="hello")
    for side, message in lines:
        if side == "C":
            listen(wire.send(**message))
            continue
        if not heard:
            piece = next(model)
            alternative, text = piece if isinstance(piece, list) else (0, piece)
            listen(wire.session.on_generation(TextGenerated(*run, alternative, text, 1, -0.1), 0))
        assert told(heard.pop(0)) == told(message)
    assert heard == []
    assert next(model, None) is None
