"""Models from the Hugging Face hub, through its own client and cache.

What lives here: which files to download, offline use, progress, and errors in plain words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afterword.models.files import ModelError, ModelFiles, check_folder
from afterword.models.progress import ProgressSink

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?(@[\w./-]+)?")
"""`name`, `owner/name`, or either with `@revision`."""

WANTED = [
    "config.json",
    "generation_config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "README.md",
    "LICENSE*",
]
"""Only these files are downloaded: no copies of the weights in other formats, and no code."""


def is_hub_id(spec: str) -> bool:
    """Whether a text has the form of a model id."""
    return HUB_ID.fullmatch(spec) is not None


def from_hub(spec: str, progress: ProgressSink, refresh: bool = False) -> ModelFiles:
    """The model with this hub id, downloaded unless it is in the hub's cache.

    `refresh` asks the hub even then. `HF_HUB_OFFLINE`, `HF_HOME`, `HF_TOKEN` and the other variables of the hub's
    client apply. Raises `ModelError` if there is no such model or it cannot be downloaded.
    """
    name, _, revision = spec.partition("@")
    if not refresh:
        cached = cached_model(name, revision or None)
        if cached:
            return cached
    folder = download(name, revision or None, progress)
    check_folder(folder)
    return describe(name, folder)


def cached_model(name: str, revision: str | None) -> ModelFiles | None:
    """The model, if the hub's cache has all of it; uses no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=WANTED, local_files_only=True))
        check_folder(folder)
    except HFValidationError as error:
        raise ModelError(f"{name!r} is not a model id of the Hugging Face hub: {error}") from error
    except (OSError, ModelError):  # the hub's "not cached" errors are of OSError's family
        return None
    return describe(name, folder)


def download(name: str, revision: str | None, progress: ProgressSink) -> Path:
    """Download the files of a model; returns the folder in the hub's cache."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    missing = f"the model {name!r} is not in the Hugging Face cache ({constants.HF_HUB_CACHE})"
    if constants.is_offline_mode():
        raise ModelError(
            f"{missing}, and HF_HUB_OFFLINE forbids downloading it; "
            f"when online, get it with:  HF_HUB_OFFLINE=0 afterword models get {name}"
        )
    progress(f"looking up {name} on the Hugging Face hub", None)
    try:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=WANTED,
                tqdm_class=_progress_bar(f"downloading {name}", progress),
            )
        )
    except GatedRepoError as error:
        raise ModelError(
            f"the model {name!r} is gated: accept its terms on its page, "
            "then log in with `hf auth login` or set HF_TOKEN"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(f"the model {name!r} has no revision {revision!r}") from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"{missing}, and the hub has no such model, or it is private: then set HF_TOKEN. "
            f"For a model on this machine, give the path of its folder or GGUF file, such as ./{name}"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ModelError(
            f"{missing}, and the hub cannot be reached: {first_line(error)}\n"
            f"When online, get it with:  afterword models get {name}"
        ) from error


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model in the hub's cache. `revisions`: the commits that are cached."""

    name: str
    folder: Path
    size_bytes: int
    license: str | None
    revisions: tuple[str, ...]

    def remove(self) -> None:
        """Delete it from the hub's cache."""
        from huggingface_hub import scan_cache_dir

        scan_cache_dir().delete_revisions(*self.revisions).execute()


def hub_models() -> list[HubModel]:
    """Models with safetensors weights in the hub's cache, by name."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return []
    found = []
    for repository in repositories:
        revisions = sorted(repository.revisions, key=lambda revision: revision.last_modified)
        names = {file.file_name for file in revisions[-1].files} if revisions else set()
        if (
            repository.repo_type == "model"
            and "config.json" in names
            and any(n.endswith(".safetensors") for n in names)
        ):
            folder = revisions[-1].snapshot_path
            commits = tuple(revision.commit_hash for revision in revisions)
            size = repository.size_on_disk
            found.append(HubModel(repository.repo_id, folder, size, card_license(folder), commits))
    return sorted(found, key=lambda model: model.name)


def describe(name: str, folder: Path) -> ModelFiles:
    """A model folder from the hub, with the licence from its card."""
    owner = name.partition("/")[0] if "/" in name else ""
    return ModelFiles(folder, name, card_license(folder), f"{name} by {owner}" if owner else name)


def card_license(folder: Path) -> str | None:
    """The licence named in the head of a model card (`README.md`); `license_name` is more precise than `other`."""
    try:
        text = (folder / "README.md").read_text("utf-8")
    except (OSError, ValueError):
        return None
    head = re.match(r"\A---\s*\n(.*?)\n---", text, re.DOTALL)
    found = dict(re.findall(r"^(license(?:_name)?):\s*[\"']?([^\s\"'#]+)", head.group(1), re.MULTILINE)) if head else {}
    return found.get("license_name") or found.get("license")


def first_line(error: BaseException) -> str:
    """The first line of an error's innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _progress_bar(stage: str, progress: ProgressSink) -> Any:
    """A class to use in place of tqdm's that reports the fraction of bytes downloaded."""
    from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            self._counts_bytes = kwargs.get("unit") == "B"
            super().__init__(*args, **kwargs | {"disable": True})
            self.received = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.received += n or 0
            if self._counts_bytes and self.total:
                progress(stage, min(1.0, self.received / self.total))
            return None

    return Bar
