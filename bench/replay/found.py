"""Which servers can be had here, from what was named on the command line and what is installed."""

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

from .hosts import Peer
from .peers import AfterwordPeer, LlamaAt, LlamaPeer, OpenAIAt, TransformersPeer, VllmPeer


@dataclass(frozen=True, slots=True)
class Named:
    """Servers as the command line names them. `others`: whether to start transformers and vLLM if installed."""

    llama_server: Path | None = None
    llama_url: str | None = None
    openai_urls: tuple[str, ...] = ()
    others: bool = True


def find(
    named: Named, model: str, files: ModelFiles, session: aiohttp.ClientSession, tell: Callable[[str], None]
) -> list[Peer]:
    """All servers to measure, Afterword first; tells which are missing, and why. Raises OSError for a wrong address."""
    peers: list[Peer] = [AfterwordPeer(model, files, session)]
    weights = _gguf(model)
    program = named.llama_server or _on_path("llama-server")
    try:
        if named.llama_url:
            peers.append(LlamaAt(named.llama_url, session))
        elif program and weights:
            peers.append(LlamaPeer(program, weights, session))
        else:
            tell(
                "without llama.cpp: name its server with --llama-server or --llama-url"
                if weights
                else "without llama.cpp: the model is no GGUF file"
            )
        peers += [OpenAIAt(url, session) for url in named.openai_urls]
    except (urllib.error.URLError, ValueError, LookupError) as error:
        raise OSError(f"a server that was named does not answer as expected: {error}") from error
    if named.others:
        if transformers_can_serve():
            peers += [TransformersPeer(files.folder, batching, session) for batching in (True, False)]
        else:
            tell("without transformers serve: install the extra `bench`")
        if vllm_can_serve():
            peers.append(VllmPeer(files.folder, session))
    return peers


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
