"""Which value of a setting counts, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from afterword.config.load import load
from afterword.config.settings import GROUP_OF, RENAMED, Settings, SettingsError
from afterword.config.tokens import with_all_tokens


def test_a_flag_wins_over_a_variable_over_a_file_over_the_default(
    nothing_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().server.port == 8765
    (nothing_set / "afterword.toml").write_text("port = 1001\ncache_mb = 7\n")
    assert load().server.port == 1001
    monkeypatch.setenv("AFTERWORD_PORT", "1002")
    assert load().server.port == 1002
    assert load({"port": "1003"}).server.port == 1003
    assert load({"port": None}).server.port == 1002, "a flag that was not given does not count"
    assert load().model.cache_mb == 7


def test_files_are_looked_for_in_order(nothing_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, port: int) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"port = {port}\n")
        return path

    write(tmp_path / "user" / "afterword.toml", 1)
    assert load().server.port == 1
    write(nothing_set / "afterword.toml", 2)
    assert load().server.port == 2
    monkeypatch.setenv("AFTERWORD_CONFIG", str(write(tmp_path / "variable.toml", 3)))
    assert load().server.port == 3
    assert load(config=write(tmp_path / "named.toml", 4)).server.port == 4


def test_lists_are_parted_by_commas_in_flags_and_variables(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load({"origins": "https://a.example, https://*.b.example,"}).server.origins == (
        "https://a.example",
        "https://*.b.example",
    )
    monkeypatch.setenv("AFTERWORD_ORIGINS", "https://c.example")
    assert load().server.origins == ("https://c.example",)
    monkeypatch.delenv("AFTERWORD_ORIGINS")
    (nothing_set / "afterword.toml").write_text('origins = ["https://d.example", "https://e.example"]\n')
    assert load().server.origins == ("https://d.example", "https://e.example")


def test_every_wrong_value_gets_a_line_with_its_source_and_what_is_allowed(
    nothing_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nothing_set / "afterword.toml").write_text('dtype = "int3"\nprot = 9\nheartbeat_ms = inf\n')
    monkeypatch.setenv("AFTERWORD_CACHE_MB", "lots")
    with pytest.raises(SettingsError) as caught:
        load({"port": "99999"})
    assert sorted(str(caught.value).splitlines()) == [
        "afterword.toml: there is no setting 'prot'; did you mean 'port'?",
        "setting cache_mb, from AFTERWORD_CACHE_MB: 'lots' is not allowed; it must be a whole number, 1 or more",
        "setting dtype, from afterword.toml: 'int3' is not allowed; "
        "it must be one of auto, int8, float32, bfloat16, float16",
        "setting heartbeat_ms, from afterword.toml: inf is not allowed; it must be a number from 100 to 86400000",
        "setting port, from --port: '99999' is not allowed; it must be a whole number from 0 to 65535",
    ]


def test_a_wrong_secret_is_not_repeated(nothing_set: Path) -> None:
    (nothing_set / "afterword.toml").write_text("tokens = [4711]\n")
    with pytest.raises(SettingsError) as caught:
        load()
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), ("port = ", "is not valid TOML"), (b"\xff\xfe", "is not valid TOML")],
)
def test_a_settings_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | bytes | None, said: str) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError, match=rf"mine\.toml {said}"):
        load(config=path)


def test_tokens_come_from_variables_and_files_and_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").write_text("# one per line\nsecret-four\n")
    monkeypatch.setenv("AFTERWORD_TOKEN", "secret-three")
    monkeypatch.setenv("AFTERWORD_TOKENS", "secret-one,secret-two")
    monkeypatch.setenv("AFTERWORD_TOKEN_FILE", str(tmp_path / "secrets"))
    settings = with_all_tokens(load())
    assert settings.server.tokens == ("secret-one", "secret-two", "secret-three", "secret-four")
    assert not [secret for secret in settings.server.tokens if secret in repr(settings)]


def test_a_token_file_without_tokens_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("# none yet\n")
    with pytest.raises(SettingsError, match="has no token"):
        with_all_tokens(load({"token_file": str(tmp_path / "secrets")}))
    with pytest.raises(SettingsError, match="No such file"):
        with_all_tokens(load({"token_file": str(tmp_path / "missing")}))


def test_without_sources_every_setting_has_its_default() -> None:
    assert load() == Settings()


@pytest.mark.parametrize("name", list(GROUP_OF))
def test_each_setting_is_read_into_its_group(name: str) -> None:
    other: dict[str, Any] = {
        "origins": ("https://a.example",),
        "tokens": ("a",),
        "page": False,
        "dtype": "float32",
        "cuda_graphs": "off",
        "log_level": "debug",
        "threads": 3,
        "context_tokens": 512,
    }
    default = getattr(getattr(Settings(), GROUP_OF[name]), name)
    value = other.get(name, default + 1000 if isinstance(default, int | float) else "elsewhere")
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    read = getattr(getattr(load({name: text}), GROUP_OF[name]), name)
    assert read == (Path(value) if isinstance(read, Path) else value)


def test_settings_with_some_changed_keep_the_others() -> None:
    settings = Settings().changed(port=1, max_docs=2)
    assert (settings.server.port, settings.limits.max_docs) == (1, 2)
    assert settings.changed(port=8765, max_docs=64) == Settings()
    with pytest.raises(TypeError, match="no setting 'prot'"):
        settings.changed(prot=1)


def test_a_setting_works_under_its_old_name_with_a_warning(
    nothing_set: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(RENAMED, "max_documents", "max_docs")
    (nothing_set / "afterword.toml").write_text("max_documents = 5\n")
    assert load().limits.max_docs == 5
    assert "afterword.toml: the setting max_documents is now called max_docs" in caplog.text
    monkeypatch.setenv("AFTERWORD_MAX_DOCUMENTS", "6")
    assert load().limits.max_docs == 6
    monkeypatch.setenv("AFTERWORD_MAX_DOCS", "7")
    assert load().limits.max_docs == 7, "the new name wins"
    assert load({"max_documents": "8"}).limits.max_docs == 7
