"""Which web pages are let in."""

from __future__ import annotations

import pytest

from afterword.gateway.origins import Origins


@pytest.mark.parametrize("allowed", [[], ["https://a.example"]])
def test_a_program_that_sends_no_origin_is_let_in(allowed: list[str]) -> None:
    assert Origins(allowed).allow(None, "localhost:8765")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8765", "localhost:8765"),
        ("http://localhost:5173", "localhost:8765"),
        ("https://Write.Example", "write.example"),
        ("http://[::1]:3000", "[::1]:8765"),
    ],
)
def test_by_default_pages_of_the_same_host_are_let_in(origin: str, host: str) -> None:
    assert Origins([]).allow(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "localhost:8765"),
        ("https://localhost.evil.example", "localhost:8765"),
        ("null", "localhost:8765"),
        ("file://", "localhost:8765"),
        ("", "localhost:8765"),
        ("http://[::1", "[::1]:8765"),
        ("http://localhost", None),
        ("null", None),
        ("https://evil.example", ""),
    ],
)
def test_by_default_foreign_pages_are_refused(origin: str, host: str | None) -> None:
    assert not Origins([]).allow(origin, host)


def test_a_list_replaces_the_default() -> None:
    origins = Origins(["https://write.example", "vscode-webview://*"])
    assert origins.allow("https://write.example", "localhost")
    assert origins.allow("vscode-webview://1a2b", "localhost")
    assert not origins.allow("http://localhost", "localhost")
    assert not origins.allow("https://write.example.evil.example", "localhost")
    assert not origins.allow("https://writeXexample", "localhost")


def test_a_star_lets_every_page_in() -> None:
    assert Origins(["*"]).allow("null", "localhost")


@pytest.mark.parametrize("host", ["localhost:8765", "127.0.0.1:8765", "[::1]:8765"])
def test_a_server_without_a_token_lets_in_pages_of_this_machine(host: str) -> None:
    assert Origins([], unguarded=True).allow(f"http://{host}", host)


def test_a_server_without_a_token_is_not_fooled_by_a_foreign_name_that_leads_to_this_machine() -> None:
    assert not Origins([], unguarded=True).allow("http://evil.example:8765", "evil.example:8765")
    assert Origins([], unguarded=False).allow("https://write.example", "write.example")
