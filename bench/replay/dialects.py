"""What completion servers are asked and what their event streams say: two dialects, without a socket.

An event is a line `data: {...}`; a stream may end with `data: [DONE]`. Faults come as `data: {"error": ...}`, or, from
llama.cpp, as `error: {...}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from .answers import Answer

_DATA, _ERROR, _ENDED = b"data:", b"error:", b"[DONE]"


class Dialect(Protocol):
    """How a kind of server is asked, and how its events are read."""

    path: str

    def body(self, prompt: str) -> dict[str, Any]:
        """The request that has `prompt` continued."""
        ...

    def note(self, event: Mapping[str, Any], answer: Answer, now: float) -> None:
        """Take in an event that is no fault."""
        ...


class LlamaDialect:
    """llama.cpp's own `/completion`. `slot`: the one that is kept for the writer, or -1 to let the server choose."""

    path = "/completion"

    def __init__(self, slot: int, max_tokens: int) -> None:
        self._fixed = {
            "n_predict": max_tokens,
            "temperature": 0,
            "cache_prompt": True,
            "id_slot": slot,
            "stream": True,
            "timings_per_token": True,
        }

    def body(self, prompt: str) -> dict[str, Any]:
        """The request that has `prompt` continued."""
        return {"prompt": prompt, **self._fixed}

    def note(self, event: Mapping[str, Any], answer: Answer, now: float) -> None:
        """Text is in `content`; `timings` say how many tokens were computed so far."""
        answer.add(event.get("content") or "", now)
        timings = event.get("timings")
        if timings:
            answer.written = int(timings.get("predicted_n", 0))
            answer.computed = int(timings.get("prompt_n", 0)) + answer.written


class OpenAIDialect:
    """`/v1/completions` as OpenAI defined it."""

    path = "/v1/completions"

    def __init__(self, model: str, max_tokens: int) -> None:
        self._fixed = {"model": model, "max_tokens": max_tokens, "temperature": 0, "stream": True}

    def body(self, prompt: str) -> dict[str, Any]:
        """The request that has `prompt` continued."""
        return {"prompt": prompt, **self._fixed}

    def note(self, event: Mapping[str, Any], answer: Answer, now: float) -> None:
        """Text is in the first choice; what was computed is told at the end, if at all."""
        for choice in event.get("choices") or ():
            answer.add(choice.get("text") or "", now)
        usage = event.get("usage")
        if usage:
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            answer.written = int(usage.get("completion_tokens", 0))
            answer.computed = int(usage.get("prompt_tokens", 0)) - cached + answer.written


def take_in(line: bytes, dialect: Dialect, answer: Answer, now: float) -> None:
    """Take in one line of a stream. Lines that are no events are passed over."""
    if line.startswith(_ERROR):
        answer.fail("error in the stream", now)
        return
    data = line.removeprefix(_DATA).strip() if line.startswith(_DATA) else b""
    if not data or data == _ENDED:
        return
    event = orjson.loads(data)
    if event.get("error"):
        answer.fail("error in the stream", now)
    else:
        dialect.note(event, answer, now)
