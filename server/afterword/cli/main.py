"""The entry of the command `afterword`: dispatch, and the end of every error in a line and an exit status.

Status 0: done. 1: it could not be done. 2: wrong usage or settings. 130: interrupted. 141: the reader went away.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from afterword.cli.errors import CommandError
from afterword.cli.parser import build_parser
from afterword.config.settings import SettingsError
from afterword.models import ModelError

INTERRUPTED = 130
READER_GONE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = build_parser({"serve": _serve, "complete": _complete, "try": _try, "models": _models})
    args = parser.parse_args(arguments)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except SettingsError as error:
        return _say(error, 2)
    except (ModelError, CommandError) as error:
        return _say(error, 1)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has what was wanted; keep the interpreter from complaining about the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _say(error: Exception, status: int) -> int:
    for line in str(error).splitlines():
        print(f"afterword: {line}", file=sys.stderr)
    return status


# Commands are imported when they are run: one that lists models need not load what serves them.


def _serve(args: Namespace) -> int:
    from afterword.cli.serve import run

    return run(args)


def _complete(args: Namespace) -> int:
    from afterword.cli.complete import run

    return run(args)


def _try(args: Namespace) -> int:
    from afterword.cli.try_command import run

    return run(args)


def _models(args: Namespace) -> int:
    from afterword.cli.models import run

    return run(args)
