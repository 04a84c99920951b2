"""The entry point of the command `afterword`: dispatch, and errors turned into a line and an exit status.

Status 0: success. 1: failure. 2: wrong usage or settings. 130: interrupted. 141: nobody reads the output any more.
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
        return _report(error, 2)
    except (ModelError, CommandError) as error:
        return _report(error, 1)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has what it wanted; keep the interpreter from complaining about the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _report(error: Exception, status: int) -> int:
    for line in str(error).splitlines():
        print(f"afterword: {line}", file=sys.stderr)
    return status


# A command's module is imported when it runs: listing models need not load the server.


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
