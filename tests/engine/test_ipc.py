"""What the gateway and the engine process write comes out the same on the other side."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.engine.api import (
    Command,
    Ended,
    EngineEvent,
    Failed,
    Forget,
    Lost,
    Measured,
    PartLost,
    Paused,
    Progress,
    RaiseLimit,
    Ready,
    Request,
    Sampled,
    Started,
    StopRun,
)
from afterword.engine.ipc import COMMANDS, EVENTS, Lines, decode, encode

whole = st.integers(0, 2**53 - 1)
texts = st.text(st.characters(codec="utf-8"))
logprobs = st.floats(max_value=0, allow_nan=False)

requests = st.builds(
    Request,
    owner=texts,
    document=whole,
    run=whole,
    tokens=st.lists(st.integers(0, 300_000), min_size=1),
    heal=st.binary(max_size=20),
    limit_tokens=whole,
    alternatives=st.integers(1, 8),
    temperature=st.floats(0, 2),
    seed=st.none() | whole,
    waited_ms=st.floats(0, 1e9),
)
commands: st.SearchStrategy[Command] = st.one_of(
    requests,
    st.builds(RaiseLimit, texts, whole, whole, whole),
    st.builds(StopRun, texts, whole, whole, st.booleans()),
    st.builds(Forget, texts, whole),
)
events: st.SearchStrategy[EngineEvent] = st.one_of(
    st.builds(Started, texts, whole, whole, whole, whole, whole, st.floats(0, 1e9)),
    st.builds(Sampled, texts, whole, whole, st.integers(0, 8), whole, logprobs),
    st.builds(Paused, texts, whole, whole, st.integers(0, 8)),
    st.builds(Ended, texts, whole, whole, st.integers(0, 8), st.sampled_from(["end", "busy", "error"]), texts),
    st.builds(Progress, texts, st.none() | st.floats(0, 1)),
    st.builds(Ready, texts, whole, whole, texts, texts, whole),
    st.builds(Lost, texts, whole),
    st.builds(PartLost, whole, texts),
    st.builds(Measured, st.dictionaries(texts, whole | st.lists(st.floats(0, 1e6), max_size=4)), whole),
    st.builds(Failed, texts),
)


@settings(derandomize=True)
@given(commands)
def test_a_command_comes_out_as_it_went_in(command: Command) -> None:
    (line,) = Lines().feed(encode([command]))
    decoded = decode(line, COMMANDS)
    assert decoded == command
    assert getattr(decoded, "waited_ms", 0) == getattr(command, "waited_ms", 0)


@settings(derandomize=True)
@given(st.lists(events, max_size=5), st.integers(1, 50))
def test_events_come_out_as_they_went_in_however_the_socket_cuts_them(sent: list[EngineEvent], step: int) -> None:
    data = encode(sent)
    lines = Lines()
    received = [
        decode(line, EVENTS) for start in range(0, len(data), step) for line in lines.feed(data[start : start + step])
    ]
    assert received == sent


def test_a_prompt_may_be_any_sequence_of_ids() -> None:
    line = encode([Request("w", 1, 2, range(3))])
    assert decode(line, COMMANDS) == Request("w", 1, 2, [0, 1, 2])


def test_a_probability_of_zero_survives() -> None:
    event = Sampled("w", 1, 2, 0, 5, -math.inf)
    assert decode(encode([event]), EVENTS) == event


@pytest.mark.parametrize("line", [b"[]", b"{}", b"nonsense", b'["no such"]', b'["StopRun"]', b'["Request",1]', b"\xff"])
def test_what_is_no_command_or_event_is_an_error(line: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode(line, COMMANDS)
    with pytest.raises((ValueError, TypeError)):
        decode(line, EVENTS)


def test_a_command_is_no_event() -> None:
    with pytest.raises(ValueError, match="Forget"):
        decode(encode([Forget("w", 1)]), EVENTS)
