"""Records a session of `afterword try` as an animated SVG: `python docs/record.py docs/try.svg`.

What is shown is what the program printed, at the pace at which it did.
"""

from __future__ import annotations

import contextlib
import html
import os
import pty
import select
import struct
import sys
import termios
import time
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

import pyte

COLUMNS, ROWS = 106, 7
KEY_S = 0.16
READY_WITHIN_S = 120.0
LAST_FRAME_S = 3.0
CELL_W, CELL_H, PAD = 8.43, 19, 14
BACKGROUND, TEXT, DIM, BAR = "#1b1f24", "#e6e8ea", "#7d8590", "#3a4048"

TAB, NEXT_WORD = "\t", "\x1bf"
START = "The keeper's daughter counted the steps every morning. "
SCRIPT: list[tuple[str, float]] = [  # what is typed, and how long to look at it
    *[(key, KEY_S) for key in "There were"],
    ("", 1.2),
    (NEXT_WORD, 0.7),
    (NEXT_WORD, 0.9),
    (TAB, 1.4),
    *[(key, KEY_S) for key in " On cold days she would"],
    ("", 1.4),
    (TAB, 1.6),
]

Run = tuple[str, str, bool]  # text, colour, whether reversed


@dataclass(frozen=True)
class Frame:
    """The screen from a moment on: its rows as runs of one style, and the caret's row and column."""

    at_s: float
    rows: tuple[tuple[Run, ...], ...]
    caret: tuple[int, int]


def main() -> None:
    """Record and write the file named on the command line."""
    frames = record([sys.executable, "-m", "afterword", "try", START])
    Path(sys.argv[1]).write_text(as_svg(frames), "utf-8")
    print(f"{len(frames)} frames, {frames[-1].at_s:.1f} s")


def record(command: list[str]) -> list[Frame]:
    """Run the program on a terminal, type the script, and note each change of the screen."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(command[0], command)
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    frames: list[Frame] = []

    def watch(seconds: float, began: float | None) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([terminal], [], [], left)[0]:
                data = os.read(terminal, 65536)
                if b"\x1b[6n" in data:  # where the caret is, the program asks
                    os.write(terminal, f"\x1b[{screen.cursor.y + 1};{screen.cursor.x + 1}R".encode())
                stream.feed(data)
                if began is not None:
                    frame = snapshot(screen, time.monotonic() - began)
                    if not frames or (frame.rows, frame.caret) != (frames[-1].rows, frames[-1].caret):
                        frames.append(frame)

    deadline = time.monotonic() + READY_WITHIN_S
    while "first text" not in screen.display[-1] and time.monotonic() < deadline:
        watch(0.2, None)
    watch(1.0, None)
    began = time.monotonic()
    frames.append(snapshot(screen, 0.0))
    watch(1.0, began)
    for keys, look_s in SCRIPT:
        os.write(terminal, keys.encode())
        watch(look_s, began)
    os.write(terminal, b"\x04")
    with contextlib.suppress(OSError):  # what a terminal says once its program has gone
        while os.read(terminal, 65536):
            pass
    os.waitpid(pid, 0)
    return frames


def snapshot(screen: pyte.Screen, at_s: float) -> Frame:
    """What the screen shows now."""
    rows = []
    for y in range(ROWS):
        runs: list[Run] = []
        for x in range(COLUMNS):
            cell = screen.buffer[y][x]
            colour = DIM if cell.fg in ("brightblack", "7f7f7f") else TEXT
            if runs and runs[-1][1:] == (colour, cell.reverse):
                runs[-1] = (runs[-1][0] + cell.data, colour, cell.reverse)
            else:
                runs.append((cell.data, colour, cell.reverse))
        rows.append(tuple(runs))
    return Frame(at_s, tuple(rows), (screen.cursor.y, screen.cursor.x))


def as_svg(frames: list[Frame]) -> str:
    """All frames, each shown in its time, for ever."""
    width, height = COLUMNS * CELL_W + 2 * PAD, ROWS * CELL_H + 2 * PAD
    total = frames[-1].at_s + LAST_FRAME_S
    style = (
        "text{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}"
        f".f{{visibility:hidden;animation:{total:.2f}s step-end infinite}}"
    )
    body = []
    for number, frame in enumerate(frames):
        end_s = frames[number + 1].at_s if number + 1 < len(frames) else total
        begin, end = 100 * frame.at_s / total, 100 * end_s / total
        hidden = "visibility:hidden"
        before = f"0%{{{hidden}}}" if number else ""
        after = f"{end:.3f}%{{{hidden}}}" if number + 1 < len(frames) else ""
        style += f"@keyframes k{number}{{{before}{begin:.3f}%{{visibility:visible}}{after}}}"
        still = "" if number + 1 < len(frames) else "visibility:visible;"  # for viewers without animations
        body.append(f'<g class="f" style="{still}animation-name:k{number}">{_drawn(frame)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">'
        f"<style>{style}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{"".join(body)}</svg>\n'
    )


def _drawn(frame: Frame) -> str:
    parts = []
    left, top = PAD + frame.caret[1] * CELL_W, PAD + frame.caret[0] * CELL_H + 2
    parts.append(f'<rect x="{left:.1f}" y="{top}" width="2" height="{CELL_H - 3}" fill="{TEXT}"/>')
    for y, runs in enumerate(frame.rows):
        x = 0
        for text, colour, reverse in runs:
            left, top = PAD + x * CELL_W, PAD + y * CELL_H
            if reverse:
                parts.append(
                    f'<rect x="{left:.1f}" y="{top}" width="{len(text) * CELL_W:.1f}" height="{CELL_H}" fill="{BAR}"/>'
                )
            if text.strip():
                parts.append(
                    f'<text x="{left:.1f}" y="{top + 14}" fill="{colour}" textLength="{len(text) * CELL_W:.1f}" '
                    f'xml:space="preserve">{html.escape(text)}</text>'
                )
            x += len(text)
    return "".join(parts)


if __name__ == "__main__":
    main()
