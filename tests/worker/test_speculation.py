"""Draft tokens, computed in rows that cost little: they save steps, and never change a token."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterword.engine.api import Sampled, Started
from afterword.worker.speculation.ngram_proposer import DraftTokens, NgramProposer, Source

TEXT = [40, 77, 120, 33, 201, 90, 15, 62]


def told(rig, run):
    """What was said of a run, without what the way there cost."""
    events = []
    for event in rig.events[run]:
        if isinstance(event, Sampled):
            events.append(("sampled", event.alternative, event.token, pytest.approx(event.logprob, abs=1e-3)))
        elif isinstance(event, Started):
            events.append(("started", event.context))
        else:
            events.append(event)
    return events


letters = st.sampled_from([b"", b"", b" ", b" t", b"th", b"qu"])
edits = st.one_of(
    st.tuples(st.just("type"), st.lists(st.integers(1, 399), min_size=1, max_size=3)),
    st.tuples(st.just("delete"), st.integers(1, 6)),
    st.tuples(st.just("accept"), st.integers(1, 8)),
    st.tuples(st.just("again"), st.integers(1, 20)),
    st.tuples(st.just("replace"), st.integers(1, 399)),
    st.tuples(st.just("letter"), st.none()),
)
details = st.fixed_dictionaries(
    {
        "limit_tokens": st.integers(0, 12),
        "alternatives": st.sampled_from([1, 1, 1, 2]),
        "temperature": st.sampled_from([0.0, 0.0, 0.7]),
        "heal": letters,
    }
)
documents = st.integers(1, 3)
scripts = st.lists(st.tuples(documents, edits, details, st.integers(0, 6)), min_size=3, max_size=15)


def play(rig, script):
    """Edits of several documents, each with a request for what follows and more of it."""
    texts = {}
    runs = {}
    for document, (kind, what), request, more in script:
        text = texts.setdefault(document, list(TEXT))
        if kind == "type":
            text += what
        elif kind == "delete":
            del text[max(1, len(text) - what) :]
        elif kind == "accept" and document in runs:
            text += rig.tokens(runs[document])[:what]
        elif kind == "again":
            text += text[:what]
        elif kind == "replace":
            text[len(text) // 2] = what
        del text[: max(0, len(text) - 60)]
        runs[document] = run = rig.write(document, list(text), seed=5, **request)
        rig.raise_limit(run, request["limit_tokens"] + more)
        rig.settle()
    return runs


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(script=scripts, rows=st.sampled_from([2, 8, 24]), lookahead=st.sampled_from([0, 6]))
def test_what_is_told_is_the_same_with_and_without_drafts(each_model, make_rig, script, rows, lookahead):
    sizes = {"slots": 2, "room_tokens": 20}
    plain = make_rig(each_model.core(**sizes))
    eager = make_rig(each_model.core(speculative_rows=rows, lookahead_tokens=lookahead, **sizes))
    play(plain, script)
    play(eager, script)
    for run in plain.requests:
        assert told(eager, run) == told(plain, run)


@pytest.fixture
def eager(model, make_rig):
    """A rig at a core that speculates."""
    return make_rig(model.core(eos=False, speculative_rows=8))


def test_a_text_that_was_written_before_takes_few_steps_to_write_again(eager):
    run = eager.write(1, TEXT, limit_tokens=20)
    written = eager.tokens(run)
    eager.write(1, [*TEXT[:-1], 5], limit_tokens=1)  # its rows are gone now
    steps = eager.core.counters.steps
    again = eager.write(1, TEXT, limit_tokens=20)
    assert eager.tokens(again) == written
    assert eager.core.counters.steps - steps <= 5


@pytest.fixture
def foretold(model, make_rig, monkeypatch):
    """Makes every draft after `TEXT` right; returns what is written there."""
    rig = make_rig(model.core(eos=False))
    written = rig.tokens(rig.write(1, TEXT, limit_tokens=60))

    def know(self, text, most):
        at = len(text) - len(TEXT)
        return DraftTokens(Source.PHRASE, written[at : at + most]) if written[at:] else None

    monkeypatch.setattr(NgramProposer, "propose", know)
    return written


def test_draft_tokens_that_are_right_save_a_step_each(eager, foretold):
    run = eager.write(1, TEXT, limit_tokens=49)
    assert eager.tokens(run) == foretold[:49]
    counters = eager.core.counters
    # One token comes with the prompt, which leaves no rows free; then eight with each step.
    assert (counters.steps, counters.draft_tokens, counters.accepted_tokens) == (7, 42, 42)


def test_a_prompt_of_few_new_rows_brings_draft_tokens_along(eager, foretold):
    eager.write(1, TEXT[:-2], limit_tokens=1)
    steps = eager.core.counters.steps
    run = eager.ask(1, TEXT, limit_tokens=20)
    eager.step()
    assert eager.core.counters.steps == steps + 1
    assert eager.tokens(run) == foretold[:7]


def test_drafts_that_fail_are_given_up(model, make_rig, monkeypatch):
    rig = make_rig(model.core(eos=False, speculative_rows=8, room_tokens=400))
    monkeypatch.setattr(NgramProposer, "_from_former", lambda *_: DraftTokens(Source.PHRASE, [399] * 15))
    run = rig.write(1, TEXT, limit_tokens=300)
    assert len(rig.tokens(run)) == 300
    assert 0 < rig.core.counters.draft_tokens < 60
    assert rig.core.counters.accepted_tokens == 0


def test_a_step_has_no_more_rows_than_are_free(model, make_rig, monkeypatch, foretold):
    rig = make_rig(model.core(eos=False, speculative_rows=6))
    for document in range(1, 4):
        rig.write(document, TEXT, limit_tokens=1)
    rows = []
    forward = rig.core.runner.forward
    monkeypatch.setattr(rig.core.runner, "forward", lambda step: (rows.append(step.rows), forward(step))[1])
    runs = [rig.ask(document, TEXT, limit_tokens=41) for document in range(1, 4)]
    rig.settle()
    assert [rig.tokens(run) for run in runs] == [foretold[:41]] * 3
    assert rows == [6] * 20


def test_a_draft_never_reaches_beyond_what_was_asked_for(eager):
    eager.write(1, TEXT * 3, limit_tokens=30)
    for document in range(2, 5):
        run = eager.write(document, TEXT * 3, limit_tokens=2)
        assert len(eager.core.slots.by_document[document].tokens) <= len(TEXT) * 3 + 1
        assert len(eager.tokens(run)) == 2


def test_a_draft_that_does_not_agree_with_the_letters_typed_is_not_computed(model, make_rig):
    rig = make_rig(model.core(eos=False, speculative_rows=8))
    first = rig.write(1, TEXT, limit_tokens=6)
    rig.write(1, [*TEXT[:-1], 5], limit_tokens=1)
    text = model.text(rig.tokens(first))
    other = b"z" if text[:1] != b"z" else b"q"
    proposed = rig.core.counters.draft_tokens
    rig.ask(1, TEXT, heal=other, limit_tokens=1)
    rig.step()
    assert rig.core.counters.draft_tokens == proposed
