"""Commands of many sessions as an engine gets them, and what they hear of its events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from afterword.engine.api import Ended, Forget, Paused, RaiseLimit, Request, RunEvent, Sampled, Started, StopRun
from afterword.session.effects import (
    ExtendGeneration,
    ForgetDocument,
    GenerationEnded,
    GenerationEvent,
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
def bridge(vocabulary: Vocabulary) -> TokenBridge[str]:
    return TokenBridge(vocabulary)


def start(run: int, before: str, *, document: int = 1, alternatives: int = 1, max_tokens: int = 24) -> StartGeneration:
    return StartGeneration(
        document=document,
        run=run,
        before=before,
        after="",
        preface="",
        max_tokens=max_tokens,
        alternatives=alternatives,
        temperature=0.5,
        seed=7,
    )


def requested(bridge: TokenBridge[str], command: StartGeneration | Prepare, connection: str = "s") -> Request:
    """What the engine is asked for when a session of this connection gives a command."""
    request = bridge.to_engine(connection, f"owner {connection}", command)
    assert isinstance(request, Request)
    return request


def events_for(bridge: TokenBridge[str], *events: RunEvent) -> list[tuple[str | None, GenerationEvent]]:
    """What each connection is told of events, none of which the engine is to be told more about."""
    told = []
    for event in events:
        connection = bridge.waiting_for(event)
        found, command = bridge.to_session(event)
        assert command is None
        told += [(connection, each) for each in found]
    return told


def sampled(
    vocabulary: Vocabulary, run: int, text: str | bytes, alternative: int = 0, *, document: int = 1
) -> list[Sampled]:
    data = text.encode() if isinstance(text, str) else text
    single = {found: token for token, found in enumerate(vocabulary.token_bytes) if found is not None}
    return [Sampled("w", document, run, alternative, single[bytes([byte])], -0.5) for byte in data]


def text_of(told: Sequence[tuple[object, object]], alternative: int = 0) -> str:
    generated = [event for _, event in told if isinstance(event, TextGenerated)]
    return "".join(event.text for event in generated if event.alternative == alternative)


class TestCommands:
    def test_a_start_becomes_a_request_that_names_the_same_document_and_run(
        self, bridge: TokenBridge[str], vocabulary: Vocabulary
    ) -> None:
        command = start(5, "It is. ", document=3, alternatives=2, max_tokens=9)
        tokens = [*vocabulary.start_ids, *vocabulary.encode("It is.")]
        assert requested(bridge, command) == Request("owner s", 3, 5, tokens, b" ", 9, 2, 0.5, 7)

    def test_preparing_asks_for_no_text_and_nobody_is_told_of_it(self, bridge: TokenBridge[str]) -> None:
        assert requested(bridge, Prepare(1, 2, "It is.", "", "Title")).limit_tokens == 0
        assert events_for(bridge, Started("w", 1, 2, 6, 0, 6, 1.0), Paused("w", 1, 2, 0)) == []

    def test_raising_and_stopping_reach_the_engine_while_the_run_lasts(self, bridge: TokenBridge[str]) -> None:
        requested(bridge, start(1, "It"))
        assert bridge.to_engine("s", "w", ExtendGeneration(1, 1, 48)) == RaiseLimit("w", 1, 1, 48)
        assert bridge.to_engine("s", "w", StopGeneration(1, 1)) == StopRun("w", 1, 1)
        assert bridge.to_engine("s", "w", StopGeneration(1, 1)) is None
        assert bridge.to_engine("s", "w", ExtendGeneration(1, 1, 64)) is None

    def test_the_engine_is_told_whether_a_stopped_text_is_useful_yet(self, bridge: TokenBridge[str]) -> None:
        requested(bridge, start(1, "It"))
        assert bridge.to_engine("s", "w", StopGeneration(1, 1, useful=True)) == StopRun("w", 1, 1, useful=True)

    def test_a_document_is_forgotten_once(self, bridge: TokenBridge[str]) -> None:
        requested(bridge, start(1, "It"))
        assert bridge.to_engine("s", "w", ForgetDocument(1)) == Forget("w", 1)
        assert bridge.to_engine("s", "w", ForgetDocument(1)) is None

    def test_a_connection_that_leaves_takes_its_documents_along(self, bridge: TokenBridge[str]) -> None:
        requested(bridge, start(1, "It", document=1))
        requested(bridge, start(1, "It", document=2))
        requested(bridge, start(1, "It", document=3), connection="t")
        assert bridge.leave("s") == [Forget("owner s", 1), Forget("owner s", 2)]
        told = events_for(bridge, Paused("w", 1, 1, 0), Paused("w", 3, 1, 0))
        assert told == [("t", GenerationPaused(3, 1, 0))]

    def test_prompts_fit_the_engine_once_it_says_what_it_holds(self, bridge: TokenBridge[str]) -> None:
        bridge.set_context(128)
        assert 40 < len(requested(bridge, start(1, "It is a long story. " * 50)).tokens) <= 96


class TestEvents:
    def test_tokens_become_text_for_the_connection_that_asked(
        self, bridge: TokenBridge[str], vocabulary: Vocabulary
    ) -> None:
        requested(bridge, start(1, "It is.", document=1))
        requested(bridge, start(1, "It is.", document=2), connection="t")
        events = [
            Started("w", 2, 1, 6, 4, 2, 3.0),
            *sampled(vocabulary, 1, " O", document=2),
            *sampled(vocabulary, 1, "!", document=1),
            Paused("w", 2, 1, 0),
        ]
        assert events_for(bridge, *events) == [
            ("t", GenerationStarted(2, 1, 6, 4, 2, 3.0)),
            ("t", TextGenerated(2, 1, 0, " ", 1, -0.5)),
            ("t", TextGenerated(2, 1, 0, "O", 1, -0.5)),
            ("s", TextGenerated(1, 1, 0, "!", 1, -0.5)),
            ("t", GenerationPaused(2, 1, 0)),
        ]

    def test_tokens_that_repeat_what_was_typed_are_neither_shown_nor_counted(
        self, bridge: TokenBridge[str], vocabulary: Vocabulary
    ) -> None:
        heal = requested(bridge, start(1, "It is")).heal
        assert heal
        told = events_for(bridge, *sampled(vocabulary, 1, heal + b" so"))
        assert text_of(told) == " so"
        assert len(told) == 3

    def test_half_characters_count_but_are_not_shown(self, bridge: TokenBridge[str], vocabulary: Vocabulary) -> None:
        requested(bridge, start(1, "It is."))
        told = events_for(bridge, *sampled(vocabulary, 1, "é"))
        assert told == [("s", TextGenerated(1, 1, 0, "", 1, -0.5)), ("s", TextGenerated(1, 1, 0, "é", 1, -0.5))]

    def test_what_was_held_back_comes_before_the_end(self, bridge: TokenBridge[str], vocabulary: Vocabulary) -> None:
        requested(bridge, start(1, "It is."))
        assert text_of(events_for(bridge, *sampled(vocabulary, 1, "👍"))) == ""
        assert events_for(bridge, Ended("w", 1, 1, 0, "end")) == [
            ("s", TextGenerated(1, 1, 0, "👍", 0, 0.0)),
            ("s", GenerationEnded(1, 1, 0, Reason.END)),
        ]

    @pytest.mark.parametrize(
        ("reason", "said"), [("end", Reason.END), ("busy", Reason.BUSY), ("error", Reason.ERROR), ("?", Reason.ERROR)]
    )
    def test_an_end_says_why(self, bridge: TokenBridge[str], reason: str, said: Reason) -> None:
        requested(bridge, start(1, "It is."))
        assert events_for(bridge, Ended("w", 1, 1, 0, reason)) == [("s", GenerationEnded(1, 1, 0, said))]
        assert events_for(bridge, Ended("w", 1, 1, 0, reason)) == []

    def test_alternatives_are_joined_each_for_itself(self, bridge: TokenBridge[str], vocabulary: Vocabulary) -> None:
        requested(bridge, start(1, "It is.", alternatives=2))
        one, other = sampled(vocabulary, 1, "né", 0), sampled(vocabulary, 1, "ça", 1)
        told = events_for(bridge, *[event for pair in zip(one, other, strict=True) for event in pair])
        assert (text_of(told, 0), text_of(told, 1)) == ("né", "ça")
        assert events_for(bridge, Ended("w", 1, 1, 0, "end"), Paused("w", 1, 1, 1)) == [
            ("s", GenerationEnded(1, 1, 0, Reason.END)),
            ("s", GenerationPaused(1, 1, 1)),
        ]

    def test_bytes_that_are_no_text_end_an_alternative_and_the_last_such_end_stops_the_run(
        self, bridge: TokenBridge[str], vocabulary: Vocabulary
    ) -> None:
        requested(bridge, start(1, "It is.", alternatives=2))
        told = events_for(bridge, *sampled(vocabulary, 1, b"a\xff\xff", 0))
        assert told[-1] == ("s", GenerationEnded(1, 1, 0, Reason.END))
        (last,) = sampled(vocabulary, 1, b"\xff", 1)
        found, command = bridge.to_session(last)
        assert found[-1] == GenerationEnded(1, 1, 1, Reason.END)
        assert command == StopRun("owner s", 1, 1)

    @pytest.mark.parametrize("ending", ["stop", "forget", "replace", "prepare", "lost", "leave"])
    def test_a_run_that_is_over_is_not_heard_of_again(
        self, ending: str, bridge: TokenBridge[str], vocabulary: Vocabulary
    ) -> None:
        requested(bridge, start(1, "It is."))
        if ending == "lost":
            bridge.lose_runs()
        elif ending == "leave":
            bridge.leave("s")
        else:
            commands = {
                "stop": StopGeneration(1, 1),
                "forget": ForgetDocument(1),
                "replace": start(2, "It is not."),
                "prepare": Prepare(1, 2, "Other", "", ""),
            }
            assert bridge.to_engine("s", "w", commands[ending]) is not None
        names = ("w", 1, 1)
        late = [
            Started(*names, 6, 0, 6, 1.0),
            *sampled(vocabulary, 1, "no"),
            Paused(*names, 0),
            Ended(*names, 0, "end"),
        ]
        assert events_for(bridge, *late) == []

    def test_after_the_engine_was_lost_documents_are_given_again(
        self, bridge: TokenBridge[str], vocabulary: Vocabulary
    ) -> None:
        first = requested(bridge, start(1, "It is."))
        bridge.lose_runs()
        again = requested(bridge, start(2, "It is."))
        assert again.tokens == first.tokens
        assert text_of(events_for(bridge, *sampled(vocabulary, 2, " so"))) == " so"


@pytest.mark.model
def test_a_story_typed_key_by_key_is_continued_in_the_words_of_the_builtin_model(builtin_model_folder: Path) -> None:
    vocabulary = Vocabulary.from_folder(builtin_model_folder)
    bridge: TokenBridge[str] = TokenBridge(vocabulary)
    story = "The quick brown fox — unbelievably — jumps over 12 lazy dogs, didn't it? 👍🏽 Größe, да."
    for run in range(len(story)):
        request = requested(bridge, start(run, story[:run]))
        spelled = vocabulary.spell(request.tokens) + request.heal
        assert spelled == story[:run].encode()
        rest = story.encode()[len(spelled) - len(request.heal) :].decode()
        events = [Sampled("w", 1, run, 0, token, -0.5) for token in vocabulary.encode(rest)]
        told = events_for(bridge, *events, Ended("w", 1, run, 0, "end"))
        assert text_of(told) == story[run:]
        assert told[-1] == ("s", GenerationEnded(1, run, 0, Reason.END))
