"""The cache of converted models. A conversion is made once, completely or not at all, and found again without hashing.

Its key is the content of its source and the converter's version. It is written to a temporary folder, which is then
renamed; a lock keeps two processes from doing the same work. Not here: the conversion itself (`convert`).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from afterword.models.builtin import sha256_of
from afterword.models.files import ModelError, ModelFiles
from afterword.models.manifest import FileRecord, Manifest
from afterword.models.progress import ProgressSink, staged

CONVERTER_VERSION = 1
"""Raise this when the output of conversions changes; earlier ones are then made again."""

LOCK_POLL_S = 0.5
KEY_DIGITS = 16
PARTIAL = ".partial-"
SPACE_MARGIN_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ConversionRequest:
    """What to convert: the file, the name of the model, the disk space needed, and the expected checksum, if known."""

    source: Path
    name: str
    needed_bytes: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a conversion learned about the model."""

    license: str | None = None
    attribution: str = ""
    warnings: tuple[str, ...] = ()


Work = Callable[[Path], ModelFacts]
"""Fills an empty folder; raises `ModelError` if it cannot."""


def default_cache_dir() -> Path:
    """The default place of the cache."""
    return user_cache_path("afterword", appauthor=False)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A finished conversion in the cache."""

    folder: Path
    manifest: Manifest

    @property
    def model(self) -> ModelFiles:
        """The converted model, ready to load."""
        return ModelFiles(self.folder, self.manifest.name, self.manifest.license, self.manifest.attribution)


class ConversionCache:
    """The conversions in one folder."""

    def __init__(self, cache_dir: Path) -> None:
        self.folder = cache_dir / "models"

    def __iter__(self) -> Iterator[Conversion]:
        """All finished conversions by this version of the converter, by name."""
        folders = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        for folder in folders:
            manifest = None if folder.name.startswith(".") else Manifest.read(folder)
            if manifest and manifest.converter == CONVERTER_VERSION:
                yield Conversion(folder, manifest)

    def find(self, source: Path) -> Conversion | None:
        """The conversion of this file, recognized by path, size and time, if it is undamaged."""
        path = str(source.resolve())
        for conversion in self:
            manifest = conversion.manifest
            if manifest.source_path == path and manifest.source.unchanged(source):
                return None if manifest.damage(conversion.folder) else conversion
        return None

    def make(self, request: ConversionRequest, progress: ProgressSink, work: Work) -> Conversion:
        """The requested conversion; `work` makes it unless it exists.

        Raises `ModelError` if the checksum of the source is wrong, the disk is full, or the work fails.
        """
        source = request.source
        digest = sha256_of(source, staged(progress, f"checking {source.name}"))
        if request.sha256 not in (None, digest):
            raise ModelError(
                f"{source} is not the expected file: its SHA-256 is {digest} instead of {request.sha256}. "
                "Delete it and download it again."
            )
        made_from = FileRecord.of(source, digest)
        target = self.folder / f"{slug(request.name)}-{digest[:KEY_DIGITS]}-v{CONVERTER_VERSION}"
        with self._locked(target, progress):
            manifest = Manifest.read(target)
            if manifest and not manifest.damage(target, progress=progress):
                # The source may have moved, or the cache was copied; record that, so that the next start need not hash.
                manifest = replace(manifest, source_path=str(source.resolve()), source=made_from).refreshed(target)
                manifest.write(target)
                return Conversion(target, manifest)
            self._check_space(target, request.needed_bytes)
            return self._fill(target, made_from, request, work)

    def remove(self, conversion: Conversion) -> None:
        """Delete a conversion."""
        shutil.rmtree(conversion.folder)

    @contextmanager
    def _locked(self, target: Path, progress: ProgressSink) -> Iterator[None]:
        """Hold the lock of one conversion; the operating system frees it when a process dies."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / f".{target.name}.lock")
            while not lock.is_locked:
                try:
                    lock.acquire(timeout=LOCK_POLL_S)
                except Timeout:
                    progress("waiting for another process that is converting this model", None)
        except OSError as error:
            raise ModelError(f"the cache folder {self.folder} cannot be written: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    def _check_space(self, target: Path, needed_bytes: int) -> None:
        """Delete what an interrupted or damaged conversion left, and check that the new one fits on the disk."""
        for stale in [target, *self.folder.glob(f"{PARTIAL}{target.name}-*")]:
            shutil.rmtree(stale, ignore_errors=True)
        free = shutil.disk_usage(self.folder).free
        if free < needed_bytes + SPACE_MARGIN_BYTES:
            raise ModelError(
                f"{self.folder} has {free / 1e9:.1f} GB free, but the converted model needs "
                f"{needed_bytes / 1e9:.1f} GB; free some space, or choose another folder with --cache-dir"
            )

    def _fill(self, target: Path, made_from: FileRecord, request: ConversionRequest, work: Work) -> Conversion:
        partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{target.name}-", dir=self.folder))
        try:
            facts = work(partial)
            manifest = Manifest(
                name=request.name,
                license=facts.license,
                attribution=facts.attribution,
                source_path=str(request.source.resolve()),
                source=made_from,
                converter=CONVERTER_VERSION,
                warnings=facts.warnings,
            ).with_files(partial)
            manifest.write(partial)
            partial.chmod(0o755)
            partial.rename(target)
        except OSError as error:
            raise ModelError(f"writing {target} failed: {error.strerror or error}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return Conversion(target, manifest)


def slug(text: str) -> str:
    """The text in a form that is safe in a file name."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:60] or "model"
