"""What a worker is started with: the settings of the model, and the folder that the model was found in.

A gateway passes it to its worker as one line of JSON. Nothing here imports torch.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from afterword.config.settings import ModelSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions(ModelSettings):
    """The settings of a model that was found.

    `folder`: model folder with `config.json`, weights and `tokenizer.json`. `name`: what clients are told.
    """

    folder: Path
    name: str

    @classmethod
    def of(cls, settings: ModelSettings, folder: Path, name: str) -> Self:
        """These settings, for the model in this folder."""
        return cls(**{each.name: getattr(settings, each.name) for each in fields(settings)}, folder=folder, name=name)

    @property
    def devices(self) -> list[str]:
        """The devices named, at least one; each gets an engine of its own."""
        return [device.strip() for device in self.device.split(",")]

    def to_json(self) -> str:
        """The options as one line of JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The options of such a line."""
        values = json.loads(line)
        cache_dir = values.pop("cache_dir")
        return cls(
            **values | {"folder": Path(values["folder"])}, cache_dir=None if cache_dir is None else Path(cache_dir)
        )
