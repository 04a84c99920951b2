"""What `make dist` builds: a wheel, a source distribution and an npm package that have in them what they must."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ..surroundings import lacking

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "server" / "afterword" / "page" / "index.html"
PACKAGES = REPOSITORY / "client-js" / "node_modules"
ENTRIES = ("dom", "codemirror", "lexical", "prosemirror", "quill", "textarea", "tiptap")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the three packages."""
    missing = [name for name in ("make", "npm") if shutil.which(name) is None]
    missing += [str(path.relative_to(REPOSITORY)) for path in (PAGE, PACKAGES) if not path.exists()]
    if missing:
        lacking(f"needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("dist")
    command = ["make", "--silent", "dist-only", f"DIST={folder}", f"bin={Path(sys.executable).parent}"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def only(folder: Path, pattern: str) -> Path:
    """The one file that matches."""
    (path,) = folder.glob(pattern)
    return path


def test_there_are_three_packages_and_nothing_else(dist: Path) -> None:
    assert sorted(path.suffix for path in dist.iterdir()) == [".gz", ".tgz", ".whl"]


def test_the_wheel_has_the_program_its_kernels_and_the_page(dist: Path) -> None:
    with zipfile.ZipFile(only(dist, "*.whl")) as wheel:
        names = wheel.namelist()
        (metadata,) = (wheel.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
    assert {"afterword/cli/main.py", "afterword/py.typed", "afterword/page/index.html"} <= set(names)
    assert [name for name in names if name.endswith("native/decoder.cpp")]
    assert [name for name in names if name.startswith("afterword/page/assets/") and name.endswith(".js")]
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"afterword", "afterword_protocol"}
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert "License-Expression: Apache-2.0" in metadata


def test_the_source_distribution_has_what_it_takes_to_build_and_test(dist: Path) -> None:
    with tarfile.open(only(dist, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "constraints.txt", "Makefile", "LICENSE", "README.md", "CHANGELOG.md"} <= names
    assert {"protocol/PROTOCOL.md", "docs/conf.py", "examples/README.md", "tests/conftest.py"} <= names
    assert "server/afterword/page/index.html" in names
    assert [name for name in names if "node_modules" in name or name.startswith(("build/", ".venv/"))] == []


def test_the_npm_package_can_be_installed_and_imported(dist: Path, tmp_path: Path) -> None:
    package = only(dist, "*.tgz")
    with tarfile.open(package) as archive:
        names = set(archive.getnames())
        exports = json.loads(archive.extractfile("package/package.json").read())["exports"]
    assert {f"./{entry}" for entry in ENTRIES} | {"."} <= exports.keys()
    files = [file for entry in exports.values() if isinstance(entry, dict) for file in entry.values()]
    assert {f"package/{file.removeprefix('./')}" for file in files} <= names
    assert {"package/LICENSE", "package/README.md", "package/BINDINGS.md", "package/package.json"} <= names
    assert [name for name in names if "/test/" in name or "/e2e/" in name or "node_modules" in name] == []
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    install = ["npm", "install", "--offline", "--no-audit", "--no-fund", "--omit=peer", str(package)]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)
    program = 'import { Afterword } from "afterword"; import "afterword/dom"; console.log(typeof Afterword)'
    command = ["node", "--input-type=module", "--eval", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "function", done.stderr
