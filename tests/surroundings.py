"""What tests leave of the machine they run on: nothing that could change what they find.

`settle` runs before anything else is imported. Tests, and the programs that they start, then see the same locale, time
zone, signals and variables everywhere, and no settings file of whoever runs them. Ports are free ones, so a server that
runs already is in nobody's way.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

# A proxy would be asked for 127.0.0.1, too. Terminals and loggers go by the others.
REMOVED = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
    | {"PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONUTF8", "PYTHONIOENCODING", "LANGUAGE"}
    | {"HF_HUB_OFFLINE", "HF_TOKEN", "TRANSFORMERS_OFFLINE", "NODE_OPTIONS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
)
PREFIXES = ("AFTERWORD_", "LC_")
# Whoever starts the tests in the background may have them ignore these, and so would all programs that they start.
# SIGPIPE is not among them: Python ignores it itself, so that writing to a closed socket is an error and no death.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD)


def settle() -> None:
    """Make the surroundings of this process the same on every machine."""
    for name in list(os.environ):
        if name.upper() in REMOVED or name.startswith(PREFIXES):
            del os.environ[name]
    os.environ |= {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    time.tzset()
    os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="afterword-tests-")
    empty = Path(os.environ["XDG_CONFIG_HOME"]) / "empty.toml"
    empty.touch()
    os.environ["AFTERWORD_CONFIG"] = str(empty)  # instead of one in the working folder
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def lacking(what: str) -> None:
    """Skip the test that needs `what`, or fail it where nothing may be missing (`CI=true`)."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI=true says that nothing is missing here")
    pytest.skip(what)
