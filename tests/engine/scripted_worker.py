"""A process that speaks like an engine and behaves as its first argument says. Started by the tests of `EngineClient`.

It answers each request with one token, the length of the prompt, and then pauses.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from afterword.engine.api import EngineEvent, Failed, Paused, Progress, Ready, Request, Sampled, Started
from afterword.engine.ipc import COMMANDS, Lines, decode, encode


def main() -> None:
    behaviour, folder, descriptor = sys.argv[1], Path(sys.argv[2]), int(sys.argv[-1].removeprefix("--fd="))
    gateway = socket.socket(fileno=descriptor)

    def emit(*events: EngineEvent) -> None:
        gateway.sendall(encode(events))

    lives = folder / "lives"
    life = int(lives.read_text()) + 1 if lives.exists() else 1
    lives.write_text(str(life))
    (folder / "pid").write_text(str(os.getpid()))
    (folder / "environment").write_text("\n".join(os.environ))
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    emit(Progress("loading", 0.5))
    if behaviour == "refuses" or (behaviour == "refuses later" and life == 2):
        emit(Failed("no such model"))
        return
    if behaviour == "crashes at once" and life < 3:
        print("out of luck", file=sys.stderr)
        sys.exit(3)
    if behaviour == "loads slowly":
        while not (folder / "go").exists():
            time.sleep(0.01)
    if behaviour == "talks nonsense" and life == 1:
        gateway.sendall(b"what?\n")
        time.sleep(60)
    emit(Ready("scripted", 1024, 4, "cpu", "float32"))
    if behaviour == "does not read":
        while not (folder / "go").exists():
            time.sleep(0.01)
    if behaviour == "hangs":
        time.sleep(600)

    lines = Lines()
    while data := gateway.recv(1 << 16):
        for line in lines.feed(data):
            command = decode(line, COMMANDS)
            with (folder / "commands").open("a") as file:
                size = f" {len(command.tokens)}" if isinstance(command, Request) else ""
                file.write(f"{type(command).__name__.lower()} {getattr(command, 'run', '-')}{size}\n")
            if isinstance(command, Request):
                if behaviour == "dies on a request" and life == 1:
                    print("this is the end", file=sys.stderr)
                    sys.stderr.flush()
                    os.kill(os.getpid(), signal.SIGKILL)
                names = (command.owner, command.document, command.run)
                length = len(command.tokens)
                emit(Started(*names, length, 0, length, 0.0), Sampled(*names, 0, length, -0.1), Paused(*names, 0))


if __name__ == "__main__":
    main()
