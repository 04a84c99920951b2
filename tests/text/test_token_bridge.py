"""Drafts of many sessions on one engine, with an engine that does what the test says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from afterword.engine.api import Ended, EventSink, Failed, Lost, Paused, Ready, Request, Sampled, Started
from afterword.session.effects import (
    ExtendGeneration,
    ForgetDocument,
    GenerationEnded,
    GenerationPaused,
    GenerationStarted,
    Prepare,
    StartGeneration,
    StopGeneration,
    TextGenerated,
)
from afterword.text.token_bridge import TokenBridge
from afterword.text.vocabulary import Vocabulary
from afterword_protocol.messages import Reason


class ScriptedEngine:
    """Notes what it is told; the test plays its events."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    @property
    def requests(self) -> list[Request]:
        return [told[1] for told in self.told if isinstance(told[1], Request)]

    async def open(self, sink: EventSink) -> None:
        raise NotImplementedError

    def start(self, request: Request) -> None:
        self.told.append(("start", request))

    def update(self, run: int, limit_tokens: int) -> None:
        self.told.append(("update", run, limit_tokens))

    def stop(self, run: int, useful: bool = False) -> None:
        self.told.append(("stop", run, useful))

    def forget(self, document: int) -> None:
        self.told.append(("forget", document))

    async def close(self) -> None:
        raise NotImplementedError


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """Every byte is a token, and no others but the end."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = {name: identity for identity, name in enumerate(["<|endoftext|>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(names, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    path = tmp_path_factory.mktemp("bytes") / "tokenizer.json"
    tokenizer.save(str(path))
    return Vocabulary.from_file(path)


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def numbers() -> Iterator[int]:
    return count(1)


@pytest.fixture
def bridge(vocabulary: Vocabulary, engine: ScriptedEngine, numbers: Iterator[int]) -> TokenBridge:
    return TokenBridge(vocabulary, engine, 1024, numbers)


def start(draft: int, before: str, *, doc: str = "d", alternatives: int = 1, max_tokens: int = 24) -> StartGeneration:
    return StartGeneration(
        doc=doc,
        draft=draft,
        before=before,
        after="",
        preface="",
        max_tokens=max_tokens,
        alternatives=alternatives,
        temperature=0.5,
        seed=7,
    )


def sampled(vocabulary: Vocabulary, run: int, text: str | bytes, alternative: int = 0) -> list[Sampled]:
    data = text.encode() if isinstance(text, str) else text
    single = {found: token for token, found in enumerate(vocabulary.token_bytes) if found is not None}
    return [Sampled(run, alternative, single[bytes([byte])], -0.5) for byte in data]


def text_of(deliveries: Sequence[tuple[object, object]], alternative: int = 0) -> str:
    drafted = [event for _, event in deliveries if isinstance(event, TextGenerated)]
    return "".join(event.text for event in drafted if event.alternative == alternative)


class TestWishes:
    def test_a_draft_becomes_a_wish_with_the_same_number(
        self, bridge: TokenBridge, engine: ScriptedEngine, vocabulary: Vocabulary
    ) -> None:
        assert bridge.perform("s", start(5, "It is. ", alternatives=2, max_tokens=9)) == []
        (request,) = engine.requests
        assert request == Request(1, 5, [*vocabulary.start_ids, *vocabulary.encode("It is.")], b" ", 9, 2, 0.5, 7)

    def test_documents_of_different_sessions_are_different(self, bridge: TokenBridge, engine: ScriptedEngine) -> None:
        for number, (session, doc) in enumerate([("s", "d"), ("s", "e"), ("t", "d"), ("s", "d")], start=1):
            bridge.perform(session, start(number, "It", doc=doc))
        assert [request.document for request in engine.requests] == [1, 2, 3, 1]

    def test_preparing_fills_the_cache_under_a_number_of_its_own(
        self, bridge: TokenBridge, engine: ScriptedEngine, numbers: Iterator[int]
    ) -> None:
        next(numbers)
        bridge.perform("s", Prepare("d", "It is.", "", "Title"))
        (request,) = engine.requests
        assert (request.run, request.limit_tokens) == (2, 0)
        assert bridge.on_events([Started(2, 6, 0, 6, 1.0), Paused(2, 0)]) == []

    def test_raising_and_stopping_reach_the_engine(self, bridge: TokenBridge, engine: ScriptedEngine) -> None:
        bridge.perform("s", start(1, "It"))
        bridge.perform("s", ExtendGeneration("d", 1, 48))
        bridge.perform("s", StopGeneration("d", 1))
        bridge.perform("s", StopGeneration("d", 1))
        assert engine.told[1:] == [("update", 1, 48), ("stop", 1, False)]

    def test_the_engine_is_told_whether_a_stopped_text_is_useful_yet(
        self, bridge: TokenBridge, engine: ScriptedEngine
    ) -> None:
        bridge.perform("s", start(1, "It"))
        bridge.perform("s", StopGeneration("d", 1, useful=True))
        assert engine.told[-1] == ("stop", 1, True)

    def test_a_forgotten_document_is_a_new_one_when_it_comes_back(
        self, bridge: TokenBridge, engine: ScriptedEngine
    ) -> None:
        bridge.perform("s", start(1, "It"))
        bridge.perform("s", ForgetDocument("d"))
        bridge.perform("s", ForgetDocument("d"))
        bridge.perform("s", start(2, "It"))
        assert engine.told[1] == ("forget", 1)
        assert [request.document for request in engine.requests] == [1, 2]

    def test_a_session_that_leaves_takes_its_documents_along(self, bridge: TokenBridge, engine: ScriptedEngine) -> None:
        bridge.perform("s", start(1, "It", doc="d"))
        bridge.perform("s", start(2, "It", doc="e"))
        bridge.perform("t", start(3, "It", doc="d"))
        bridge.leave("s")
        assert engine.told[3:] == [("forget", 1), ("forget", 2)]
        assert bridge.on_events([Paused(1, 0), Paused(3, 0)]) == [("t", GenerationPaused(3, 0))]

    def test_prompts_fit_the_engine_once_it_says_what_it_holds(
        self, bridge: TokenBridge, engine: ScriptedEngine
    ) -> None:
        bridge.on_events([Ready("m", 128, 4, "cpu", "float32")])
        bridge.perform("s", start(1, "It is a long story. " * 50))
        assert 40 < len(engine.requests[0].tokens) <= 96


class TestEvents:
    def test_tokens_become_text_for_the_session_that_asked(self, bridge: TokenBridge, vocabulary: Vocabulary) -> None:
        bridge.perform("s", start(1, "It is."))
        bridge.perform("t", start(2, "It is."))
        events = [Started(2, 6, 4, 2, 3.0), *sampled(vocabulary, 2, " O"), *sampled(vocabulary, 1, "!"), Paused(2, 0)]
        assert bridge.on_events(events) == [
            ("t", GenerationStarted(2, 6, 4, 2, 3.0)),
            ("t", TextGenerated(2, 0, " ", 1, -0.5)),
            ("t", TextGenerated(2, 0, "O", 1, -0.5)),
            ("s", TextGenerated(1, 0, "!", 1, -0.5)),
            ("t", GenerationPaused(2, 0)),
        ]

    def test_tokens_that_repeat_what_was_typed_are_neither_shown_nor_counted(
        self, bridge: TokenBridge, vocabulary: Vocabulary, engine: ScriptedEngine
    ) -> None:
        bridge.perform("s", start(1, "It is"))
        heal = engine.requests[0].heal
        assert heal
        deliveries = bridge.on_events(sampled(vocabulary, 1, heal + b" so"))
        assert text_of(deliveries) == " so"
        assert len(deliveries) == 3

    def test_half_characters_count_but_are_not_shown(self, bridge: TokenBridge, vocabulary: Vocabulary) -> None:
        bridge.perform("s", start(1, "It is."))
        deliveries = bridge.on_events(sampled(vocabulary, 1, "é"))
        assert deliveries == [("s", TextGenerated(1, 0, "", 1, -0.5)), ("s", TextGenerated(1, 0, "é", 1, -0.5))]

    def test_what_was_held_back_comes_before_the_end(self, bridge: TokenBridge, vocabulary: Vocabulary) -> None:
        bridge.perform("s", start(1, "It is."))
        assert text_of(bridge.on_events(sampled(vocabulary, 1, "👍"))) == ""
        assert bridge.on_events([Ended(1, 0, "end")]) == [
            ("s", TextGenerated(1, 0, "👍", 0, 0.0)),
            ("s", GenerationEnded(1, 0, Reason.END)),
        ]

    @pytest.mark.parametrize(
        ("reason", "said"), [("end", Reason.END), ("busy", Reason.BUSY), ("error", Reason.ERROR), ("?", Reason.ERROR)]
    )
    def test_an_end_says_why(self, bridge: TokenBridge, reason: str, said: Reason) -> None:
        bridge.perform("s", start(1, "It is."))
        assert bridge.on_events([Ended(1, 0, reason)]) == [("s", GenerationEnded(1, 0, said))]
        assert bridge.on_events([Ended(1, 0, reason)]) == []

    def test_alternatives_are_joined_each_for_itself(self, bridge: TokenBridge, vocabulary: Vocabulary) -> None:
        bridge.perform("s", start(1, "It is.", alternatives=2))
        one, other = sampled(vocabulary, 1, "né", 0), sampled(vocabulary, 1, "ça", 1)
        deliveries = bridge.on_events([event for pair in zip(one, other, strict=True) for event in pair])
        assert (text_of(deliveries, 0), text_of(deliveries, 1)) == ("né", "ça")
        assert bridge.on_events([Ended(1, 0, "end"), Paused(1, 1)]) == [
            ("s", GenerationEnded(1, 0, Reason.END)),
            ("s", GenerationPaused(1, 1)),
        ]

    def test_bytes_that_are_no_text_end_a_draft_and_its_run(
        self, bridge: TokenBridge, vocabulary: Vocabulary, engine: ScriptedEngine
    ) -> None:
        bridge.perform("s", start(1, "It is.", alternatives=2))
        deliveries = bridge.on_events(sampled(vocabulary, 1, b"a\xff\xff", 0))
        assert deliveries[-1] == ("s", GenerationEnded(1, 0, Reason.END))
        assert ("stop", 1, False) not in engine.told
        bridge.on_events(sampled(vocabulary, 1, b"\xff", 1))
        assert engine.told[-1] == ("stop", 1, False)

    @pytest.mark.parametrize("ending", ["stop", "forget", "replace", "prepare", "lost"])
    def test_a_draft_that_is_over_is_not_heard_of_again(
        self, ending: str, bridge: TokenBridge, vocabulary: Vocabulary
    ) -> None:
        bridge.perform("s", start(1, "It is."))
        if ending == "lost":
            assert bridge.on_events([Lost("killed")]) == []
        else:
            commands = {
                "stop": StopGeneration("d", 1),
                "forget": ForgetDocument("d"),
                "replace": start(2, "It is not."),
                "prepare": Prepare("d", "Other", "", ""),
            }
            bridge.perform("s", commands[ending])
        late = [Started(1, 6, 0, 6, 1.0), *sampled(vocabulary, 1, "no"), Paused(1, 0), Ended(1, 0, "end")]
        assert bridge.on_events(late) == []

    def test_raising_a_draft_that_is_no_more_is_answered(self, bridge: TokenBridge) -> None:
        assert bridge.perform("s", ExtendGeneration("d", 9, 48)) == [("s", GenerationEnded(9, 0, Reason.ERROR))]

    def test_after_the_engine_was_lost_documents_are_given_again(
        self, bridge: TokenBridge, engine: ScriptedEngine, vocabulary: Vocabulary
    ) -> None:
        bridge.perform("s", start(1, "It is."))
        bridge.on_events([Lost("killed"), Ready("m", 1024, 4, "cpu", "float32")])
        bridge.perform("s", start(2, "It is."))
        assert engine.requests[1].tokens == engine.requests[0].tokens
        assert text_of(bridge.on_events(sampled(vocabulary, 2, " so"))) == " so"

    def test_an_engine_that_cannot_start_fails_every_draft(self, bridge: TokenBridge, engine: ScriptedEngine) -> None:
        bridge.perform("s", start(1, "It is."))
        assert bridge.on_events([Failed("no model")]) == [("s", GenerationEnded(1, 0, Reason.ERROR))]
        refused = bridge.perform("s", start(2, "It is.", alternatives=2))
        assert refused == [("s", GenerationEnded(2, 0, Reason.ERROR)), ("s", GenerationEnded(2, 1, Reason.ERROR))]
        assert len(engine.requests) == 1


@pytest.mark.model
def test_a_story_typed_key_by_key_is_drafted_in_the_words_of_the_builtin_model(
    builtin_model_folder: Path, engine: ScriptedEngine, numbers: Iterator[int]
) -> None:
    vocabulary = Vocabulary.from_folder(builtin_model_folder)
    bridge = TokenBridge(vocabulary, engine, 8192, numbers)
    story = "The quick brown fox — unbelievably — jumps over 12 lazy dogs, didn't it? 👍🏽 Größe, да."
    for length in range(len(story)):
        number = next(numbers)
        bridge.perform("s", start(number, story[:length]))
        request = engine.requests[-1]
        spelled = vocabulary.spell(request.tokens) + request.heal
        assert spelled == story[:length].encode()
        rest = story.encode()[len(spelled) - len(request.heal) :].decode()
        events = [Sampled(number, 0, token, -0.5) for token in vocabulary.encode(rest)]
        deliveries = bridge.on_events([*events, Ended(number, 0, "end")])
        assert text_of(deliveries) == story[length:]
        assert deliveries[-1] == ("s", GenerationEnded(number, 0, Reason.END))
