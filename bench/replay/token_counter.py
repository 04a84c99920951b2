"""How many tokens a server has computed since it started, from what it tells Prometheus at `/metrics`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

TOLD_EACH_S = 1.2  # a server may tell this much later
REQUEST_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class CounterNames:
    """Names of counters; those of one kind are added up.

    `computed`: rows that went through the model, of prompts and answers alike. `written`: tokens of answers.
    `ahead`: rows computed in spare time, before anybody asked for them; empty where a server does no such thing.
    """

    computed: tuple[str, ...]
    written: tuple[str, ...]
    ahead: tuple[str, ...] = ()


AFTERWORD = CounterNames(
    computed=("afterword_engine_step_rows_sum",),
    written=("afterword_written_tokens_total",),
    ahead=("afterword_engine_lookahead_rows_total",),
)
# Those of requests that were given up count once they have begun to answer.
LLAMA = CounterNames(
    computed=("llamacpp:prompt_tokens_total", "llamacpp:tokens_predicted_total"),
    written=("llamacpp:tokens_predicted_total",),
)


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens, by the kinds of `CounterNames`; None where a server does not tell."""

    computed: float | None
    written: float | None
    ahead: float | None

    def since(self, before: TokenCounts) -> TokenCounts:
        """What was counted after `before`."""
        return TokenCounts(
            _difference(self.computed, before.computed),
            _difference(self.written, before.written),
            _difference(self.ahead, before.ahead),
        )


class TokenCounter:
    """Reads the counters of one server."""

    def __init__(self, session: aiohttp.ClientSession, url: str, names: CounterNames) -> None:
        self._session = session
        self._url = url.rstrip("/") + "/metrics"
        self._names = names

    async def read(self) -> TokenCounts | None:
        """Tokens so far; None if the server has no such page."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_WITHIN_S)
        try:
            async with self._session.get(self._url, timeout=timeout) as response:
                return counts(await response.text(), self._names) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
            return None


def counts(page: str, names: CounterNames) -> TokenCounts:
    """The counters on a page in the text format of Prometheus."""
    return TokenCounts(total(page, names.computed), total(page, names.written), total(page, names.ahead))


def total(page: str, names: Sequence[str]) -> float | None:
    """The sum of the named counters, over all their labels; None unless all are there."""
    found = {name: re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)", page, re.MULTILINE) for name in names}
    if not names or not all(found.values()):
        return None
    return sum(float(value) for values in found.values() for value in values)


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else max(0.0, now - before)
