"""The tool that checks imports finds the ones that are forbidden: each is planted in a copy of the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
ONLY_SOURCES = shutil.ignore_patterns("*.pyc", "__pycache__", "page", "*.cpp", "*.h")


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the import linter on the sources in `tree`, with the contracts of this project."""
    return subprocess.run(
        [sys.executable, "-c", LINT, "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": f"{tree / 'server'}{os.pathsep}{tree / 'protocol'}"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources of the server and the protocol."""
    tree = tmp_path_factory.mktemp("sources")
    for part in ("server", "protocol"):
        shutil.copytree(ROOT / part, tree / part, ignore=ONLY_SOURCES)
    return tree


def test_the_sources_as_they_are_keep_every_border(sources: Path) -> None:
    result = lint(sources)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "planted", "contract"),
    [
        ("protocol/afterword_protocol/codec.py", "import afterword.clock", "The protocol knows nothing of the server"),
        ("server/afterword/gateway/hub.py", "import torch", "Only the worker loads torch"),
        ("server/afterword/engine/api.py", "import afterword.worker.engine_core", "Only the worker loads torch"),
        ("server/afterword/cli/models.py", "def late():\n    import transformers", "Only the worker loads torch"),
        (
            "server/afterword/worker/engine_core.py",
            "import afterword.gateway.hub",
            "The worker knows nothing of connections",
        ),
        ("server/afterword/session/session.py", "import time", "A session has no socket, no clock and no model"),
        ("server/afterword/session/session.py", "import afterword.faults", "A session has no socket, no clock"),
        ("server/afterword/text/prompt.py", "import afterword.engine.api", "Text knows only what sessions ask of it"),
        (
            "server/afterword/client/clip.py",
            "import afterword.text.prompt",
            "The client knows the server by the protocol",
        ),
        ("server/afterword/config/settings.py", "import afterword.config.load", "No imports in a circle"),
    ],
)
def test_a_forbidden_import_is_found(sources: Path, module: str, planted: str, contract: str) -> None:
    path = sources / module
    before = path.read_text("utf-8")
    try:
        path.write_text(f"{before}\n{planted}\n", "utf-8")
        result = lint(sources)
    finally:
        path.write_text(before, "utf-8")
    assert result.returncode != 0
    broken = [text for text in result.stdout.splitlines() if "BROKEN" in text]
    assert [text for text in broken if text.startswith(contract)], result.stdout
