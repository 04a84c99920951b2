"""Models from a hub: here a small one on this machine, spoken to by the hub's own client in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from afterword.models.hub import card_license, is_hub_id

COMMIT = "0123456789abcdef0123456789abcdef01234567"

SCRIPT = """
import sys
from afterword.models import ModelError, resolve
try:
    files = resolve(sys.argv[1], progress=lambda stage, fraction: print(stage, fraction))
    print("got", files.folder, files.name, files.license, sep="|")
except ModelError as error:
    print("error", error, sep="|")
"""


class Hub:
    """A hub with the files of one folder as the model `owner/name`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.fetched: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.requests.append(self.path)
                path = self.path.partition("?")[0]
                if path.startswith("/api/models/owner/name/revision/"):
                    self.answer({"id": "owner/name", "sha": COMMIT, "siblings": []})
                elif path.startswith("/api/models/owner/name/tree/"):
                    self.answer([hub.entry(file) for file in sorted(hub.folder.iterdir())])
                elif path.startswith(f"/owner/name/resolve/{COMMIT}/"):
                    self.file(hub.folder / path.rsplit("/", 1)[1])
                else:
                    self.answer({"error": "not found"}, 404, {"X-Error-Code": "RepoNotFound"})

            do_HEAD = do_GET

            def answer(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
                self.send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})

            def file(self, path: Path) -> None:
                content = path.read_bytes()
                if self.command == "GET":
                    hub.fetched.append(path.name)
                self.send(content, 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'})

            def send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def entry(path: Path) -> dict[str, object]:
        content = path.read_bytes()
        oid = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": path.name, "size": len(content), "oid": oid}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hub(plain_folder: Path) -> Iterator[Hub]:
    (plain_folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (plain_folder / "pytorch_model.bin").write_bytes(b"not wanted")
    (plain_folder / "modeling_custom.py").write_text("raise SystemExit")
    hub = Hub(plain_folder)
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


class Runner:
    """Resolves a model in a new process that knows one hub and has one cache."""

    def __init__(self, hub: Hub, home: Path) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(home),
            "NO_PROXY": "127.0.0.1",
            "XDG_CACHE_HOME": str(home),
        }

    def __call__(self, spec: str, **environment: str) -> list[str]:
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, spec],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environment | environment,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout.strip().splitlines()


@pytest.fixture
def resolve_in_process(hub: Hub, tmp_path: Path) -> Runner:
    return Runner(hub, tmp_path / "home")


def test_a_model_is_downloaded_once_with_only_the_files_that_are_needed(hub: Hub, resolve_in_process: Runner) -> None:
    lines = resolve_in_process("owner/name")
    kind, folder, name, license_name = lines[-1].split("|")
    assert (kind, name, license_name) == ("got", "owner/name", "mit")
    assert sorted(path.name for path in Path(folder).iterdir()) == sorted(hub.fetched)
    assert sorted(hub.fetched) == ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
    assert any(line.startswith("downloading owner/name") for line in lines), "progress is shown"

    hub.requests.clear()
    assert resolve_in_process("owner/name")[-1] == lines[-1]
    assert [path for path in hub.requests if "/owner/name" in path] == [], "a model that is there needs no network"


def test_offline_a_downloaded_model_works_and_a_missing_one_is_explained(hub: Hub, resolve_in_process: Runner) -> None:
    (error, *rest) = resolve_in_process("owner/name", HF_HUB_OFFLINE="1")
    assert error.startswith("error|the model 'owner/name' is not in the Hugging Face cache (")
    assert "HF_HUB_OFFLINE" in error
    assert "afterword models get owner/name" in error
    assert rest == []
    assert hub.requests == []
    resolve_in_process("owner/name")
    assert resolve_in_process("owner/name", HF_HUB_OFFLINE="1")[-1].startswith("got|")


def test_an_incomplete_download_is_completed(hub: Hub, resolve_in_process: Runner) -> None:
    folder = Path(resolve_in_process("owner/name")[-1].split("|")[1])
    (folder / "model.safetensors").unlink()
    hub.fetched.clear()
    assert resolve_in_process("owner/name")[-1].startswith("got|")
    assert (folder / "model.safetensors").is_file()


def test_a_model_the_hub_does_not_know_is_told(resolve_in_process: Runner) -> None:
    lines = "\n".join(resolve_in_process("owner/other"))
    assert "the hub has no such model" in lines
    assert "./owner/other" in lines


def test_a_hub_that_cannot_be_reached_is_told_with_the_remedy(hub: Hub, resolve_in_process: Runner) -> None:
    hub.server.shutdown()
    hub.server.server_close()
    lines = "\n".join(resolve_in_process("owner/name"))
    assert "the hub cannot be reached" in lines
    assert "afterword models get owner/name" in lines


def test_a_model_with_weights_of_another_format_is_refused(hub: Hub, resolve_in_process: Runner) -> None:
    (hub.folder / "model.safetensors").unlink()
    assert "weights must be in the safetensors format" in resolve_in_process("owner/name")[-1]


@pytest.mark.parametrize("spec", ["gpt2", "owner/name", "owner/name@main", "a/b-c_d.e@refs/pr/1"])
def test_what_looks_like_a_hub_id(spec: str) -> None:
    assert is_hub_id(spec)


@pytest.mark.parametrize("spec", ["", "/a", "a/b/c", "a b", "-a", "a/", "a@", "ä/b"])
def test_what_does_not_look_like_a_hub_id(spec: str) -> None:
    assert not is_hub_id(spec)


@pytest.mark.parametrize(
    ("card", "license_name"),
    [
        ("---\nlicense: mit\n---", "mit"),
        ("---\nlicense: other\nlicense_name: gemma\n---", "gemma"),
        ("---\r\nlicense: 'apache-2.0'\r\n---\r\n", "apache-2.0"),
        ("license: mit", None),
        ("---\ntags: []\n---\nlicense: mit", None),
        (None, None),
    ],
)
def test_the_licence_is_read_from_the_card(tmp_path: Path, card: str | None, license_name: str | None) -> None:
    if card is not None:
        (tmp_path / "README.md").write_bytes(card.encode())
    assert card_license(tmp_path) == license_name
