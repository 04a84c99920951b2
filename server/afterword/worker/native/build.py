"""Compiles the C++ sources beside this file for the processor they run on, once, into the user's cache folder.

What lives here: finding a compiler and keeping its output. The name of the output is a digest of what went into it:
sources, compiler, flags and processor features, so a change of any of these compiles anew.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from platformdirs import user_cache_path

SOURCES = Path(__file__).parent
MAIN = "decoder.cpp"
COMPILERS = ("c++", "g++", "clang++")
# With this optimization GCC moves sums of AVX2's products between registers, and one to memory and back, in the
# innermost loop: 8 rows of the 135M model take 16 ms with it and 11 without.
FEWER_COPIES = ("-fno-tree-pre",)
FLAGS = ("-O3", "-std=c++17", "-fno-math-errno", "-shared", "-fPIC", "-pthread", "-Wno-unknown-pragmas", *FEWER_COPIES)
FOR_THIS_PROCESSOR = ("-march=native",)
COMPILE_WITHIN_S = 300.0
KEY_DIGITS = 16


class NativeUnavailable(Exception):
    """Compiled code cannot be had; the message says why."""


def compiled(
    report: Callable[[str], None] = lambda _: None,
    target: Sequence[str] = FOR_THIS_PROCESSOR,
    folder: Path | None = None,
) -> Path:
    """The compiled library, compiled now if it is not there yet. Raises `NativeUnavailable`.

    `report` is told before a compilation. `target`: the flags that name a processor. `folder`: where the library is
    kept, by default in the user's cache folder.
    """
    compiler = _compiler()
    flags = [*FLAGS, *target]
    folder = folder or user_cache_path("afterword", appauthor=False) / "native"
    library = folder / f"decoder-{_key(compiler, flags)}.so"
    if library.exists():
        return library
    report("compiling kernels")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as partial:
            fresh = Path(partial) / library.name
            _run([*compiler, *flags, "-o", str(fresh), str(SOURCES / MAIN)])
            os.replace(fresh, library)
    except OSError as error:
        raise NativeUnavailable(f"kernels cannot be kept in {folder}: {error}") from error
    return library


def _compiler() -> list[str]:
    """The command named by CXX, or the first compiler found."""
    named = os.environ.get("CXX", "").split()
    for command in [named] if named else [[name] for name in COMPILERS]:
        if shutil.which(command[0]):
            return command
    wanted = named[0] if named else ", ".join(COMPILERS)
    raise NativeUnavailable(f"there is no C++ compiler ({wanted}); on Debian or Ubuntu: apt install g++")


def _key(compiler: list[str], flags: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for source in [*sorted(SOURCES.glob("*.h")), SOURCES / MAIN]:
        digest.update(source.read_bytes())
    digest.update(_run([*compiler, "--version"]).encode())
    digest.update("\0".join([*compiler, *flags, platform.machine(), _features()]).encode())
    return digest.hexdigest()[:KEY_DIGITS]


def _features() -> str:
    """Instruction sets of the processor, as far as the system lists them."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NativeUnavailable(f"{command[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise NativeUnavailable(f"{command[0]} failed: {said[0] if said else f'status {done.returncode}'}")
    return done.stdout
