"""Which servers can be had here, from what the command line names and what is installed."""

from __future__ import annotations

import shutil
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import aiohttp

from afterword.models import ModelFiles
from afterword.models.builtin import SPEC, locate

from .server import Server
from .servers import AfterwordServer, LlamaServer, RemoteLlama, RemoteOpenAI, TransformersServer, VllmServer
from .stop_rule import StopRule


@dataclass(frozen=True, slots=True)
class ServerArgs:
    """The servers that the command line names, and the stop rule for all of them.

    `llama_version`: in place of what that server says of itself. `others`: whether to start transformers and vLLM if
    they are installed.
    """

    llama_server: Path | None = None
    llama_url: str | None = None
    llama_version: str | None = None
    openai_urls: tuple[str, ...] = ()
    others: bool = True
    stop: str = "sentence"


def find_servers(
    args: ServerArgs, model: str, files: ModelFiles, session: aiohttp.ClientSession, say: Callable[[str], None]
) -> list[Server]:
    """All servers to measure, Afterword first; says which are missing, and why. Raises OSError for a wrong address."""
    rule = StopRule(args.stop)
    servers: list[Server] = [AfterwordServer(model, session, rule)]
    weights = _gguf(model)
    program = args.llama_server or _on_path("llama-server")
    try:
        if args.llama_url:
            servers.append(RemoteLlama(args.llama_url, session, rule, args.llama_version))
        elif program and weights:
            servers.append(LlamaServer(program, weights, session, rule, args.llama_version))
        else:
            say(
                "without llama.cpp: name its server with --llama-server or --llama-url"
                if weights
                else "without llama.cpp: the model is no GGUF file"
            )
        servers += [RemoteOpenAI(url, session, rule) for url in args.openai_urls]
    except (urllib.error.URLError, ValueError, LookupError) as error:
        raise OSError(f"a server that was named does not answer as expected: {error}") from error
    if args.others:
        if transformers_can_serve():
            servers += [TransformersServer(files.folder, batching, session, rule) for batching in (True, False)]
        else:
            say("without transformers serve: install the extra `bench`")
        if vllm_can_serve():
            servers.append(VllmServer(files.folder, session, rule))
    return servers


def _gguf(model: str) -> Path | None:
    """The file with the same weights that llama.cpp reads."""
    if model == SPEC:
        return locate()
    return Path(model) if model.endswith(".gguf") else None


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def transformers_can_serve() -> bool:
    """Whether what `transformers serve` needs beside transformers is installed."""
    return all(find_spec(name) for name in ("fastapi", "uvicorn", "openai"))


def vllm_can_serve() -> bool:
    """Whether vLLM is installed and there is a GPU for it."""
    if not find_spec("vllm"):
        return False
    import torch

    return torch.cuda.is_available()
