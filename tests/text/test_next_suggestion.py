"""From the message to the model and back in one thread: what the next suggestion costs, counted in steps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from afterword.config.settings import Settings
from afterword.gateway.session_config import session_config
from afterword.session.effects import Disconnect, Effect, Send, SendDone
from afterword.session.session import Session
from afterword.text.boundaries.rules import Rules
from afterword.text.token_bridge import TokenBridge
from afterword.text.vocabulary import Vocabulary
from afterword.worker.config import CoreConfig
from afterword.worker.engine_core import EngineCore
from afterword.worker.loading import load_model
from afterword_protocol.messages import Done, Token

BEFORE = "The letter had been lying on the table since the morning, and"


class Rig:
    """A writer, a session and an engine whose steps are taken one at a time."""

    def __init__(self, core: EngineCore, vocabulary: Vocabulary) -> None:
        config = session_config(Settings(), "tiny")
        self.core = core
        self.bridge: TokenBridge[str] = TokenBridge(vocabulary)
        self.bridge.set_context(core.config.context_tokens)
        self.session = Session(config, Rules(), None, "s", 0.0, itertools.count(1))
        self.text = BEFORE
        self.sent: list[Any] = []
        self._rev = itertools.count(2)
        self._id = 0
        self.give(type="hello")
        self.give(type="open", doc="d", rev=1, before=BEFORE, after="")

    def give(self, **message: Any) -> None:
        self.carry_out(self.session.receive(json.dumps(message), 0.0))

    def carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send | SendDone):
                self.sent.append(effect.message)
                continue
            assert not isinstance(effect, Disconnect)
            command = self.bridge.to_engine("s", "s", effect)
            if command is not None:
                self.core.submit(command)

    def settle(self, steps: int = 10_000) -> None:
        """Take steps until nothing is to be done, so many at most."""
        until = self.core.counters.steps + steps
        while True:
            for event in self.core.step():
                told, command = self.bridge.to_session(event)
                if command is not None:
                    self.core.submit(command)
                for news in told:
                    self.carry_out(self.session.on_generation(news, 0.0))
            if self.core.idle or self.core.counters.steps >= until:
                return

    def suggest(self, **details: Any) -> None:
        self._id += 1
        self._last_rev = next(self._rev)
        self.give(type="edit", doc="d", rev=self._last_rev, insert="")
        self.give(type="suggest", doc="d", id=self._id, rev=self._last_rev, **details)

    def accept_all(self) -> None:
        self.text += self.shown()
        self.give(type="accept", doc="d", id=self._id, rev=next(self._rev), length=len(self.shown()))

    def shown(self) -> str:
        return "".join(m.text for m in self.sent if isinstance(m, Token) and m.id == self._id)

    def done(self) -> Done:
        [message] = [m for m in self.sent if isinstance(m, Done) and m.id == self._id]
        return message


@pytest.fixture
def make_rig(tiny_model_folder: Any) -> Any:
    """Rigs at engines of a small model that writes printable text."""
    folder: Path = tiny_model_folder("llama", readable=True)
    model = load_model(folder, "cpu", "float32")
    vocabulary = Vocabulary.from_folder(folder)

    def make(lookahead_tokens: int, speculative_rows: int = 1) -> Rig:
        config = CoreConfig(
            slots=2, context_tokens=160, speculative_rows=speculative_rows, lookahead_tokens=lookahead_tokens
        )
        core = EngineCore(model, vocabulary.token_bytes, vocabulary.eos_ids, vocabulary.banned_ids, config)
        return Rig(core, vocabulary)

    return make


ASKS = [
    pytest.param({"stop": "none", "max_tokens": 5}, id="of a number of tokens"),
    pytest.param({"stop": "word", "max_tokens": 24}, id="to the end of a word"),
]


@pytest.mark.parametrize("asked", ASKS)
def test_after_a_suggestion_was_accepted_whole_the_next_one_begins_without_a_step(make_rig: Any, asked: Any) -> None:
    plain, rig = make_rig(0), make_rig(8)
    for at in (plain, rig):
        at.suggest(**asked)
        at.settle()
        assert at.done().text
        at.accept_all()
        steps = at.core.counters.steps
        at.suggest(**asked)
        at.settle(steps=0)
    assert rig.core.counters.steps == steps
    assert len(rig.shown()) > len(plain.shown())
    assert rig.shown().startswith(plain.shown())
    for at in (plain, rig):
        at.settle()
    assert rig.done().text == plain.done().text


@pytest.mark.parametrize("asked", ASKS)
def test_a_text_taken_suggestion_by_suggestion_is_the_same_however_it_was_computed(make_rig: Any, asked: Any) -> None:
    texts = []
    for ahead, free in ((0, 1), (8, 1), (0, 8), (8, 8)):
        rig = make_rig(ahead, free)
        for _ in range(12):
            rig.suggest(**asked)
            rig.settle()
            rig.accept_all()
        texts.append(rig.text)
    assert texts == texts[:1] * 4


def test_a_document_that_was_opened_has_its_first_words_ready(make_rig: Any) -> None:
    rig = make_rig(8)
    rig.settle()
    steps = rig.core.counters.steps
    rig.suggest(stop="none", max_tokens=4)
    rig.settle(steps=0)
    assert rig.core.counters.steps == steps
    assert rig.shown()


def test_a_cancelled_suggestion_is_not_written_ahead(make_rig: Any) -> None:
    rig = make_rig(8)
    rig.settle()
    rig.suggest(stop="none", max_tokens=60)
    rig.settle(steps=12)
    ahead = rig.core.counters.lookahead_rows
    rig.give(type="cancel", doc="d", id=1)
    rig.settle()
    assert rig.core.counters.lookahead_rows == ahead
