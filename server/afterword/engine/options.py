"""What whoever starts an engine decides about it.

What lives here: values and their defaults, and how they are written as a command line. Nothing here imports torch, so
that the process that starts an engine need not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_CACHE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """The model an engine loads, and the resources it may use.

    `folder`: model folder with `config.json`, weights and `tokenizer.json`. `name`: how the model is called.
    `device`, `dtype`: as torch names them, or `auto`; several devices, with commas between them, are an engine each.
    `context_tokens`: longest prompt and continuation a document may have; `None` is decided by the engine.
    `cache_bytes`: memory for key/value caches. `threads`: of torch on a CPU; `None` leaves it to torch.
    `cuda_graphs`: whether small steps on a GPU are recorded once and launched as a whole.
    """

    folder: Path
    name: str
    device: str = "auto"
    dtype: str = "auto"
    context_tokens: int | None = None
    cache_bytes: int = DEFAULT_CACHE_BYTES
    threads: int | None = None
    cuda_graphs: bool = True

    @property
    def devices(self) -> list[str]:
        """The devices named, at least one."""
        return [device.strip() for device in self.device.split(",")]

    def arguments(self) -> list[str]:
        """The options as arguments of `python -m afterword.worker`."""
        given = {
            "--folder": self.folder,
            "--name": self.name,
            "--device": self.device,
            "--dtype": self.dtype,
            "--context-tokens": self.context_tokens,
            "--cache-bytes": self.cache_bytes,
            "--threads": self.threads,
        }
        # One word each, so that a value that begins with a dash is still a value.
        arguments = [f"{flag}={value}" for flag, value in given.items() if value is not None]
        return arguments if self.cuda_graphs else [*arguments, "--no-cuda-graphs"]
