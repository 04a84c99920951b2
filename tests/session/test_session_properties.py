"""A session holds its promises whatever writers, models and networks do, in whatever order.

A model of the client keeps its own text and its own account of what was asked, answered and painted; a model of the
engine writes arbitrary text. Random scripts drive both, and after each step the two accounts are compared.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.config.settings import Settings
from afterword.gateway.session_config import session_config
from afterword.session import ghost_text
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
from afterword.session.suggestion import TRANSITIONS, SuggestionEvent, SuggestionState, Transition
from afterword.session.text_rules import Surroundings, TextRules, Verdict
from afterword.text.boundaries.rules import Rules
from afterword_protocol.codec import decode_server, encode
from afterword_protocol.messages import Boundaries, Done, Error, Reason, Stop, Token

TOKENS = (
    " the",
    " cat",
    " sat",
    "s",
    ".",
    ",",
    "\n",
    " 👍🏽",
    "文",
    " 1",
    ".5",
    "",
    " Mr",
    " a",
    " e\u0301",
    "!",
    "\n\n",
    "'t",
    " ",
)
TYPED = ("x", " ", "the", " the cat", ".", "👍🏽", "\n", "文字", "a\u0301", "\x00")
DOCS = ("a", "b")
CONTEXT_UNITS = 4000


class PlainRules:
    """Rules of a few lines that hold text back, stop, and never change their mind."""

    def judge(self, around: Surroundings, text: str, stop: Stop, *, complete: bool) -> Verdict:
        if around.after and around.after in text:
            return Verdict(text.index(around.after), Reason.SUFFIX)
        pattern = {Stop.WORD: r"\w+(?=\W)", Stop.PHRASE: r"[.,!\n]", Stop.SENTENCE: r"[.!\n]", Stop.PARAGRAPH: r"\n"}
        end = re.search(pattern[stop], text) if stop in pattern else None
        if end is not None:
            return Verdict(end.end(), Reason.STOP)
        held = len(around.after) if around.after else 0
        return Verdict(len(text) if complete else max(0, len(text) - held))

    def words(self, around: Surroundings, text: str) -> tuple[int, ...]:
        return tuple(match.end() for match in re.finditer(r"\s*\S+", text))

    def boundaries(self, around: Surroundings, text: str) -> Boundaries:
        return Boundaries()


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@dataclass
class Run:
    """A run as the engine writes it."""

    start: StartGeneration
    limit: int
    written: list[int]
    over: list[bool]
    told: bool = False
    gone: bool = False
    pausing: list[int] = field(default_factory=list)  # alternatives whose pause is on its way

    def busy(self) -> bool:
        return not self.gone and any(
            not over and written < self.limit for over, written in zip(self.over, self.written, strict=True)
        )


@dataclass
class Ghost:
    """A suggestion as the client sees it."""

    anchor: str  # text before the caret when it was asked for
    after: str
    alternatives: int
    owed: int = 1  # asks without a `done`
    pieces: list[str] = field(default_factory=list)
    left: bool = False  # its text was dismissed, or was not at the caret at some time
    narrowed: bool = False  # an `extend` went on with one of several alternatives
    done: Done | None = None


@dataclass
class Doc:
    """A document as the client knows it."""

    before: str
    after: str
    rev: int
    last_id: int = 0
    newest: int = 0  # id of the suggestion that was begun last
    lost: bool = False  # waits for `open`
    ghosts: dict[int, Ghost] = field(default_factory=dict)
    run: Run | None = None
    written: list[str] = field(default_factory=list)  # all text of the present text's alternatives, with what is before


class World:
    """Client, session and engine, and what each believes."""

    def __init__(self, rules: TextRules, delivery: str, context_units: int = 100_000, alternatives: int = 3) -> None:
        settings = Settings().changed(
            max_context=context_units,
            max_tokens=12,
            max_alternatives=alternatives,
            messages_per_second=1e9,
            message_burst=10**9,
        )
        config = session_config(settings, "m")
        self.now = 0.0
        self.delivery = delivery
        self.docs: dict[str, Doc] = {}
        self.session = Session(config, rules, None, "s", self.now, itertools.count(1))
        self.names: dict[int, str] = {}  # of documents, by the numbers that commands name
        self.runs: dict[tuple[int, int], tuple[str, Run]] = {}  # by document and run
        self.errors: list[Error] = []
        self.ended: set[int] = set()  # ids that got a `done` in this step
        self.draining = False
        self.forgets = context_units < 100_000
        self.send(type="hello", delivery=delivery)

    # --- the client ---

    def send(self, **message: Any) -> None:
        self.errors.clear()
        self.ended.clear()
        self.take(self.session.receive(json.dumps(message), self.now))

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send | SendDone):
                message = effect.message
                assert decode_server(encode(message)) == message
                if isinstance(message, Token):
                    self.paint(message)
                elif isinstance(message, Done):
                    self.finish(message)
                elif isinstance(message, Error):
                    self.errors.append(message)
            else:
                assert not isinstance(effect, Disconnect)
                self.command(effect)

    def paint(self, token: Token) -> None:
        doc = self.docs[token.doc]
        ghost = doc.ghosts[token.id]
        assert ghost.owed > 0, "a piece after the last done"
        assert token.id == doc.newest, "a piece of a superseded suggestion"
        assert self.delivery != "final"
        assert token.text
        assert token.pos == units(ghost.pieces[token.alternative]), "a gap or an overlap"
        ghost.pieces[token.alternative] += token.text

    def finish(self, done: Done) -> None:
        self.ended.add(done.id)
        doc = self.docs.get(done.doc)
        if doc is None or done.id not in doc.ghosts:
            return
        ghost = doc.ghosts[done.id]
        assert ghost.owed > 0, "more dones than asks"
        ghost.owed -= 1
        if done.reason == "error" and not done.text and not done.alternatives:
            return  # refused before anything was begun
        texts = [done.text] if done.alternatives is None else [each.text for each in done.alternatives]
        if texts:
            assert (done.alternatives is None) == (ghost.alternatives == 1)
            assert (done.text is None) == (done.boundaries is None) == (ghost.alternatives > 1)
            for painted, text in zip(ghost.pieces, texts, strict=True):
                assert text is not None
                if self.delivery == "final":
                    assert text.startswith(painted)
                else:
                    assert text == painted
            ghost.pieces = [text or "" for text in texts]
        ghost.done = done

    def ask(self, name: str, **options: Any) -> None:
        doc = self.docs[name]
        doc.last_id += 1
        doc.newest = doc.last_id
        live = {id for id, ghost in doc.ghosts.items() if ghost.owed}
        alternatives = options.get("alternatives", 1)
        doc.ghosts[doc.last_id] = Ghost(doc.before, doc.after, alternatives, 1, [""] * alternatives)
        self.send(type="suggest", doc=name, id=doc.last_id, rev=doc.rev, **options)
        assert live <= self.ended, "the old suggestion was not superseded"
        assert (self.session.live() and self.live(name)) or doc.last_id in self.ended

    def live(self, name: str) -> int | None:
        doc = self.docs[name]
        return next((id for id, ghost in doc.ghosts.items() if ghost.owed), None)

    def change(self, name: str, before: str, after: str, send: Callable[[int], None]) -> None:
        """Make a change to the text and check that the live suggestion lives on exactly if it agrees."""
        doc = self.docs[name]
        id = self.live(name)
        same_after = after == doc.after
        lost_before = doc.lost
        doc.rev += 1
        doc.before, doc.after = before, after
        send(doc.rev)
        if lost_before:
            assert [error.code for error in self.errors] == ["resync"]
            return
        if self.errors and self.forgets:
            # The server has forgotten text that the change would take.
            assert [error.code for error in self.errors] == ["resync"]
            doc.lost = True
            return
        assert self.errors == []
        ghost = doc.ghosts.get(doc.newest)
        if ghost is None:
            return
        agrees = (
            same_after
            and len(before) >= len(ghost.anchor)
            and before.startswith(ghost.anchor)
            and any(text.startswith(before) for text in doc.written)
        )
        ghost.left = ghost.left or not agrees or self.forgets
        if id is not None and not ghost.narrowed and not self.forgets:
            assert agrees == (id not in self.ended), "type-through was judged otherwise"

    # --- the engine ---

    def command(self, effect: Effect) -> None:
        if isinstance(effect, Prepare):
            doc = self.docs[self.names[effect.document]]
            assert doc.run is None or not self.is_wanted(doc.run), "the place of a run that is of use was taken"
        elif isinstance(effect, StartGeneration):
            name = self.names[effect.document]
            doc = self.docs[name]
            assert all(effect.run > run for document, run in self.runs if document == effect.document)
            if doc.run is not None:
                doc.run.gone = True
            assert 1 <= effect.max_tokens <= 12
            if not self.forgets:
                assert effect.before.startswith(doc.before)
                assert effect.after == doc.after
            run = Run(effect, effect.max_tokens, [0] * effect.alternatives, [False] * effect.alternatives)
            doc.run = run
            doc.written = [effect.before] * effect.alternatives
            self.runs[effect.document, effect.run] = (name, run)
        elif isinstance(effect, ExtendGeneration):
            run = self.runs[effect.document, effect.run][1]
            assert not run.gone
            assert run.limit < effect.max_tokens <= 12
            assert not run.busy(), "a run was raised before it had paused"
            run.limit = effect.max_tokens
        elif isinstance(effect, StopGeneration):
            run = self.runs[effect.document, effect.run][1]
            assert not run.gone, "a run was stopped twice"
            run.gone = True
        elif isinstance(effect, ForgetDocument):
            for (document, _), (_, run) in self.runs.items():
                run.gone = run.gone or document == effect.document

    def is_wanted(self, run: Run) -> bool:
        return not run.gone and not all(run.over)

    def write(self, name: str, choice: int) -> bool:
        """Let the engine take one step for a document; False if it has nothing to do."""
        doc = self.docs.get(name)
        if doc is None or doc.run is None:
            return False
        run = doc.run
        number = run.start.document, run.start.run
        if run.pausing:
            self.hear(GenerationPaused(*number, run.pausing.pop(0)))
            return True
        if not run.busy():
            return False
        if not run.told:
            run.told = True
            self.hear(GenerationStarted(*number, 9, 5, 4, 0.5))
            return True
        dice = random.Random(choice)
        alternative = dice.choice([k for k, over in enumerate(run.over) if not over and run.written[k] < run.limit])
        if dice.random() < 0.03:
            reason = dice.choice([Reason.END, Reason.END, Reason.BUSY, Reason.ERROR])
            run.over[alternative] = True
            self.hear(GenerationEnded(*number, alternative, reason))
            return True
        tokens = dice.choice([1, 1, 1, 2])
        tokens = min(tokens, run.limit - run.written[alternative])
        run.written[alternative] += tokens
        at_limit = run.written[alternative] == run.limit
        text = dice.choice(TOKENS)
        doc.written[alternative] += text
        self.hear(TextGenerated(*number, alternative, text, tokens, -dice.random() * tokens))
        # The run may have been stopped by what it wrote; its pause is then on its way all the same.
        if at_limit and dice.random() < 0.3:
            run.pausing.append(alternative)
        elif at_limit:
            self.hear(GenerationPaused(*number, alternative))
        return True

    def hear(self, event: GenerationEvent) -> None:
        self.take(self.session.on_generation(event, self.now))

    def lose_engine(self) -> None:
        for _, run in self.runs.values():
            run.gone = True
        self.take(self.session.on_engine_lost(self.now))
        assert not self.session.live()

    def settle(self) -> None:
        """Let the engine work until it has nothing to do: then nothing may be owed, and nothing be under way."""
        dice = random.Random(0)
        for name, doc in self.docs.items():
            for _ in range(5000):
                if not self.write(name, dice.getrandbits(30)):
                    break
            else:
                pytest.fail("the engine is kept busy for ever")
            assert all(ghost.owed == 0 for ghost in doc.ghosts.values()), "a done is owed that never comes"
        assert not self.session.live()
        self.idle()

    def idle(self) -> None:
        """No work is under way for which nobody waits."""
        for name, run in self.runs.values():
            if name in self.docs and run is self.docs[name].run and self.live(name) is None:
                assert not run.busy(), "the engine writes what nobody wants"


# --- steps of a script: a name and three numbers, whose meaning depends on the state -------------------------------


def do_open(world: World, name: str, a: int, b: int, c: int) -> None:
    doc = world.docs.get(name)
    before, after = ("The quick", "", "so it is.", "Hello 👍🏽")[a % 4], ("", "", " end")[b % 3]
    if doc is not None and c % 2 and not world.forgets:
        before, after = doc.before, doc.after
    live = world.live(name) if doc else None
    if doc is None:
        doc = world.docs[name] = Doc(before, after, 0)
        world.names[len(world.names) + 1] = name
    doc.rev += 1
    doc.before, doc.after, doc.lost = before, after, False
    for ghost in doc.ghosts.values():
        ghost.left = True
    world.send(type="open", doc=name, rev=doc.rev, before=before, after=after)
    assert world.errors == []
    assert live is None or live in world.ended


def do_type(world: World, name: str, a: int, b: int, c: int) -> None:
    """Type what the ghost text says, or something else."""
    doc = world.docs[name]
    inserted = TYPED[a % len(TYPED)]
    if b % 4:
        texts = [text[len(doc.before) :] for text in doc.written if text.startswith(doc.before)]
        if texts:
            inserted = texts[b % len(texts)][: 1 + c % 4]
    before = doc.before + inserted
    world.change(
        name,
        before,
        doc.after,
        lambda rev: world.send(type="edit", doc=name, rev=rev, insert=inserted, **_length(world, before)),
    )


def do_delete(world: World, name: str, a: int, b: int, c: int) -> None:
    """Take back the latest characters, and perhaps put something in their place: the same, for one."""
    doc = world.docs[name]
    count = min(1 + a % 5, len(doc.before))
    removed = doc.before[len(doc.before) - count :]
    inserted = ("", "", removed, removed[: b % 3], TYPED[b % len(TYPED)])[c % 5]
    before = doc.before[: len(doc.before) - count] + inserted
    world.change(
        name,
        before,
        doc.after,
        lambda rev: world.send(
            type="edit", doc=name, rev=rev, delete=units(removed), insert=inserted, **_length(world, before)
        ),
    )


def _length(world: World, before: str) -> dict[str, int]:
    return {} if world.forgets else {"length": units(before)}


def do_change_after(world: World, name: str, a: int, b: int, c: int) -> None:
    doc = world.docs[name]
    count = min(a % 3, len(doc.after))
    removed, inserted = doc.after[:count], TYPED[b % len(TYPED)] if c % 3 else doc.after[:count]
    after = inserted + doc.after[count:]
    world.change(
        name,
        doc.before,
        after,
        lambda rev: world.send(type="edit", doc=name, rev=rev, delete_after=units(removed), insert_after=inserted),
    )


def do_suggest(world: World, name: str, a: int, b: int, c: int) -> None:
    options: dict[str, Any] = {"stop": list(Stop)[a % 5], "max_tokens": 1 + b % 12}
    if c % 4 == 1:
        options["quiet"] = (0.3, 0.6, 0.9)[a % 3]
    if c % 5 == 2:
        options["alternatives"] = 2 + a % 2
    if c % 7 == 3:
        options["max_time_ms"] = b % 40
    if c % 11 == 4:
        options |= {"temperature": 0.5, "seed": 1}
    world.ask(name, **options)


def do_extend(world: World, name: str, a: int, b: int, c: int) -> None:
    doc = world.docs[name]
    ghost = doc.ghosts.get(doc.newest)
    if ghost is None:
        return
    ghost.owed += 1
    ghost.narrowed = ghost.alternatives > 1
    world.send(type="extend", doc=name, id=doc.newest, stop=list(Stop)[a % 5], max_tokens=1 + b % 12)


def do_accept(world: World, name: str, a: int, b: int, c: int) -> None:
    """Take a part of what is painted."""
    doc = world.docs[name]
    ghost = doc.ghosts.get(doc.newest)
    if ghost is None or ghost.left or ghost.narrowed or doc.lost:
        return
    typed = doc.before[len(ghost.anchor) :]
    alternative = a % ghost.alternatives
    if not ghost.pieces[alternative].startswith(typed):
        return
    if not any(text.startswith(doc.before) for text in doc.written):
        return
    taken = ghost.pieces[alternative][len(typed) :][: 1 + b % 9]
    world.change(
        name,
        doc.before + taken,
        doc.after,
        lambda rev: world.send(
            type="accept", doc=name, id=doc.newest, rev=rev, length=units(taken), alternative=alternative
        ),
    )


def do_cancel(world: World, name: str, a: int, b: int, c: int) -> None:
    live = world.live(name)
    doc = world.docs[name]
    if a % 2 and doc.newest:
        doc.ghosts[doc.newest].left = True
    world.send(type=("cancel", "dismiss")[a % 2], doc=name, id=doc.newest or 1)
    assert world.live(name) is None
    assert live is None or live in world.ended


def do_wrong(world: World, name: str, a: int, b: int, c: int) -> None:
    """Something that cannot be honoured."""
    doc = world.docs[name]
    live = world.live(name)
    changing = a % 5 >= 2
    world.send(
        **(
            {"type": "suggest", "doc": name, "id": max(doc.last_id, 1), "rev": "1"},
            {"type": "edit", "doc": name, "rev": doc.rev, "insert": "x"},
            {"type": "edit", "doc": name, "rev": doc.rev + 1, "delete": 10**6},
            {"type": "edit", "doc": name, "rev": doc.rev + 1, "insert": 3},
            {"type": "accept", "doc": name, "id": doc.last_id + 1, "rev": doc.rev + 1, "length": 1},
        )[a % 5]
    )
    assert len(world.errors) == 1
    if changing:
        doc.lost = True
        doc.rev += 1
        for ghost in doc.ghosts.values():
            ghost.left = True
        assert live is None or live in world.ended


def do_stale(world: World, name: str, a: int, b: int, c: int) -> None:
    """Ask at a state of the text that is not the current one: the suggestion before it is ended all the same."""
    doc = world.docs[name]
    live = world.live(name)
    doc.last_id += 1
    world.send(type="suggest", doc=name, id=doc.last_id, rev=doc.rev + 1)
    assert [error.code for error in world.errors] == (["resync"] if doc.lost else [])
    assert live is None or live in world.ended
    assert doc.last_id in world.ended


def do_write(world: World, name: str, a: int, b: int, c: int) -> None:
    for step in range(1 + b % 4):
        world.write(name, a + 1000 * step + c)


def do_late(world: World, name: str, a: int, b: int, c: int) -> None:
    """An event of a run that is gone was on its way."""
    gone = [number for number, (_, run) in world.runs.items() if run.gone]
    if gone:
        number = gone[a % len(gone)]
        events: list[GenerationEvent] = [
            GenerationStarted(*number, 3, 1, 2, 0.0),
            TextGenerated(*number, 0, " late", 1, -0.1),
            GenerationPaused(*number, 0),
            GenerationEnded(*number, 0, Reason.END),
        ]
        assert world.session.on_generation(events[b % 4], world.now) == []


def do_wait(world: World, name: str, a: int, b: int, c: int) -> None:
    world.now += a % 30
    world.take(world.session.on_tick(world.now))
    deadline = world.session.deadline_ms
    assert deadline is None or deadline > world.now


def do_lose_engine(world: World, name: str, a: int, b: int, c: int) -> None:
    if a % 4 == 0:
        world.lose_engine()


def do_close(world: World, name: str, a: int, b: int, c: int) -> None:
    if a % 3 == 0:
        doc = world.docs[name]
        world.send(type="close", doc=name)
        assert all(ghost.owed == 0 for ghost in doc.ghosts.values())
        del world.docs[name]


STEPS = {
    "open": do_open,
    "type": do_type,
    "delete": do_delete,
    "change_after": do_change_after,
    "suggest": do_suggest,
    "extend": do_extend,
    "accept": do_accept,
    "cancel": do_cancel,
    "wrong": do_wrong,
    "stale": do_stale,
    "write": do_write,
    "late": do_late,
    "wait": do_wait,
    "lose_engine": do_lose_engine,
    "close": do_close,
}
WEIGHTS = {"type": 12, "write": 25, "suggest": 8, "extend": 4, "accept": 5, "delete": 5, "wrong": 1, "open": 2}

Step = tuple[str, str, int, int, int]


class Followed(dict[tuple[SuggestionState, SuggestionEvent], Transition]):
    """The table, and which of its rows were looked up."""

    def __init__(self) -> None:
        super().__init__(TRANSITIONS)
        self.rows: set[tuple[SuggestionState, SuggestionEvent]] = set()

    def __getitem__(self, row: tuple[SuggestionState, SuggestionEvent]) -> Transition:
        self.rows.add(row)
        return super().__getitem__(row)


def play(world: World, steps: list[Step]) -> None:
    for kind, name, a, b, c in steps:
        if name not in world.docs:
            do_open(world, name, a, b, c)
        STEPS[kind](world, name, a, b, c)
        world.idle()
    world.settle()


small = st.integers(0, 10_000)
scripts = st.lists(
    st.tuples(
        st.sampled_from([kind for kind in STEPS for _ in range(WEIGHTS.get(kind, 1))]),
        st.sampled_from(DOCS),
        small,
        small,
        small,
    ),
    max_size=60,
)


@settings(max_examples=1000)
@given(scripts, st.sampled_from(["token", "word", "final"]))
def test_every_promise_holds_with_plain_rules(steps: list[Step], delivery: str) -> None:
    play(World(PlainRules(), delivery), steps)


@settings(max_examples=200)
@given(scripts, st.sampled_from(["token", "word", "final"]))
def test_every_promise_holds_with_the_rules_of_the_server(steps: list[Step], delivery: str) -> None:
    play(World(Rules(), delivery), steps)


@settings(max_examples=300)
@given(scripts, st.sampled_from(["token", "word"]))
def test_every_promise_holds_when_old_text_is_forgotten(steps: list[Step], delivery: str) -> None:
    play(World(PlainRules(), delivery, context_units=24), steps)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("delivery", ["token", "word", "final"])
def test_every_promise_holds_over_thousands_of_steps(seed: int, delivery: str) -> None:
    dice = random.Random(f"{seed} {delivery}")
    kinds = [kind for kind in STEPS for _ in range(WEIGHTS.get(kind, 1))]
    steps = [
        (dice.choice(kinds), dice.choice(DOCS), dice.randrange(10_000), dice.randrange(10_000), dice.randrange(10_000))
        for _ in range(2000)
    ]
    play(World(PlainRules(), delivery), steps)


def test_all_that_the_table_of_states_foresees_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Followed()
    monkeypatch.setattr(ghost_text, "TRANSITIONS", table)
    for seed in range(40):
        dice = random.Random(seed)
        kinds = [kind for kind in STEPS for _ in range(WEIGHTS.get(kind, 1))]
        steps = [(dice.choice(kinds), "a", *(dice.randrange(10_000) for _ in range(3))) for _ in range(400)]
        play(World(PlainRules(), "token"), steps)
    assert set(TRANSITIONS) - table.rows == set()
