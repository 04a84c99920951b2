"""Runs the converter in a process of its own; turns its reports into progress and errors.

Not here: what it does (`convert`), and where its result is kept (`cache`).
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from afterword.models.cache import ModelFacts
from afterword.models.files import ModelError
from afterword.models.progress import ProgressSink

PULSE_S = 0.5
"""How often the current stage is reported again, so that a live line shows the elapsed time."""

KILL_GRACE_S = 5.0


def run_converter(kind: str, source: Path, folder: Path, progress: ProgressSink) -> ModelFacts:
    """Convert `source` into `folder`; `kind` is `gguf` or `tokenizer`. Raises `ModelError`."""
    command = [sys.executable, "-m", "afterword.models.convert", kind, str(source), str(folder)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8"
        )
        try:
            outcome = follow(process, progress)
        finally:
            end(process)
        if "done" in outcome:
            return facts_of(outcome["done"])
        errors.seek(0)
        output = errors.read().decode("utf-8", "replace").strip().splitlines()
        reason = outcome.get("error") or (
            output[-1] if output else f"the converter ended with status {process.returncode}"
        )
    raise ModelError(f"{source} cannot be converted: {reason}")


def follow(process: subprocess.Popen[str], progress: ProgressSink) -> dict[str, Any]:
    """Pass on the stages that a converter reports until it ends; returns its last report, or {} if there is none."""
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True).start()
    stage = "starting the converter"
    progress(stage, None)
    outcome: dict[str, Any] = {}
    while True:
        try:
            line = lines.get(timeout=PULSE_S)
        except queue.Empty:
            progress(stage, None)
            continue
        if line is None:
            process.wait()
            return outcome
        report = json.loads(line)
        if "stage" in report:
            stage = report["stage"]
            progress(stage, None)
        else:
            outcome = report


def read_lines(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    """Move the JSON lines of a stream into a queue, and `None` at its end; other output of libraries is dropped."""
    for line in stream:
        if line.startswith("{"):
            lines.put(line)
    lines.put(None)


def end(process: subprocess.Popen[str]) -> None:
    """End the converter, also when the wait for it was interrupted."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(KILL_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()


def facts_of(done: dict[str, Any]) -> ModelFacts:
    """The facts in the converter's last report."""
    organization = done.get("organization")
    name = done.get("name")
    attribution = " by ".join(str(part) for part in (name, organization) if part)
    return ModelFacts(done.get("license"), attribution, tuple(done.get("warnings", ())))
