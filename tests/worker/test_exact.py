"""Whatever writers do, and whoever writes beside them, what comes out is what a plain forward of the text gives.

Random scripts of edits run against the engine; after each, every token's log-probability, and every row of logits that
the engine holds, is compared with one forward of the same text by transformers' own attention.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Interrupting

TOLERANCE = 1e-4
CONTEXT = 48
STRIDE = 16
DOCUMENTS = 4

documents = st.integers(1, DOCUMENTS)
pieces = st.lists(st.integers(1, 399), min_size=1, max_size=4)
details = st.fixed_dictionaries(
    {
        "limit_tokens": st.integers(0, 6),
        "alternatives": st.sampled_from([1, 1, 1, 2, 3]),
        "temperature": st.sampled_from([0.0, 0.0, 0.0, 1.0]),
        "heal": st.sampled_from([b"", b"", b" ", b" t", b"th", b"qu"]),
    }
)
calls = st.one_of(
    st.tuples(st.just("type"), documents, pieces, details),
    st.tuples(st.just("type"), documents, pieces, details),
    st.tuples(st.just("delete"), documents, st.integers(1, 9), details),
    st.tuples(st.just("paste"), documents, st.lists(st.integers(1, 399), min_size=10, max_size=40), details),
    st.tuples(st.just("replace"), documents, pieces, details),
    st.tuples(st.just("accept"), documents, st.integers(1, 5), details),
    st.tuples(st.just("jump"), documents, st.integers(1, 60), details),
    st.tuples(st.just("letter"), documents, st.none(), details),
    st.tuples(st.just("stop"), documents, st.none(), details),
    st.tuples(st.just("rest"), documents, st.none(), details),
    st.tuples(st.just("raise"), documents, st.integers(1, 8), details),
    st.tuples(st.just("forget"), documents, st.none(), details),
)
moves = st.one_of(
    calls.map(lambda call: ("call", call, 0)),
    st.tuples(st.just("steps"), st.none(), st.integers(1, 6)),
    calls.flatmap(lambda call: st.tuples(st.just("midway"), st.just(call), st.integers(0, 2))),
)
scripts = st.lists(moves, min_size=10, max_size=50)


@dataclass
class Writers:
    """Several documents whose writers do what a script says, against one engine."""

    model: Any
    rig: Any
    texts: dict[int, list[int]] = field(default_factory=dict)
    runs: dict[int, int] = field(default_factory=dict)

    def play(self, script: list[Any]) -> None:
        for kind, call, count in script:
            if kind == "call":
                self.do(call)
            elif kind == "steps":
                for _ in range(count):
                    self.step()
            else:
                self.step_with(call, count)
        self.rig.settle()
        self.compare()

    def step(self) -> None:
        self.rig.step()
        self.compare()

    def step_with(self, call: Any, layer: int) -> None:
        """A step during which, before some layer, a writer does something."""
        core = self.rig.core
        core.runner = interrupting = Interrupting(core.runner)
        interrupting.before(layer, lambda: self.do(call))
        self.rig.step()
        self.compare()

    def do(self, call: Any) -> None:
        kind, document, what, details = call
        text = self.texts.setdefault(document, [17, 3])
        run = self.runs.get(document)
        if kind in ("stop", "rest"):
            if run is not None:
                self.rig.stop(run, useful=kind == "rest")
            return
        if kind == "raise":
            if run is not None:
                self.rig.raise_limit(run, self.rig.requests[run].limit_tokens + what)
            return
        if kind == "forget":
            self.rig.forget(document)
            self.texts.pop(document, None)
            return
        if kind in ("type", "paste"):
            text += what
        elif kind == "delete":
            del text[max(1, len(text) - what) :]
        elif kind == "replace":
            middle = len(text) // 2
            text[middle : middle + len(what)] = what
        elif kind == "accept" and run is not None:
            tokens = self.rig.tokens(run, self.rig.requests[run].alternatives - 1)
            text[:] = [*self.rig.requests[run].tokens, *tokens[:what]]
        elif kind == "letter" and run is not None:
            text[:] = self.rig.requests[run].tokens
        # A window that is cut in strides, as texts that outgrow the context are.
        while len(text) > CONTEXT:
            del text[:STRIDE]
        prompt = text[:what] if kind == "jump" else text
        self.runs[document] = self.rig.ask(document, prompt, seed=document, **details)

    def compare(self) -> None:
        """All rows of logits that the engine remembers, against plain forwards."""
        for slot in self.rig.core.slots.all:
            for length, row in slot.logits.items():
                self.compare_row(slot.tokens[:length], row)
            for branch in {id(branch): branch for branch, _ in slot.branch_rows}.values():
                for length, row in branch.logits.items():
                    self.compare_row(slot.tokens + branch.tokens[:length], row)

    def compare_row(self, tokens: list[int], row: torch.Tensor) -> None:
        plain = self.model.logits(tokens)
        allowed = torch.isfinite(row)
        assert int((~allowed).sum()) == len(self.model.vocabulary.banned_ids | self.model.vocabulary.eos_ids)
        assert float((row - plain)[allowed].abs().max()) < TOLERANCE

    def check_events(self) -> None:
        """Every token that was told of, against plain forwards."""
        banned = list(self.model.vocabulary.banned_ids | self.model.vocabulary.eos_ids)
        for run, request in self.rig.requests.items():
            for alternative in range(request.alternatives):
                text = list(request.tokens)
                if self.rig.sampled(run, alternative):
                    self.model.know([*text, *self.rig.tokens(run, alternative)[:-1]])
                for sampled in self.rig.sampled(run, alternative):
                    logits = self.model.logits(text).clone()
                    logits[banned] = float("-inf")
                    assert sampled.logprob == pytest.approx(float(logits.log_softmax(-1)[sampled.token]), abs=1e-3)
                    if request.temperature == 0 and alternative == 0 and not request.heal:
                        assert float(logits.max() - logits[sampled.token]) < 1e-3
                    text.append(sampled.token)
                written = self.model.text(text[len(request.tokens) :])
                assert written.startswith(request.heal) or request.heal.startswith(written)


def play(model, make_rig, script, slots, **sizes):
    rig = make_rig(
        model.core(eos=False, slots=slots, context_tokens=CONTEXT, room_tokens=30, prefill_tokens=12, **sizes)
    )
    writers = Writers(model, rig)
    writers.play(script)
    writers.check_events()
    for run in writers.runs.values():
        if not any(rig.events[run]):
            continue
        assert rig.outcome(run) in ("writing", "paused", "end")
    return rig


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(script=scripts, slots=st.integers(1, 3), rows=st.sampled_from([1, 4, 16]), lookahead=st.sampled_from([0, 3, 8]))
def test_logits_equal_a_plain_forward_after_any_script_of_edits(each_model, make_rig, script, slots, rows, lookahead):
    play(each_model, make_rig, script, slots, speculative_rows=rows, lookahead_tokens=lookahead)


def lone_and_busy(model, make_rig, text, seeds, tokens, slots):
    """The greedy text of a document alone, and beside seven others that are typed in, cancelled and preempted."""
    alone = make_rig(model.core(eos=False, slots=1))
    expected = alone.tokens(alone.write(1, text, limit_tokens=tokens))
    rig = make_rig(model.core(eos=False, slots=slots, prefill_tokens=24, speculative_rows=8, lookahead_tokens=4))
    run = rig.ask(1, text, limit_tokens=tokens)
    while rig.outcome(run) == "writing":
        assert rig.core.counters.steps < 1000
        for document in range(2, 9):
            action = seeds.random()
            if action < 0.25:
                other = [seeds.randrange(1, model.vocabulary.size - 1) for _ in range(seeds.randrange(1, 20))]
                rig.ask(document, other, limit_tokens=4, alternatives=seeds.choice([1, 1, 2]))
            elif action < 0.3 and max(rig.requests) != run:
                rig.stop(max(rig.requests))
            elif action < 0.33:
                rig.forget(document)
        rig.step()
    return expected, rig.tokens(run)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), slots=st.sampled_from([2, 4, 8]))
def test_greedy_text_is_the_same_beside_seven_others(each_model, make_rig, seed, slots):
    seeds = Random(seed)
    text = [seeds.randrange(1, 399) for _ in range(seeds.randrange(4, 40))]
    expected, written = lone_and_busy(each_model, make_rig, text, seeds, 24, slots)
    assert written == expected


def asked(**changes):
    return {"limit_tokens": 3, "alternatives": 1, "temperature": 0.0, "heal": b""} | changes


# One of every kind of edit, in an order that makes each reuse, cut back or move what an earlier one computed. Compared
# with plain forwards at the end only, because each of those takes as long as a step here.
EVERY_EDIT = [
    ("type", 1, [504, 2365, 6354, 16438], asked(heal=b" ju")),
    ("letter", 1, None, asked(heal=b" jum")),
    ("paste", 2, list(range(1000, 1030)), asked(alternatives=3, limit_tokens=4)),
    ("accept", 2, 3, asked()),
    ("delete", 1, 2, asked(alternatives=2)),
    ("replace", 2, [700, 701], asked(heal=b" ")),
    ("paste", 1, list(range(2000, 2036)), asked(limit_tokens=1)),
    ("paste", 1, list(range(3000, 3020)), asked(temperature=1.0, alternatives=2)),
    ("type", 3, [260, 1412], asked()),
    ("jump", 2, 20, asked()),
    ("stop", 3, None, asked()),
    ("raise", 2, 2, asked()),
]


@pytest.mark.model
@pytest.mark.slow
def test_the_built_in_model_is_exact_after_every_kind_of_edit(builtin, make_rig):
    sizes = {"context_tokens": CONTEXT, "room_tokens": 30, "prefill_tokens": 12, "speculative_rows": 4}
    rig = make_rig(builtin.core(eos=False, slots=2, **sizes))
    writers = Writers(builtin, rig)
    for at, call in enumerate(EVERY_EDIT):
        writers.do(call)
        for _ in range(at % 4 + 1):
            rig.step()
    rig.settle()
    writers.check_events()
    writers.compare()
    assert rig.core.counters.preemptions > 0


@pytest.mark.model
@pytest.mark.slow
def test_the_built_in_model_writes_the_same_beside_seven_others(builtin, make_rig):
    text = builtin.vocabulary.encode("The letter had been lying on the table since the morning, and nobody had")
    expected, written = lone_and_busy(builtin, make_rig, text, Random(1), 10, 4)
    assert written == expected
