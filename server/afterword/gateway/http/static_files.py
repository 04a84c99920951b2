"""The page to write on, as `client-js/page` is built: its files by path, and what of them a request gets.

What lives here: files in memory, with their types, caching and compression. Only paths found when the server started
exist, so no path leads out of the folder.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from websockets.datastructures import Headers

from afterword.gateway.http.answers import HttpAnswer, text_answer

# Where the build puts it, and where the wheel has it.
BUILT_PAGE = Path(__file__).parents[2] / "page"

INDEX = "index.html"
# Names of files in here hold a digest of their content, so what was fetched once stays good.
HASHED = "assets/"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

# Listed here, because what the system takes a suffix for differs from machine to machine.
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
COMPRESSED_ALREADY = frozenset({".woff2"})

NOT_BUILT = (
    "Afterword is running, and editors can connect to it.\n\n"
    "The page to write on has not been built. To build it, run `make page` in the repository, which takes Node.js\n"
    "20.19 or later with npm; then start the server again."
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page. `gzipped` is empty where it would not be shorter."""

    body: bytes
    gzipped: bytes
    content_type: str
    etag: str
    cache_control: str

    @classmethod
    def read(cls, path: Path, name: str) -> StaticFile:
        """The file at `path`, which the page knows by `name`."""
        body = path.read_bytes()
        packed = b"" if path.suffix in COMPRESSED_ALREADY else gzip.compress(body, mtime=0)
        return cls(
            body,
            packed if len(packed) < len(body) else b"",
            CONTENT_TYPES.get(path.suffix, "application/octet-stream"),
            # Weak, as it stands for the compressed file, too.
            f'W/"{hashlib.sha256(body).hexdigest()[:16]}"',
            FOR_EVER if name.startswith(HASHED) else ASK_AGAIN,
        )

    def page(self, headers: Headers) -> HttpAnswer:
        """The answer to a request with these headers."""
        common = {"Cache-Control": self.cache_control, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in _listed(headers, "If-None-Match"):
            return HttpAnswer(HTTPStatus.NOT_MODIFIED, b"", self.content_type, common)
        if self.gzipped and "gzip" in _accepted_encodings(headers):
            return HttpAnswer(HTTPStatus.OK, self.gzipped, self.content_type, {**common, "Content-Encoding": "gzip"})
        return HttpAnswer(HTTPStatus.OK, self.body, self.content_type, common)


class StaticFiles:
    """The built page."""

    def __init__(self, files: dict[str, StaticFile]) -> None:
        self._files = files

    @classmethod
    def read(cls, folder: Path) -> StaticFiles:
        """All files of a folder; hidden ones are left out. A folder that is not there is a page that was not built."""
        paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        visible = {name: path for name, path in paths.items() if not f"/{name}".count("/.")}
        return cls({name: StaticFile.read(path, name) for name, path in visible.items()})

    @property
    def built(self) -> bool:
        """Whether there is a page at all."""
        return INDEX in self._files

    def answer(self, path: str, headers: Headers) -> HttpAnswer | None:
        """The file at a path of the server; `None` if there is none."""
        if path == "/" and not self.built:
            return text_answer(HTTPStatus.NOT_FOUND, NOT_BUILT)
        file = self._files.get(INDEX if path == "/" else path.removeprefix("/"))
        return file.page(headers) if file else None


def _listed(headers: Headers, name: str) -> list[str]:
    return [value.strip() for line in headers.get_all(name) for value in line.split(",")]


def _accepted_encodings(headers: Headers) -> set[str]:
    offers = [offer.replace(" ", "").partition(";") for offer in _listed(headers, "Accept-Encoding")]
    return {coding.lower() for coding, _, weight in offers if weight not in ("q=0", "q=0.0")}
