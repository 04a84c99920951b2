"""The cache of conversions: made once, whole or not at all, found again without being read."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from afterword.models.cache import ConversionCache, ConversionRequest, ModelFacts
from afterword.models.files import ModelError
from afterword.models.progress import silent


@pytest.fixture
def cache(tmp_path: Path) -> ConversionCache:
    return ConversionCache(tmp_path / "cache")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF and so on")
    return path


class Work:
    """Stands for the converter: writes one file, and counts how often it was asked."""

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.times = 0
        self.during = during

    def __call__(self, folder: Path) -> ModelFacts:
        self.times += 1
        (folder / "config.json").write_text('{"model_type": "llama"}')
        self.during()
        return ModelFacts("MIT", "by somebody")


def leftovers(cache: ConversionCache) -> list[str]:
    return [entry.name for entry in cache.folder.iterdir() if entry.is_dir() and entry.name.startswith(".")]


def test_the_second_time_nothing_is_converted(cache: ConversionCache, source: Path) -> None:
    work = Work()
    made = cache.make(ConversionRequest(source, "m", 0), silent, work)
    found = cache.find(source)
    assert found is not None
    assert found.folder == made.folder
    assert (found.model.name, found.model.license, found.model.attribution) == ("m", "MIT", "by somebody")
    assert work.times == 1


def test_the_same_content_elsewhere_is_not_converted_again(
    cache: ConversionCache, source: Path, tmp_path: Path
) -> None:
    work = Work()
    cache.make(ConversionRequest(source, "m", 0), silent, work)
    moved = source.rename(tmp_path / "moved.gguf")
    assert cache.find(moved) is None, "its content is not known before it was read once"
    cache.make(ConversionRequest(moved, "m", 0), silent, work)
    assert cache.find(moved) is not None
    assert work.times == 1


def test_changed_content_is_converted_anew(cache: ConversionCache, source: Path) -> None:
    work = Work()
    first = cache.make(ConversionRequest(source, "m", 0), silent, work)
    source.write_bytes(b"GGUF and something else")
    assert cache.find(source) is None
    assert cache.make(ConversionRequest(source, "m", 0), silent, work).folder != first.folder
    assert work.times == 2


@pytest.mark.parametrize("damage", ["remove", "shorten", "alter", "forget"])
def test_a_damaged_conversion_is_made_again(cache: ConversionCache, source: Path, damage: str) -> None:
    work = Work()
    file = cache.make(ConversionRequest(source, "m", 0), silent, work).folder / "config.json"
    whole = file.read_text()
    if damage == "remove":
        file.unlink()
    elif damage == "shorten":
        file.write_text("{")
    elif damage == "alter":
        file.write_text(whole.replace("llama", "lLama"))
        os.utime(file, ns=(1, 1))
    else:
        (file.parent / "afterword.json").write_text("{}")
    assert cache.find(source) is None
    again = cache.make(ConversionRequest(source, "m", 0), silent, work)
    assert (again.folder / "config.json").read_text() == whole
    assert work.times == 2


def test_a_cache_that_was_copied_is_verified_and_used(cache: ConversionCache, source: Path, tmp_path: Path) -> None:
    work = Work()
    cache.make(ConversionRequest(source, "m", 0), silent, work)
    copied = ConversionCache(tmp_path / "copied")
    shutil.copytree(cache.folder, copied.folder, copy_function=shutil.copyfile)
    found = copied.make(ConversionRequest(source, "m", 0), silent, work)
    assert work.times == 1
    assert all(record.unchanged(found.folder / name) for name, record in found.manifest.files.items())


def test_a_failed_conversion_leaves_nothing(cache: ConversionCache, source: Path) -> None:
    def fail() -> None:
        raise ModelError("no such luck")

    with pytest.raises(ModelError, match="no such luck"):
        cache.make(ConversionRequest(source, "m", 0), silent, Work(fail))
    assert list(cache) == []
    assert leftovers(cache) == []


def test_what_a_killed_conversion_left_is_cleared(cache: ConversionCache, source: Path) -> None:
    work = Work()
    made = cache.make(ConversionRequest(source, "m", 0), silent, work)
    shutil.rmtree(made.folder)
    (cache.folder / f".partial-{made.folder.name}-x7").mkdir()
    cache.make(ConversionRequest(source, "m", 0), silent, work)
    assert leftovers(cache) == []


def test_two_at_once_convert_once(cache: ConversionCache, source: Path) -> None:
    begun, go_on, stages = threading.Event(), threading.Event(), []

    def during() -> None:
        begun.set()
        assert go_on.wait(30)

    def note(stage: str, fraction: float | None) -> None:
        stages.append(stage)
        if "waiting" in stage:
            go_on.set()

    work, folders = Work(during), []
    first = threading.Thread(
        target=lambda: folders.append(cache.make(ConversionRequest(source, "m", 0), silent, work).folder)
    )
    first.start()
    assert begun.wait(30)
    folders.append(cache.make(ConversionRequest(source, "m", 0), note, work).folder)
    first.join(30)
    assert work.times == 1
    assert len(set(folders)) == 1
    assert "waiting for another process that is converting this model" in stages


def test_a_wrong_checksum_is_refused_before_any_work(cache: ConversionCache, source: Path) -> None:
    work = Work()
    with pytest.raises(ModelError, match=r"not the expected file: its SHA-256 is \w{64} instead of abc"):
        cache.make(ConversionRequest(source, "m", 0, sha256="abc"), silent, work)
    assert work.times == 0


def test_a_full_disk_is_told_before_any_work(cache: ConversionCache, source: Path) -> None:
    work = Work()
    with pytest.raises(ModelError, match="GB free, but the converted model needs"):
        cache.make(ConversionRequest(source, "m", 10**18), silent, work)
    assert work.times == 0


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, source: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = ConversionCache(tmp_path / "file")
    with pytest.raises(ModelError, match=r"the cache folder .*file.* cannot be written"):
        cache.make(ConversionRequest(source, "m", 0), silent, Work())


def test_a_conversion_by_another_version_is_not_used(
    cache: ConversionCache, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.make(ConversionRequest(source, "m", 0), silent, Work())
    monkeypatch.setattr("afterword.models.cache.CONVERTER_VERSION", 99)
    assert cache.find(source) is None
    assert list(cache) == []
