"""The command `afterword` as a person or a script runs it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyte
import pytest

from afterword.client import connect

HANG_S = 120.0
PROGRAM = [sys.executable, "-m", "afterword"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a user who has set nothing and cached nothing."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AFTERWORD_", "HF_"))}
    return kept | {
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "HF_HUB_OFFLINE": "1",
    }


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(environment: dict[str, str], tmp_path: Path) -> Command:
    """Runs `afterword ARGUMENTS` to its end."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
            cwd=tmp_path,
            env=environment | variables,
        )

    return run


def test_help_and_version_suffice(command: Command) -> None:
    overall = command("--help")
    assert overall.returncode == 0
    assert all(name in overall.stdout for name in ("serve", "complete", "try", "models", "examples:", "AFTERWORD_"))
    assert command("--version").stdout.startswith("afterword 0.")
    assert "--max-message-bytes" in command("serve", "--help").stdout
    assert "echo" in command("complete", "--help").stdout
    assert "Ctrl-Right" in command("try", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "COMMAND"),
        (["sing"], 2, "invalid choice: 'sing'"),
        (["serve", "--port", "99999"], 2, "setting port, from --port: '99999' is not allowed"),
        (["serve", "--config", "missing.toml"], 2, "missing.toml cannot be read"),
        (["serve", "--host", "0.0.0.0"], 2, "without a token"),
        (["serve", "--model", "./nowhere"], 1, "there is no model at"),
        (["serve", "--model", "owner/name"], 1, "afterword models get owner/name"),
        (["complete", "x", "--temperature", "9"], 2, "'9' is not a number from 0 to 2"),
        (["complete", "x", "--max-tokens", "none"], 2, "'none' is not a whole number from 1"),
        (["complete", "x", "--server", "localhost:8765"], 1, "is not the URL of a server"),
        (["complete", "x", "--server", "ws://127.0.0.1:1"], 1, "cannot connect to ws://127.0.0.1:1"),
        (["try"], 1, "try needs a terminal"),
        (["models", "get"], 1, "name the model to get"),
        (["models", "remove", "nothing"], 1, "there is no converted model 'nothing'"),
    ],
)
def test_a_mistake_is_told_in_lines_and_a_status(
    command: Command, arguments: Sequence[str], status: int, said: str
) -> None:
    done = command(*arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_wrong_variable_is_named(command: Command) -> None:
    done = command("serve", AFTERWORD_CACHE_MB="lots")
    assert (done.returncode, "from AFTERWORD_CACHE_MB: 'lots'" in done.stderr) == (2, True)


def test_models_lists_the_builtin_one_with_its_licence(command: Command) -> None:
    done = command("models")
    assert done.returncode == 0
    assert "builtin" in done.stdout
    assert "Apache-2.0" in done.stdout


def test_a_gguf_file_is_got_verified_and_removed(
    command: Command, environment: dict[str, str], write_gguf: Callable[[], Path]
) -> None:
    tiny_gguf_file = write_gguf()
    got = command("models", "get", str(tiny_gguf_file))
    assert got.returncode == 0, got.stderr
    assert "tiny (mit) is ready in" in got.stdout
    assert "unpacking" in got.stderr
    assert any(line.startswith("tiny ") for line in command("models").stdout.splitlines())
    assert command("models", "verify", "tiny").stdout.startswith("ok ")

    (folder,) = (Path(environment["XDG_CACHE_HOME"]) / "afterword" / "models").glob("tiny-*")
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    verified = command("models", "verify", "tiny")
    assert verified.returncode == 1
    assert verified.stdout.startswith("damaged")
    assert "the checksum of model.safetensors is wrong" in verified.stdout

    assert command("models", "remove", "tiny").returncode == 0
    assert not folder.exists()


@pytest.fixture(scope="module")
def server(environment: dict[str, str], tiny_model_folder: Callable[..., Path]) -> Iterator[Server]:
    """`afterword serve` with a small random model, ready."""
    server = Server(environment, ["--model", str(tiny_model_folder("qwen3", readable=True)), "--port", "0"])
    yield server
    server.stop(signal.SIGKILL)


class Server:
    """A server of its own process."""

    def __init__(self, environment: dict[str, str], arguments: Sequence[str]) -> None:
        command = [*PROGRAM, "serve", *arguments]
        folder = environment["XDG_CACHE_HOME"].removesuffix("cache")  # a folder without settings
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment)
        assert self.process.stdout is not None
        self.banner = ""
        while not self.banner.endswith("Ctrl-C\n"):
            line = self.process.stdout.readline()
            assert line, f"the server ended, saying {self.banner!r}"
            self.banner += line

    @property
    def url(self) -> str:
        return self.banner.split("editors")[1].split()[0]

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; returns the exit status and what else was said."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=HANG_S)
        return self.process.returncode, rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_where_it_is_and_stops_cleanly(
    environment: dict[str, str], number: signal.Signals, tiny_model_folder: Callable[..., Path]
) -> None:
    server = Server(environment, ["--model", str(tiny_model_folder("llama", readable=True)), "--port", "0"])
    assert server.url.startswith("ws://127.0.0.1:")
    assert server.url.endswith("/v1")
    assert f"http://{server.url.removeprefix('ws://').removesuffix('/v1')}/healthz" in server.banner
    assert server.stop(number) == (0, "Stopped.\n")


def test_another_model_answers_through_the_server_and_complete_agrees(server: Server, command: Command) -> None:
    async def ask() -> tuple[str, str]:
        async with connect(server.url) as client:
            document = await client.open("d", "The quick brown")
            suggestion = document.suggest(max_tokens=12, stop="none")
            pieces = [piece async for piece in suggestion]
            assert client.welcome is not None
            assert "".join(pieces) == suggestion.text
            return client.welcome.model, suggestion.text

    model, text = asyncio.run(ask())
    assert model.startswith("qwen3")
    done = command("complete", "The quick brown", "--max-tokens", "12", "--server", server.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{text}\n"

    piped = command("complete", "-", "--max-tokens", "12", "--server", server.url, stdin="The quick brown\n")
    assert piped.stdout == done.stdout

    several = command("complete", "The quick brown", "--max-tokens", "3", "--alternatives", "3", "--server", server.url)
    assert [f"[{number}]" in several.stdout for number in (1, 2, 3, 4)] == [True, True, True, False]

    refused = command("complete", "x", "--max-tokens", "9999", "--server", server.url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "256" in refused.stderr, "the server's limit is told"


def test_a_port_in_use_is_told(server: Server, command: Command, tiny_model_folder: Callable[..., Path]) -> None:
    port = server.url.rsplit(":", 1)[1].split("/")[0]
    done = command("serve", "--port", port, "--model", str(tiny_model_folder("qwen3", readable=True)))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr


def test_a_reader_that_goes_away_ends_it_without_complaint(
    server: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    writer = subprocess.Popen(
        [*PROGRAM, "complete", "The", "--max-tokens", "200", "--server", server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    assert writer.stderr.read() == b""
    writer.stderr.close()
    assert writer.wait(HANG_S) == 141


def test_an_interrupt_while_completing_ends_it_quietly(
    environment: dict[str, str], tmp_path: Path, tiny_model_folder: Callable[..., Path]
) -> None:
    writer = subprocess.Popen(
        [*PROGRAM, "complete", "The", "--max-tokens", "200", "--model", str(tiny_model_folder("llama", readable=True))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert writer.stderr is not None
    assert "loading torch" in writer.stderr.readline()
    writer.send_signal(signal.SIGINT)
    _, said = writer.communicate(timeout=HANG_S)
    assert writer.returncode == 130
    assert "Traceback" not in said


def test_complete_without_a_server_writes_on(command: Command, tiny_model_folder: Callable[..., Path]) -> None:
    done = command(
        "complete", "The quick", "--max-tokens", "5", "--model", str(tiny_model_folder("llama", readable=True))
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 1


def test_try_runs_on_a_real_terminal(server: Server, environment: dict[str, str], tmp_path: Path) -> None:
    screen = pyte.Screen(100, 12)
    stream = pyte.ByteStream(screen)
    child, master = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [*PROGRAM, "try", "--server", server.url], environment | {"TERM": "xterm-256color"})
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 100, 0, 0))

    def until(holds: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + HANG_S
        while not holds():
            assert time.monotonic() < deadline, f"{what}: {screen.display}"
            if select.select([master], [], [], 0.05)[0]:
                stream.feed(os.read(master, 65536))

    def dim() -> str:
        cells = [screen.buffer[row][column] for row in range(11) for column in range(100)]
        return "".join(cell.data for cell in cells if cell.fg == "brightblack").strip()

    until(lambda: "^D quit" in screen.display[11], "the status line comes up")
    os.write(master, b"The quick")
    until(lambda: screen.display[0].startswith("The quick"), "what is typed is shown")
    until(dim, "ghost text appears")
    until(lambda: "first text" in screen.display[11], "its time is shown")
    os.write(master, b"\t")
    until(lambda: screen.cursor.y > 0 or screen.cursor.x > len("The quick"), "Tab takes it")
    os.write(master, b"\x04")
    written = b""
    try:
        while block := os.read(master, 65536):
            written += block
    except OSError:
        pass  # the terminal's other end is closed
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"The quick" in written.split(b"\x1b[?1049l")[-1], "what was written is printed at the end"
