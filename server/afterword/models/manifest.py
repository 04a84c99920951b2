"""The manifest of a converted model: its source, the converter's version, and the checksum of every file.

Not here: when to convert, and what to do about damage (`cache`).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from afterword.models.builtin import sha256_of
from afterword.models.progress import ProgressSink, silent, staged

MANIFEST = "afterword.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when it was last known to be intact."""

    size_bytes: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path, sha256: str | None = None) -> FileRecord:
        """The record of a file; hashes it unless its checksum is given."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, sha256 or sha256_of(path))

    def unchanged(self, path: Path) -> bool:
        """Whether size and time are as recorded; cheap enough for every start."""
        try:
            status = path.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size_bytes, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is recorded about a folder of converted files. `source`: the file or folder it was made from."""

    name: str
    license: str | None
    attribution: str
    source_path: str
    source: FileRecord
    converter: int
    files: dict[str, FileRecord] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write it into the folder, atomically."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False)
        temporary = folder / f".{MANIFEST}.{os.getpid()}"
        temporary.write_text(text + "\n", "utf-8")
        temporary.replace(folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """The manifest of a folder; `None` if there is none or it cannot be read."""
        try:
            record = json.loads((folder / MANIFEST).read_text("utf-8"))
            if record.pop("format") != FORMAT:
                return None
            record["source"] = FileRecord(**record["source"])
            record["files"] = {name: FileRecord(**entry) for name, entry in record["files"].items()}
            record["warnings"] = tuple(record["warnings"])
            return cls(**record)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def with_files(self, folder: Path) -> Manifest:
        """This manifest with a record of every file in the folder, except links."""
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
        return replace(self, files={path.name: FileRecord.of(path) for path in paths if path.name != MANIFEST})

    def refreshed(self, folder: Path) -> Manifest:
        """This manifest with the current times of its files; for use after verifying them."""
        return replace(self, files={name: FileRecord.of(folder / name, r.sha256) for name, r in self.files.items()})

    def damage(self, folder: Path, full: bool = False, progress: ProgressSink = silent) -> list[str]:
        """What is wrong with the folder's files, in words; empty if nothing is.

        A file whose size and time are as recorded passes. One with another time, a copy for example, is hashed. `full`
        hashes every file.
        """
        found = []
        for name, record in self.files.items():
            path = folder / name
            if not path.is_file():
                found.append(f"{name} is missing")
            elif path.stat().st_size != record.size_bytes:
                found.append(f"{name} is {path.stat().st_size:,} bytes instead of {record.size_bytes:,}")
            elif record.unchanged(path) and not full:
                continue
            elif sha256_of(path, staged(progress, f"verifying {name}")) != record.sha256:
                found.append(f"the checksum of {name} is wrong")
        return found
