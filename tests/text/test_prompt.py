"""A prompt holds the text that the model should see, stays put while a word is typed, and moves in strides."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from afterword.text.prompt import MAX_HEAL_CHARACTERS, Prompt, PromptTokens
from afterword.text.vocabulary import Vocabulary

from .conftest import CORPUS, KINDS

ROOM_TOKENS = 200


def spelled(vocabulary: Vocabulary, prompt: Prompt) -> str:
    """The text that a prompt and what is to be repeated after it amount to."""
    tokens = prompt.tokens[len(vocabulary.start_ids) :]
    return (vocabulary.spell(tokens) + prompt.heal).decode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_prompt_and_heal_spell_the_window_whatever_is_typed(
    kind: str, seed: int, vocabularies: dict[str, Vocabulary]
) -> None:
    vocabulary = vocabularies[kind]
    chance = random.Random(seed)
    prompts = PromptTokens(vocabulary, ROOM_TOKENS)
    text = preface = ""
    for _ in range(1500):
        if chance.random() < 0.05:
            text = text[: -chance.randint(1, 60)]
        if chance.random() < 0.01:
            text = text[chance.randint(0, len(text)) :]
        if chance.random() < 0.02:
            begin = chance.randrange(len(CORPUS))
            text += CORPUS[begin : begin + chance.choice([5, 50, 3000])]
        if chance.random() < 0.01:
            preface = chance.choice(["", "A title", CORPUS])
        text += chance.choice(CORPUS)
        prompt = prompts.update(text, preface)
        assert tuple(prompt.tokens[: len(vocabulary.start_ids)]) == vocabulary.start_ids
        assert len(prompt.tokens) <= ROOM_TOKENS
        window = text[prompt.start :]
        body = spelled(vocabulary, prompt).encode()
        expected = vocabulary.written(window)  # composed, where the tokenizer composes
        if preface == "":
            assert body in (expected, b" " + expected)
        else:
            assert body.endswith(b"\n\n" + expected)
            assert b"A title" in body or preface == CORPUS
        assert len(prompt.heal) <= 4 * MAX_HEAL_CHARACTERS
        prompt.heal.decode()
        if len(text) > 2000:
            assert len(prompt.tokens) > ROOM_TOKENS // 3, "the window is well used"


def test_the_prompt_of_an_empty_document_is_the_start(vocabulary: Vocabulary) -> None:
    prompt = PromptTokens(vocabulary, ROOM_TOKENS).update("")
    assert prompt == Prompt(list(vocabulary.start_ids), b"", 0)


SENTENCE = "The lazy dog said that the quick brown fox jumps over it, unbelievably"


def test_typing_never_takes_back_the_tokens_before_the_word(vocabulary: Vocabulary) -> None:
    prompts = PromptTokens(vocabulary, ROOM_TOKENS)
    before_word: list[int] = []
    for length in range(len(SENTENCE) + 1):
        prompt = prompts.update(SENTENCE[:length])
        assert prompt.tokens[: len(before_word)] == before_word
        if SENTENCE[:length].endswith(" "):
            before_word = prompt.tokens


@pytest.mark.model
def test_typing_a_word_leaves_the_prompt_as_it_is(builtin_model_folder: Path) -> None:
    prompts = PromptTokens(Vocabulary.from_folder(builtin_model_folder), ROOM_TOKENS)
    before_word = prompts.update("").tokens
    for length in range(1, len(SENTENCE) + 1):
        prompt = prompts.update(SENTENCE[:length])
        if SENTENCE[:length].endswith((" ", ",")):
            assert prompt.tokens[: len(before_word)] == before_word
            before_word = prompt.tokens
        else:
            assert prompt.tokens == before_word
            assert SENTENCE[:length].encode().endswith(prompt.heal)


def test_the_prompt_before_a_new_paragraph_is_the_one_its_first_word_goes_on_from(vocabulary: Vocabulary) -> None:
    prompts = PromptTokens(vocabulary, ROOM_TOKENS)
    text = "The end of the story.\n\n"
    before = prompts.update(text)
    assert before.heal == b""
    word = prompts.update(text + "The")
    after = prompts.update(text + "The end ")
    assert word.tokens == before.tokens == after.tokens[: len(before.tokens)]


class TestWindow:
    def test_it_moves_rarely_and_starts_at_a_word(self, vocabulary: Vocabulary) -> None:
        prompts = PromptTokens(vocabulary, ROOM_TOKENS)
        text = "The quick brown fox jumps over the lazy dog and the story goes on. " * 60
        starts = []
        kept = 0
        previous: list[int] = []
        for length in range(1, len(text)):
            prompt = prompts.update(text[:length])
            starts.append(prompt.start)
            kept += prompt.tokens[: len(previous) - 4] == previous[:-4]
            previous = prompt.tokens
        moves = [start for start, before in zip(starts[1:], starts, strict=False) if start != before]
        tokens = len(vocabulary.encode(text))
        assert 2 < len(moves) <= tokens / (ROOM_TOKENS / 5)
        assert moves == sorted(moves)
        assert all(text[start - 1] == " " for start in moves)
        assert kept / len(text) > 0.98

    def test_it_prefers_to_start_with_a_paragraph(self, vocabularies: dict[str, Vocabulary]) -> None:
        text = "One two three four.\n" * 200
        prompt = PromptTokens(vocabularies["gpt2"], ROOM_TOKENS).update(text)
        assert text[prompt.start - 1] == "\n"

    def test_the_preface_stays_in_front_of_it(self, vocabularies: dict[str, Vocabulary]) -> None:
        vocabulary = vocabularies["gpt2"]
        prompts = PromptTokens(vocabulary, ROOM_TOKENS)
        for length in range(0, 6000, 7):
            prompt = prompts.update((CORPUS * 6)[:length], "The story of a fox")
            assert spelled(vocabulary, prompt).startswith("The story of a fox\n\n")

    def test_a_preface_takes_half_of_it_at_most(self, vocabularies: dict[str, Vocabulary]) -> None:
        vocabulary = vocabularies["gpt2"]
        text = "The quick brown fox jumps over the lazy dog. " * 100
        prompt = PromptTokens(vocabulary, ROOM_TOKENS).update(text, CORPUS * 30)
        window = text[prompt.start :]
        assert len(vocabulary.encode(window)) > ROOM_TOKENS / 3
        head = spelled(vocabulary, prompt).removesuffix("\n\n" + window)
        assert CORPUS.startswith(head)
        assert len(vocabulary.encode(head)) > ROOM_TOKENS / 3

    def test_it_goes_back_when_much_is_deleted(self, vocabularies: dict[str, Vocabulary]) -> None:
        prompts = PromptTokens(vocabularies["gpt2"], ROOM_TOKENS)
        text = "The quick brown fox jumps over the lazy dog. " * 100
        far = prompts.update(text).start
        near = prompts.update(text[: far + 10])
        assert near.start < far
        assert len(near.tokens) > ROOM_TOKENS / 2

    def test_it_is_found_again_when_the_beginning_of_the_document_is_dropped(
        self, vocabularies: dict[str, Vocabulary]
    ) -> None:
        prompts = PromptTokens(vocabularies["gpt2"], ROOM_TOKENS)
        text = "".join(f"Line {number} of the text, which differs. " for number in range(200))
        first = prompts.update(text)
        second = prompts.update(text[1000:])
        assert second.tokens == first.tokens
        assert second.start == first.start - 1000

    def test_a_long_text_is_not_tokenised_whole(self, vocabularies: dict[str, Vocabulary]) -> None:
        prompts = PromptTokens(vocabularies["gpt2"], ROOM_TOKENS)
        prompts.update(CORPUS * 100)
        assert prompts.incremental.encoded_characters < 5000

    def test_a_room_without_room_is_refused(self, vocabularies: dict[str, Vocabulary]) -> None:
        with pytest.raises(ValueError, match="too short"):
            PromptTokens(vocabularies["gpt2"], 5)


HEALED = [
    ("The quick", " quick"),
    ("The quick ", " "),
    ("The quick  ", " "),
    ("The end.", ""),
    ("The end,", ""),
    ('"The', "The"),
    ("The dog didn't", " didn't"),
    ("The dog didn'", " didn'"),
    ("The end\n", ""),
    ("The end\n\n", ""),
    ("The end\nThe", "The"),
    ("over the end 👨‍👩‍👧", ""),
    ("the end ❤️", ""),
    ("the end 1️⃣", ""),
    ("the fox-dog", "dog"),
    ("\tThe", "The"),
    ("the end\u00a0", ""),
]


@pytest.mark.parametrize(("text", "heal"), HEALED)
def test_what_is_typed_of_the_last_word_is_to_be_repeated(
    text: str, heal: str, vocabularies: dict[str, Vocabulary]
) -> None:
    prompt = PromptTokens(vocabularies["gpt2"], ROOM_TOKENS).update(text)
    assert prompt.heal.decode() == heal


def test_the_space_that_a_tokenizer_puts_before_the_first_word_is_repeated_with_it(
    vocabularies: dict[str, Vocabulary],
) -> None:
    assert PromptTokens(vocabularies["llama2"], ROOM_TOKENS).update("The").heal == b" The"
    assert PromptTokens(vocabularies["gemma"], ROOM_TOKENS).update("The").heal == b"The"


def test_a_word_of_many_tokens_is_repeated_only_as_far_as_its_last_few(vocabularies: dict[str, Vocabulary]) -> None:
    vocabulary = vocabularies["gpt2"]
    prompts = PromptTokens(vocabulary, ROOM_TOKENS)
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk"
    for length in range(len(word) + 1):
        prompt = prompts.update("Der " + word[:length])
        assert len(vocabulary.encode(prompt.heal.decode())) <= 3
        assert spelled(vocabulary, prompt) == "Der " + word[:length]


def test_the_last_token_of_chinese_is_repeated_only_if_a_longer_one_begins_with_it(
    vocabularies: dict[str, Vocabulary],
) -> None:
    vocabulary = vocabularies["gemma"]
    for text in ("我喜欢吃苹", "我喜欢吃苹果", "今天天", "ฉันชอบ"):
        heal = PromptTokens(vocabulary, ROOM_TOKENS).update(text).heal
        assert heal == b"" or vocabulary.extends(heal)
        assert text.encode().endswith(heal)
