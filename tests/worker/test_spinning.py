"""However torch gets loaded, its threads are told before how long to spin."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from afterword.spinning import POLICY_VARIABLE, SPINS, VARIABLE

WATCH = f"""
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("spins", os.environ.get({VARIABLE!r}))
            raise SystemExit
sys.meta_path.insert(0, Watch())
"""


def at_the_import_of_torch(program: str, **variables: str) -> str:
    """The variable as it is when `program` imports torch, which ends the program."""
    environment = {name: value for name, value in os.environ.items() if name not in (VARIABLE, POLICY_VARIABLE)}
    done = subprocess.run(
        [sys.executable, "-c", WATCH + program],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    # A library may look for torch more than once.
    return next(line for line in done.stdout.splitlines() if line.startswith("spins")).removeprefix("spins ")


@pytest.mark.parametrize(
    "program",
    [
        "import afterword.worker.loading",
        "import afterword.worker.model.runner",
        "import afterword.worker.in_process",
        "import afterword.local, torch",
        "from afterword.models.convert.__main__ import main; main(['gguf', 'no file', 'no folder'])",
        "import bench.bare_engine",
    ],
)
def test_the_limit_is_set_before_torch_is_imported(program: str) -> None:
    assert at_the_import_of_torch(program) == SPINS


def test_whoever_has_decided_about_spinning_is_not_overruled() -> None:
    assert at_the_import_of_torch("import afterword.worker.loading", **{VARIABLE: "7"}) == "7"
    assert at_the_import_of_torch("import afterword.worker.loading", **{POLICY_VARIABLE: "PASSIVE"}) == "None"


def test_a_program_that_imports_torch_first_is_warned() -> None:
    program = "import sys, types; sys.modules['torch'] = types.ModuleType('torch'); import afterword.local"
    environment = {name: value for name, value in os.environ.items() if name not in (VARIABLE, POLICY_VARIABLE)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "torch was imported before afterword" in done.stderr
