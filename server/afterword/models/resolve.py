"""From the name of a model (`builtin`, a hub id, a folder, a GGUF file) to a folder that is ready to load.

What lives here: telling the four apart. Not here: how each is read (`builtin`, `hub`, `files`, `conversion`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from afterword.models import builtin
from afterword.models.cache import ConversionCache, ConversionRequest, ModelFacts, default_cache_dir
from afterword.models.conversion import run_converter
from afterword.models.files import SLOW_TOKENIZER_FILES, TOKENIZER, ModelError, ModelFiles, check_folder
from afterword.models.hub import card_license, from_hub, is_hub_id
from afterword.models.progress import ProgressSink, silent

GGUF_SUFFIX = ".gguf"
UNPACKED_BYTES_PER_GGUF_BYTE = 8
"""Disk space to require before unpacking: 4-bit weights become 32-bit weights."""


def resolve(
    spec: str, cache_dir: Path | None = None, progress: ProgressSink = silent, refresh: bool = False
) -> ModelFiles:
    """The model that `spec` names, downloaded and converted if necessary.

    `spec`: `builtin`, the path of a model folder or a GGUF file, or an id of the Hugging Face hub, tried in this order.
    `cache_dir`: for conversions; `None` is the user's cache folder. `refresh` asks the hub again even if the model is
    in its cache. May take minutes. Raises `ModelError`.
    """
    cache = ConversionCache(cache_dir or default_cache_dir())
    if spec in (builtin.SPEC, builtin.BUILTIN.name):
        return _builtin(cache, progress)
    path = Path(spec).expanduser()
    try:
        is_folder, is_file = bool(spec) and path.is_dir(), path.is_file()
    except (OSError, ValueError):  # a name too long for a path, say, or with a NUL in it
        is_folder = is_file = False
    if is_folder:
        return _folder(path, cache, progress)
    if is_file:
        return _gguf(path, cache, progress)
    if looks_like_path(spec):
        raise ModelError(f"there is no model at {path.absolute()}")
    if not is_hub_id(spec):
        raise ModelError(
            f"{spec!r} is not the name of a model: use {builtin.SPEC!r}, a model folder, a GGUF file, "
            "or an id of the Hugging Face hub"
        )
    files = from_hub(spec, progress, refresh)
    return _with_tokenizer(files, cache, progress)


def looks_like_path(spec: str) -> bool:
    """Whether a text can only be a path."""
    return spec.startswith((".", "/", "~")) or spec.lower().endswith(GGUF_SUFFIX) or spec.count("/") > 1 or "\\" in spec


def _builtin(cache: ConversionCache, progress: ProgressSink) -> ModelFiles:
    model = builtin.BUILTIN
    source = builtin.locate(model)

    def unpack(folder: Path) -> ModelFacts:
        facts = run_converter("gguf", source, folder, progress)
        text = builtin.license_text(model)
        if text:
            (folder / model.license_file).write_text(text, "utf-8")
        return ModelFacts(model.license, model.attribution, facts.warnings)

    needed = model.size_bytes * UNPACKED_BYTES_PER_GGUF_BYTE
    request = ConversionRequest(source, model.name, needed, model.sha256)
    return (cache.find(source) or cache.make(request, progress, unpack)).model


def _gguf(path: Path, cache: ConversionCache, progress: ProgressSink) -> ModelFiles:
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"{path} is not a GGUF file; use a GGUF file or a model folder")
    request = ConversionRequest(path, path.stem, path.stat().st_size * UNPACKED_BYTES_PER_GGUF_BYTE)
    found = cache.find(path) or cache.make(request, progress, lambda to: run_converter("gguf", path, to, progress))
    for warning in found.manifest.warnings:
        progress(f"warning: {warning}", None)
    return found.model


def _folder(path: Path, cache: ConversionCache, progress: ProgressSink) -> ModelFiles:
    inside = [entry for entry in path.iterdir() if entry.suffix.lower() == GGUF_SUFFIX]
    if inside and not (path / "config.json").is_file():
        if len(inside) == 1:
            return _gguf(inside[0], cache, progress)
        raise ModelError(f"{path} has {len(inside)} GGUF files; name one of them, such as {sorted(inside)[0]}")
    check_folder(path)
    folder = path.resolve()
    return _with_tokenizer(ModelFiles(folder, folder.name, card_license(folder)), cache, progress)


def _with_tokenizer(files: ModelFiles, cache: ConversionCache, progress: ProgressSink) -> ModelFiles:
    """The same model if it has `tokenizer.json`; else a folder with links to its files and a new `tokenizer.json`."""
    if (files.folder / TOKENIZER).is_file():
        return files
    source = next(path for name in SLOW_TOKENIZER_FILES if (path := files.folder / name).is_file())
    place = hashlib.sha256(str(files.folder).encode()).hexdigest()[:8]

    def build(folder: Path) -> ModelFacts:
        run_converter("tokenizer", files.folder, folder, progress)
        for entry in files.folder.iterdir():
            if entry.is_file() and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry.resolve())
        return ModelFacts(files.license, files.attribution)

    request = ConversionRequest(source, f"{files.name}-{place}", 0)
    made = cache.find(source) or cache.make(request, progress, build)
    return ModelFiles(made.folder, files.name, files.license, files.attribution)
