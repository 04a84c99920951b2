"""Where the secrets of a server come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from afterword.config.tokens import gather_tokens, parse_tokens


def test_a_token_file_has_one_token_a_line_and_comments() -> None:
    assert parse_tokens("\ufeff# for the office\n one \n\n#two\nthree#3\r\n") == ["one", "three#3"]


def test_tokens_of_settings_and_file_count_once(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("five\none\n")
    assert gather_tokens(["one", "", " two "], file) == ("one", "two", "five")


def test_a_token_file_without_tokens_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# none yet\n")
    with pytest.raises(ValueError, match="has no token"):
        gather_tokens(["one"], file)
