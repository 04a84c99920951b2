"""The vocabulary gives each token its bytes, whatever kind of tokenizer it comes from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models

from afterword.text.vocabulary import Vocabulary, VocabularyError

TEXTS = [
    "The quick brown fox",
    " leading and trailing ",
    "line\n\n  indented\r\n\ttab",
    "Größe café naïve — “quotes”…",
    "我喜欢吃苹果。ありがとう 안녕하세요",
    "ฉันชอบกินแอปเปิล नमस्ते السلام",
    "👨‍👩‍👧 👍🏽 🇩🇪 \x00\x1b",
    "<|im_end|> </s> <s> <tool_call> <0x0A>",
]


def spelled(vocabulary: Vocabulary, text: str) -> bytes:
    return b"".join(vocabulary.token_bytes[token] or b"?" for token in vocabulary.encode(text))


@pytest.mark.parametrize("text", TEXTS)
def test_the_bytes_of_a_texts_tokens_are_the_texts(vocabulary: Vocabulary, text: str) -> None:
    expected = vocabulary.written(text)
    assert spelled(vocabulary, text) in (expected, b" " + expected)


def test_names_of_control_tokens_are_plain_text_when_a_writer_types_them(vocabulary: Vocabulary) -> None:
    tokens = vocabulary.encode("a <|endoftext|><|im_end|></s><s><tool_call> b")
    assert vocabulary.banned_ids.isdisjoint(tokens)
    assert vocabulary.eos_ids.isdisjoint(tokens)


def test_control_tokens_have_no_bytes_and_all_others_have(vocabulary: Vocabulary) -> None:
    without = {token for token, data in enumerate(vocabulary.token_bytes) if data is None}
    assert without == vocabulary.banned_ids | vocabulary.eos_ids
    assert len(vocabulary.token_bytes) == vocabulary.size


def test_each_single_byte_can_be_spelled(vocabulary: Vocabulary) -> None:
    single = {data for data in vocabulary.token_bytes if data is not None and len(data) == 1}
    assert single == {bytes([byte]) for byte in range(256)}


def test_ends_and_starts_follow_the_tokenizer(vocabularies: dict[str, Vocabulary]) -> None:
    assert vocabularies["gpt2"].eos_ids == {0, 2}
    assert vocabularies["gpt2"].start_ids == (0,)
    assert vocabularies["llama2"].eos_ids == {2}
    assert vocabularies["llama2"].start_ids == (1,)


def test_runs_of_spaces_added_as_tokens_are_text(vocabularies: dict[str, Vocabulary]) -> None:
    vocabulary = vocabularies["neox"]
    assert b"    " in [vocabulary.token_bytes[token] for token in vocabulary.encode("    x")]


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path, tokenizer_files: dict[str, Path]) -> Path:
        shutil.copy(tokenizer_files["gpt2"], tmp_path / "tokenizer.json")
        return tmp_path

    def test_ends_come_from_every_configuration_file(self, folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps({"eos_token_id": 5, "vocab_size": 2000}))
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [6, 7]}))
        vocabulary = Vocabulary.from_folder(folder)
        assert vocabulary.eos_ids == {0, 2, 5, 6, 7}
        assert vocabulary.size == len(vocabulary.token_bytes) == 2000
        assert set(range(1900, 2000)) <= vocabulary.banned_ids

    def test_a_beginning_is_added_where_the_model_has_that_convention(self, folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps({"bos_token_id": 1}))
        (folder / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": True}))
        assert Vocabulary.from_folder(folder).start_ids == (1,)

    def test_the_configuration_of_a_models_text_part_is_read(self, folder: Path) -> None:
        config = {"text_config": {"eos_token_id": 8, "vocab_size": 1500}}
        (folder / "config.json").write_text(json.dumps(config))
        vocabulary = Vocabulary.from_folder(folder)
        assert 8 in vocabulary.eos_ids
        assert vocabulary.size == 1500


def test_a_tokenizer_whose_tokens_are_not_bytes_is_refused(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(VocabularyError, match="decoder is WordPiece"):
        Vocabulary.from_folder(tmp_path)


def test_a_damaged_or_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"tokenizer\.json"):
        Vocabulary.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(VocabularyError, match=r"tokenizer\.json"):
        Vocabulary.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {}}')
    with pytest.raises(VocabularyError):
        Vocabulary.from_folder(tmp_path)
