"""Progress of long work: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

ProgressSink = Callable[[str, float | None], None]
"""Takes a stage in words and how much of it is done, 0 to 1, or `None` if unknown. Repeated calls are cheap."""

REPAINT_INTERVAL_S = 0.1
PLAIN_INTERVAL_S = 5.0
BAR_WIDTH = 24


def silent(stage: str, fraction: float | None) -> None:
    """A sink that shows nothing."""


def staged(progress: ProgressSink, stage: str) -> Callable[[float], None]:
    """Announce a stage; call the result with the fraction done."""
    progress(stage, 0.0)
    return lambda fraction: progress(stage, fraction)


class TerminalProgress:
    """A sink that writes to a terminal or a log. Use it as a context manager, which ends the live line."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._stage = ""  # the stage shown last
        self._since = 0.0  # when it began, seconds
        self._written_at = 0.0  # when a line was last written, seconds

    def __enter__(self) -> TerminalProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def __call__(self, stage: str, fraction: float | None = None) -> None:
        """Show a stage; a new stage starts a new line."""
        now = time.monotonic()
        fresh = stage != self._stage
        if fresh:
            self.finish()
            self._stage, self._since = stage, now
        if not self._live:
            self._plain(fraction, fresh, now)
        elif fresh or now - self._written_at >= REPAINT_INTERVAL_S or fraction == 1:
            self._written_at = now
            self._write("\r\x1b[K" + self._line(fraction)[: shutil.get_terminal_size().columns - 1])

    def finish(self) -> None:
        """End the live line, leaving the stage and how long it took."""
        if self._live and self._stage:
            self._write("\r\x1b[K" + self._line(None)[: shutil.get_terminal_size().columns - 1] + "\n")
        self._stage = ""

    def _line(self, fraction: float | None) -> str:
        seconds = time.monotonic() - self._since
        bar = ""
        if fraction is not None:
            filled = round(max(0.0, min(1.0, fraction)) * BAR_WIDTH)
            bar = f"  [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {fraction:4.0%}"
        return f"  {self._stage}{bar}" + (f"  {seconds:.0f} s" if seconds >= 1 else "")

    def _plain(self, fraction: float | None, fresh: bool, now: float) -> None:
        if fresh:
            self._write(f"  {self._stage}\n")
        elif now - self._written_at < PLAIN_INTERVAL_S:
            return
        else:
            self._write(self._line(fraction) + "\n")
        self._written_at = now

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
