"""The gateway does without torch: it takes seconds and gigabytes that a process of sockets has no use for."""

from __future__ import annotations

import subprocess
import sys

IMPORTS = """
import pkgutil, sys
import afterword.cli.serve, afterword.gateway, afterword.engine.client
for module in pkgutil.iter_modules(afterword.gateway.__path__, "afterword.gateway."):
    __import__(module.name)
heavy = {"torch", "transformers", "accelerate", "safetensors"} & set(sys.modules)
print("afterword.gateway.server" in sys.modules, sorted(heavy))
"""


def test_everything_that_serving_needs_is_there_without_torch() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True []"
