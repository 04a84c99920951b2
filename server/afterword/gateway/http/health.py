"""The state of the server, for load balancers and whoever runs it.

What lives here: the pages `/healthz` and `/readyz`. Events of the engine in, pages out. `/healthz` is 200 once the
model answers; `/readyz` is 200 as long as new connections are welcome, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson

from afterword.engine.api import EngineEvent, Failed, Lost, Progress, Ready
from afterword.gateway.http.answers import HttpAnswer

STARTING = Progress("starting the engine")

Routes = Mapping[str, Callable[[], HttpAnswer]]


class Health:
    """The state of the engine, as its newest event says, and whether the server is shutting down."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.draining = False
        self.engine: Progress | Ready | Failed = STARTING

    def note(self, event: EngineEvent) -> None:
        """Take in an event of the engine; those of runs do not matter here."""
        if isinstance(event, Progress | Ready | Failed):
            self.engine = event
        elif isinstance(event, Lost):
            self.engine = STARTING

    @property
    def ready(self) -> bool:
        """Whether the engine answers."""
        return isinstance(self.engine, Ready)

    def healthz(self) -> HttpAnswer:
        """Whether the model answers, and if not, why."""
        return _page(self.ready, self._state())

    def readyz(self) -> HttpAnswer:
        """Whether new connections are welcome."""
        state = {"status": "draining", "model": self.model} if self.draining else self._state()
        return _page(self.ready and not self.draining, state)

    def routes(self) -> dict[str, Callable[[], HttpAnswer]]:
        """The pages by path."""
        return {"/healthz": self.healthz, "/readyz": self.readyz}

    def _state(self) -> dict[str, Any]:
        match self.engine:
            case Ready(device=device, dtype=dtype):
                return {"status": "ready", "model": self.model, "device": device, "dtype": dtype}
            case Failed(detail=detail):
                return {"status": "failed", "model": self.model, "reason": detail}
            case Progress(stage=stage, fraction=fraction):
                return {"status": "starting", "model": self.model, "stage": stage, "fraction": fraction}


def _page(good: bool, state: dict[str, Any]) -> HttpAnswer:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return HttpAnswer(status, orjson.dumps(state, option=orjson.OPT_APPEND_NEWLINE), "application/json")
