"""Which value of a setting counts, and what is said of one that cannot be used."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from afterword.config.load import load
from afterword.config.settings import Settings, SettingsError
from afterword.engine.options import EngineOptions
from afterword.gateway.http.static_files import BUILT_PAGE
from afterword.gateway.options import GatewayOptions
from afterword.models import ModelFiles


def test_a_flag_wins_over_a_variable_over_a_file_over_the_default(
    nothing_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().port == 8765
    (nothing_set / "afterword.toml").write_text("port = 1001\ncache_mb = 7\n")
    assert load().port == 1001
    monkeypatch.setenv("AFTERWORD_PORT", "1002")
    assert load().port == 1002
    assert load({"port": "1003"}).port == 1003
    assert load({"port": None}).port == 1002, "a flag that was not given does not count"
    assert load().cache_mb == 7


def test_files_are_looked_for_in_order(nothing_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, port: int) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"port = {port}\n")
        return path

    write(tmp_path / "user" / "afterword.toml", 1)
    assert load().port == 1
    write(nothing_set / "afterword.toml", 2)
    assert load().port == 2
    monkeypatch.setenv("AFTERWORD_CONFIG", str(write(tmp_path / "variable.toml", 3)))
    assert load().port == 3
    assert load(config=write(tmp_path / "named.toml", 4)).port == 4


def test_lists_are_parted_by_commas_in_flags_and_variables(nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load({"origins": "https://a.example, https://*.b.example,"}).origins == (
        "https://a.example",
        "https://*.b.example",
    )
    monkeypatch.setenv("AFTERWORD_ORIGINS", "https://c.example")
    assert load().origins == ("https://c.example",)
    monkeypatch.delenv("AFTERWORD_ORIGINS")
    (nothing_set / "afterword.toml").write_text('origins = ["https://d.example", "https://e.example"]\n')
    assert load().origins == ("https://d.example", "https://e.example")


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
    (tmp_path / "secrets").write_text("# one a line\nsecret-four\n")
    monkeypatch.setenv("AFTERWORD_TOKEN", "secret-three")
    monkeypatch.setenv("AFTERWORD_TOKENS", "secret-one,secret-two")
    monkeypatch.setenv("AFTERWORD_TOKEN_FILE", str(tmp_path / "secrets"))
    settings = load()
    options = settings.gateway("m")
    assert options.tokens == ("secret-one", "secret-two", "secret-three", "secret-four")
    assert not [secret for secret in options.tokens if secret in repr(settings) + repr(options)]


def test_a_token_file_without_tokens_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("# none yet\n")
    with pytest.raises(SettingsError, match="holds no token"):
        load({"token_file": str(tmp_path / "secrets")}).gateway("m")
    with pytest.raises(SettingsError, match="No such file"):
        load({"token_file": str(tmp_path / "missing")}).gateway("m")


def test_defaults_are_those_of_the_gateway_and_the_engine() -> None:
    assert load().gateway("m") == GatewayOptions(model="m", site=BUILT_PAGE)
    files = ModelFiles(Path("folder"), "m")
    assert load().engine(files) == EngineOptions(folder=Path("folder"), name="m")


def test_each_setting_reaches_the_gateway_or_the_engine() -> None:
    elsewhere = {"model", "cache_dir", "log_level", "token_file"}
    other = {
        "host": "::1",
        "tokens": ("a",),
        "origins": ("https://a.example",),
        "page": False,
        "device": "cpu",
        "dtype": "float32",
        "threads": 3,
        "context_tokens": 512,
        "cuda_graphs": "off",
        "metrics_token": "b",
    }
    files = ModelFiles(Path("folder"), "m")
    usual = [dataclasses.asdict(load().gateway("m")), dataclasses.asdict(load().engine(files))]
    for name, field in Settings.model_fields.items():
        if name in elsewhere:
            continue
        settings = load({name: other[name] if name in other else field.default + 1000})
        assert [dataclasses.asdict(settings.gateway("m")), dataclasses.asdict(settings.engine(files))] != usual, name
