"""The table of a suggestion's states is the one that `PROTOCOL.md` draws, and what it says is carried out in order."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from afterword.config.settings import Settings
from afterword.gateway.session_config import session_config
from afterword.session.counters import SuggestionCounters
from afterword.session.effects import (
    Effect,
    GenerationEnded,
    GenerationStarted,
    Send,
    SendDone,
    StartGeneration,
    StopGeneration,
    TextGenerated,
)
from afterword.session.ghost_text import GhostText, SuggestionOptions
from afterword.session.mirror import Mirror
from afterword.session.session import Session
from afterword.session.suggestion import TRANSITIONS, SuggestionEvent, SuggestionState
from afterword.session.text_rules import Surroundings, Verdict
from afterword_protocol import specification
from afterword_protocol.messages import Boundaries, Delivery, Open, Reason, Stop

CONFIG = session_config(Settings(), "m")
SPEC = specification.PATH.read_text(encoding="utf-8")
ARROW = re.compile(r"(?P<start>\w+) +--> (?P<end>\w+) +(?P<event>[^:]+?)(?::  done (?P<reasons>[a-z ]+))?")

Edge = tuple[str, str, str, tuple[str, ...]]


def drawn() -> list[Edge]:
    """The arrows in the specification: from, to, on what, and the reasons of what is answered."""
    picture = SPEC[SPEC.index("<!-- states of a suggestion -->") :]
    lines = picture[picture.index("```text\n") + len("```text\n") : picture.index("\n```\n")].splitlines()
    edges = []
    for line in filter(None, lines):
        arrow = ARROW.fullmatch(line)
        assert arrow is not None, line
        edges.append((arrow["start"], arrow["end"], arrow["event"], tuple((arrow["reasons"] or "").split())))
    return edges


def test_the_picture_of_the_states_is_the_table() -> None:
    """All of it but what leaves a suggestion as it is, unless it is live."""
    assert drawn() == [
        (state.value, to.state.value, event.value, tuple(reason.value for reason in to.reasons))
        for (state, event), to in TRANSITIONS.items()
        if to.state is not state or to.reasons or state is SuggestionState.LIVE
    ]


def test_every_reason_but_that_of_a_refused_suggest_is_in_the_table() -> None:
    assert {reason for to in TRANSITIONS.values() for reason in to.reasons} == set(Reason) - {Reason.STALE}


def test_only_a_live_suggestion_or_an_extend_of_a_lost_one_is_answered() -> None:
    answering = {(state, event) for (state, event), to in TRANSITIONS.items() if to.reasons}
    assert {pair for pair in answering if pair[0] is not SuggestionState.LIVE} == {
        (SuggestionState.DIVERGED, SuggestionEvent.EXTEND),
        (SuggestionState.DISMISSED, SuggestionEvent.EXTEND),
    }


def test_whatever_ends_a_live_suggestion_answers_it() -> None:
    unanswered = {
        event
        for (state, event), to in TRANSITIONS.items()
        if state is SuggestionState.LIVE and to.state is not SuggestionState.LIVE and not to.reasons
    }
    assert unanswered == {SuggestionEvent.ANSWERED}, "which comes when all is answered"


def test_a_text_that_left_the_caret_never_comes_back() -> None:
    for state in (SuggestionState.DIVERGED, SuggestionState.DISMISSED):
        leads_to = {to.state: event for (start, event), to in TRANSITIONS.items() if start is state}
        assert set(leads_to) == {state, SuggestionState.LIVE, SuggestionState.NONE}
        assert leads_to[SuggestionState.LIVE] is SuggestionEvent.SUGGEST, "another one"
        assert leads_to[SuggestionState.NONE] is SuggestionEvent.CLOSE


class Logging:
    """Rules that note in the log when they are asked about parts of a text; everything may be shown at once."""

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def judge(self, around: Surroundings, text: str, stop: Stop, *, complete: bool) -> Verdict:
        return Verdict(len(text))

    def words(self, around: Surroundings, text: str) -> tuple[int, ...]:
        return ()

    def boundaries(self, around: Surroundings, text: str) -> Boundaries:
        self._log.append("boundaries")
        return Boundaries(words=(len(text),))


class Rig:
    """A session with a live suggestion of which there is some text. `log` has what was carried out, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.session = Session(CONFIG, Logging(self.log), None, "s", 0, itertools.count(1))
        self.give(type="hello")
        self.give(type="open", doc="d", rev=1, before="The quick", after="")
        self.give(type="suggest", doc="d", id=1, rev=1)
        self.carry_out(self.session.on_generation(GenerationStarted(1, 2, 5, 4, 1, 0.0), 0))
        self.carry_out(self.session.on_generation(TextGenerated(1, 2, 0, " brown fox", 2, -0.1), 0))
        assert self.log.pop() == "token"
        self.log.clear()

    def give(self, **message: Any) -> None:
        self.carry_out(self.session.receive(json.dumps(message), 0))

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(message=message) | SendDone(message=message):
                    self.log.append(message.type)
                case StopGeneration(run=run):
                    self.log.append(f"stop {run}")
                case StartGeneration(run=run):
                    self.log.append(f"start {run}")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "cancel", "id": 1},
        {"type": "dismiss", "id": 1},
        {"type": "edit", "rev": 2, "insert": "!"},
        {"type": "open", "rev": 2, "before": "Another text", "after": ""},
    ],
    ids=lambda message: message["type"],
)
def test_the_engine_is_told_to_stop_before_the_text_of_the_done_is_looked_at(message: dict[str, Any]) -> None:
    rig = Rig()
    rig.give(doc="d", **message)
    assert rig.log == ["stop 2", "boundaries", "done"]


def test_the_next_run_starts_before_the_text_of_the_superseded_one_is_looked_at() -> None:
    rig = Rig()
    rig.give(type="suggest", doc="d", id=2, rev=1, temperature=1)
    assert rig.log == ["start 3", "boundaries", "done"]


def test_the_engine_is_told_to_rest_before_the_text_of_what_it_has_written_is_looked_at() -> None:
    rig = Rig()
    rig.carry_out(rig.session.on_generation(GenerationEnded(1, 2, 0, Reason.END), 0))
    assert rig.log == ["boundaries", "done"], "it has ended by itself"
    rig = Rig()
    rig.give(type="suggest", doc="d", id=2, rev=1, max_tokens=2)
    assert rig.log == ["stop 2", "boundaries", "done", "token", "boundaries", "done"]


def test_the_done_that_is_made_later_has_the_text_of_when_the_suggestion_ended() -> None:
    rig = Rig()
    effects = rig.session.receive('{"type": "cancel", "doc": "d", "id": 1}', 0)
    [done] = [effect for effect in effects if isinstance(effect, SendDone)]
    rig.give(type="extend", doc="d", id=1)
    rig.carry_out(rig.session.on_generation(TextGenerated(1, 3, 0, " jumps", 1, -0.1), 0))
    assert done.message.text == " brown fox"
    assert done.message.boundaries == Boundaries(words=(10,))
    assert done.message == done.message


def test_what_cannot_happen_raises() -> None:
    opened = Open(doc="d", rev=1, before="", after="")
    options = SuggestionOptions(Delivery.TOKEN, CONFIG.limits, Logging([]), 0, SuggestionCounters())
    ghost_text = GhostText("d", 1, Mirror(opened, 1000), options)
    with pytest.raises(KeyError):
        ghost_text.move(SuggestionEvent.SETTLED, 0, Reason.STOP)
    assert ghost_text.state is SuggestionState.NONE
