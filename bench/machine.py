"""What the measurements ran on, for whoever reads them later."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil


def describe() -> dict[str, str]:
    """Processor, GPUs if there are any, memory and versions, each as a line of text."""
    return {
        "processor": "; ".join([f"{_processor()}, {os.cpu_count()} logical cores", *_graphics()]),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "versions": ", ".join(
            [f"Python {platform.python_version()}"]
            + [f"{name} {version(name)}" for name in ("afterword", "torch", "transformers", "websockets")]
        ),
    }


def _graphics() -> list[str]:
    """The GPUs that torch can use."""
    import torch

    return [f"{torch.cuda.get_device_name(number)} (cuda:{number})" for number in range(torch.cuda.device_count())]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
