"""Tokens, and the refusal to stand open to other machines."""

from __future__ import annotations

import pytest

from afterword.gateway.auth import InsecureBindError, Tokens, is_loopback, require_tokens


def test_without_tokens_everybody_is_let_in() -> None:
    assert Tokens([]).accept(None)
    assert Tokens([]).accept("anything")


@pytest.mark.parametrize("token", [None, "", "secre", "secret ", "SECRET", "\ud800", "sécret"])
def test_a_wrong_or_missing_token_is_refused(token: str | None) -> None:
    assert not Tokens(["secret", "other"]).accept(token)


@pytest.mark.parametrize("token", ["secret", "other", "schlüssel"])
def test_each_of_many_tokens_is_let_in(token: str) -> None:
    assert Tokens(["secret", "other", "schlüssel"]).accept(token)


def test_a_token_shows_up_in_no_dump() -> None:
    assert "secret" not in repr(vars(Tokens(["secret"])))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    require_tokens(host, [])


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.1.2", "example.org", "127.example.org"])
def test_beyond_loopback_a_token_is_required_and_the_message_says_what_to_do(host: str) -> None:
    assert not is_loopback(host)
    require_tokens(host, ["secret"])
    with pytest.raises(InsecureBindError, match="AFTERWORD_TOKEN") as refusal:
        require_tokens(host, [])
    assert "127.0.0.1" in str(refusal.value)
