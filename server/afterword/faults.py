"""How a bug gets into a log, but nothing of what somebody wrote.

What lives here: the description of an exception by its type and its traceback. Its message is left out, because
messages quote values, and values here are texts: a KeyError names the key, a UnicodeError holds the string.
"""

from __future__ import annotations

import traceback

# Messages of these come from the operating system or from torch, and are about files, memory and shapes.
OUTSPOKEN = (OSError, MemoryError, ImportError, RuntimeError)


def describe_fault(error: BaseException, *, outspoken: bool = False) -> str:
    """An exception as a few lines: its traceback, outermost frame first, and its type.

    `outspoken` adds the message of types that do not quote values; for code that holds no text of a writer.
    """
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    kind = type(error).__qualname__
    if outspoken and isinstance(error, OUTSPOKEN):
        kind = f"{kind}: {error}"
    cause = error.__cause__
    if cause is not None:
        kind += f", caused by {type(cause).__qualname__}"
    return "\n".join([*lines, kind])
