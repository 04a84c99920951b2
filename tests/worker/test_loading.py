"""What is decided before a model is loaded: where it runs, and how an engine process is told so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from afterword.engine.options import EngineOptions
from afterword.worker.__main__ import _parse
from afterword.worker.loading import choose_device


@pytest.mark.parametrize("cache_dir", [None, Path("-a folder")])
def test_options_survive_the_command_line(cache_dir: Path | None) -> None:
    options = EngineOptions(
        folder=Path("-a folder"),
        name="name with spaces",
        device="cuda:1",
        dtype="float16",
        context_tokens=512,
        cache_mb=1,
        threads=3,
        cuda_graphs="off",
        cache_dir=cache_dir,
    )
    given = _parse([f"--options={options.to_json()}", "--fd=3"])
    assert (given.options, given.fd) == (options, 3)


def test_a_gpu_that_is_not_there_is_named_with_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ValueError, match=r"cuda:2 was requested, but torch .* sees 2 GPUs"):
        choose_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ValueError, match="sees 0 GPUs"):
        choose_device("cuda")


def test_without_a_gpu_the_model_runs_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
