"""The command line: commands, flags and help texts. What a command does is in the module named after it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from afterword.config.settings import GROUP_OF, RENAMED, all_fields
from afterword.config.settings_text import allowed, field_of, flag_of, shown_default
from afterword_protocol.messages import Stop

GROUP_TITLES = {"server": "server", "model": "model", "limits": "limits for each connection"}

ABOUT = """Live ghost text for editors: a server that suggests text at the caret while somebody types."""

EXAMPLES = """examples:
  afterword serve                              the built-in model, at ws://127.0.0.1:8765/v1
  afterword serve --model ./my-model           another model: a folder, a GGUF file, or a Hugging Face id
  afterword complete "It was a dark and"       one continuation on the terminal
  afterword try                                type, and see ghost text as an editor would show it
  afterword models                             the models on this machine

Every setting can also be an AFTERWORD_* variable (AFTERWORD_PORT=9000) or a line in a TOML file (port = 9000)."""

COMPLETE_EXAMPLES = """examples:
  afterword complete "Dear Sir or Madam,"
  echo "The three laws are" | afterword complete - --stop none --max-tokens 100
  afterword complete "Once" --alternatives 3
  afterword complete "Once" --temperature 0.8 --seed 7
  afterword complete "Once" --server ws://127.0.0.1:8765/v1"""

TRY_KEYS = """keys:
  Tab                 accept all of the ghost text
  Ctrl-Right, Alt-F   accept one word
  Esc                 dismiss it
  Alt-] and Alt-[     show the next or previous alternative
  Ctrl-D              quit and print what you wrote"""

MODELS_EXAMPLES = """examples:
  afterword models                         list
  afterword models get HuggingFaceTB/SmolLM2-360M
  afterword models verify                  check all files by their checksums
  afterword models remove smollm2-135m-instruct"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and point to --help."""

    def error(self, message: str) -> NoReturn:
        """Print the error and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}\nTry:  {self.prog} --help\n")


def build_parser(handlers: dict[str, Callable[[argparse.Namespace], int]]) -> argparse.ArgumentParser:
    """The parser; `run` of the namespace that it returns is the handler of the command."""
    parser = _parser(Parser, "afterword", ABOUT, EXAMPLES)
    parser.add_argument("-V", "--version", action="version", version=f"afterword {version('afterword')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)

    def command(name: str, about: str, epilog: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, **_texts(about, epilog))
        added.set_defaults(run=handlers[name])
        return added

    _add_settings(command("serve", "Run the server until Ctrl-C or SIGTERM."), "server", "model", "limits")
    _add_complete(command("complete", "Continue a text, streaming to the terminal.", COMPLETE_EXAMPLES))
    _add_try(command("try", "Type in the terminal and see ghost text.", TRY_KEYS))
    _add_models(command("models", "List, get, verify or remove models.", MODELS_EXAMPLES))
    return parser


def _add_complete(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help="the text to continue; - reads it from standard input")
    parser.add_argument("--max-tokens", type=_count, default=64, metavar="N", help="most tokens to write (64)")
    _add_stop(parser, Stop.NONE)
    parser.add_argument(
        "--temperature",
        type=_temperature,
        default=0.0,
        metavar="T",
        help="0 to 2; 0 always takes the most likely token (0)",
    )
    parser.add_argument("--seed", type=_seed, metavar="N", help="makes sampling at a temperature above 0 repeatable")
    parser.add_argument(
        "--alternatives", type=_count, default=1, metavar="N", help="number of texts, printed one below the other (1)"
    )
    parser.add_argument(
        "--preface", metavar="TEXT", help="text that the model sees before TEXT, such as a title or notes on style"
    )
    _add_server(parser)
    _add_settings(parser, "model")


def _add_try(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="?", default="", help="text to start with")
    parser.add_argument("--max-tokens", type=_count, default=24, metavar="N", help="longest suggestion, in tokens (24)")
    _add_stop(parser, Stop.SENTENCE)
    parser.add_argument(
        "--alternatives", type=_count, default=3, metavar="N", help="number of alternatives that Alt-] goes through (3)"
    )
    parser.add_argument("--preface", metavar="TEXT", help="text that the model sees before yours")
    _add_server(parser)
    _add_settings(parser, "model")


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=["list", "get", "verify", "remove"], default="list", help="what to do (list)"
    )
    parser.add_argument(
        "which",
        nargs="?",
        metavar="MODEL",
        help="builtin, a Hugging Face id, a folder, a GGUF file, or a name from the list",
    )
    _add_config(parser)
    _add_setting(parser, "cache_dir")


def _add_stop(parser: argparse.ArgumentParser, default: Stop) -> None:
    kinds = [stop.value for stop in Stop]
    parser.add_argument("--stop", choices=kinds, default=default.value, help=f"where to end ({default.value})")


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server",
        metavar="URL",
        help="use a running server, such as ws://127.0.0.1:8765/v1, with the token in AFTERWORD_TOKEN",
    )


def _add_config(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="TOML file with settings (afterword.toml here, or in the user's configuration folder)",
    )


def _add_settings(parser: argparse.ArgumentParser, *groups: str) -> None:
    """Add flags for the settings in these groups. Values stay text; they are checked with those of other sources."""
    for group in groups:
        titled = parser.add_argument_group(GROUP_TITLES[group])
        if group == groups[0]:
            _add_config(titled)
        for each in all_fields(group):
            if not each.metadata["secret"]:
                _add_setting(titled, each.name)
        for old, new in RENAMED.items():
            if GROUP_OF[new] == group:
                titled.add_argument(flag_of(old), dest=old, help=argparse.SUPPRESS)


def _add_setting(parser: argparse.ArgumentParser | argparse._ArgumentGroup, name: str) -> None:
    kind = allowed(name)
    metavar = (
        kind.removeprefix("one of ").replace(", ", "|")
        if kind.startswith("one of")
        else name.rsplit("_", 1)[-1].upper()
    )
    details = field_of(name).metadata
    default = f" ({shown_default(name)} {details['unit']}".rstrip() + ")" if shown_default(name) else ""
    parser.add_argument(
        flag_of(name), dest=name, metavar=metavar, help=f"{details['help']}{default}".replace("%", "%%")
    )


def _parser(kind: type[argparse.ArgumentParser], name: str, about: str, epilog: str) -> argparse.ArgumentParser:
    return kind(prog=name, **_texts(about, epilog))


def _texts(about: str, epilog: str) -> dict[str, Any]:
    return {
        "description": about,
        "epilog": epilog or None,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def _count(text: str) -> int:
    return int(_number(text, int, 1, 10_000))


def _seed(text: str) -> int:
    return int(_number(text, int, 0, 2**53 - 1))


def _temperature(text: str) -> float:
    return _number(text, float, 0, 2)


def _number(text: str, kind: type[int] | type[float], least: float, most: float) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = kind(least - 1)
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not {'a whole number' if kind is int else 'a number'} from {least} to {most}"
        )
    return value
