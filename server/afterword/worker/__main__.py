"""The worker process: `python -m afterword.worker`, which the gateway starts with a socket to speak over.

What lives here: one thread that reads commands, one that loads the model and then steps, and the end of the process. It
ends when the gateway hangs up or dies, whatever it is doing at that moment. The lines on the socket are those of
`engine.ipc`.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from afterword.engine.api import EngineEvent, Failed, Progress
from afterword.engine.ipc import COMMANDS, Lines, decode, encode
from afterword.engine.options import EngineOptions
from afterword.faults import describe_fault
from afterword.worker.thread_priority import give_way

if TYPE_CHECKING:
    from afterword.worker.engine_core import EngineCore

_log = logging.getLogger("afterword.worker")

# How long the stepping thread may hold the interpreter lock when a command has arrived. The default, 5 ms, is a good
# part of a step.
SWITCH_INTERVAL_S = 0.000_2

READ_BYTES = 1 << 20


class GatewaySocket:
    """The socket to the gateway. Commands go to the core once there is one; the gateway sends none before."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.core: EngineCore | None = None

    def emit(self, events: Sequence[EngineEvent]) -> None:
        """Send events; blocks while the gateway does not read. Ends the process if the gateway is gone."""
        try:
            self._connection.sendall(encode(events))
        except OSError:
            _leave()

    def listen(self) -> None:
        """Read commands until the gateway hangs up, then end the process. Runs on a thread of its own."""
        lines = Lines()
        try:
            while data := self._connection.recv(READ_BYTES):
                for line in lines.feed(data):
                    command = decode(line, COMMANDS)
                    if self.core is not None:
                        self.core.submit(command)
        except OSError:
            pass
        except Exception as error:
            _log.error("a command could not be carried out\n%s", describe_fault(error, outspoken=True))
            _leave(status=1)
        _leave()


class _Formatter(logging.Formatter):
    """Formats exceptions without their messages, which may hold tokens of a text."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return describe_fault(ei[1], outspoken=True) if ei[1] is not None else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Load the model and step until the gateway hangs up. Returns only if the model cannot be loaded."""
    args = _parse(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the gateway, which then closes the socket
    faulthandler.enable()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _log_to_stderr()
    gateway = GatewaySocket(socket.socket(fileno=args.fd))
    threading.Thread(target=gateway.listen, name="listener", daemon=True).start()
    give_way()  # but not the listener, which started before
    gateway.emit([Progress("loading torch")])
    try:
        from afterword.worker.loading import load_core

        loaded = load_core(args.options, lambda progress: gateway.emit([progress]))
    except Exception as error:  # no writer's text has come yet, so messages may be logged in full
        _log.error("the model could not be loaded", exc_info=error)
        gateway.emit([Failed(_reason(error))])
        return 1
    # What has been loaded stays for good; searching it for garbage again and again would cost steps.
    gc.collect()
    gc.freeze()
    gateway.core = loaded.core
    gateway.emit([loaded.ready])
    loaded.core.run_forever(gateway.emit)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m afterword.worker", description="Started by the gateway.")
    parser.add_argument("--fd", type=int, required=True, help="number of the open socket to the gateway")
    parser.add_argument("--options", type=EngineOptions.from_json, required=True, help="the options, as JSON")
    return parser.parse_args(arguments)


def _reason(error: Exception) -> str:
    """Why loading failed, in characters that JSON can carry."""
    message = str(error) or type(error).__name__
    if isinstance(error, OSError | ImportError | RuntimeError):
        message = f"{type(error).__name__}: {message}"
    return message.encode(errors="replace").decode()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


def _leave(status: int = 0) -> None:
    """End the process now, from any thread: nothing in it is worth saving, and a step may take seconds."""
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:
        _log.error("the worker failed\n%s", describe_fault(error, outspoken=True))
        sys.exit(1)
