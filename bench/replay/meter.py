"""How many tokens a server has computed since it started, from what it tells Prometheus at `/metrics`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import aiohttp

# Rows of all steps: of prompts, answers and guesses alike.
OURS = ("afterword_engine_step_rows_sum",)
# Those of requests that were given up count once they have begun to answer.
LLAMA = ("llamacpp:prompt_tokens_total", "llamacpp:tokens_predicted_total")
TOLD_EACH_S = 1.2  # a server may tell this much later


class Meter:
    """A server's counters of these names, taken together."""

    def __init__(self, session: aiohttp.ClientSession, url: str, names: Sequence[str]) -> None:
        self._session = session
        self._url = url.rstrip("/") + "/metrics"
        self._names = names

    async def read(self) -> float | None:
        """Tokens so far; None if the server does not tell."""
        try:
            async with self._session.get(self._url, timeout=aiohttp.ClientTimeout(total=5)) as response:
                return total(await response.text(), self._names) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
            return None


def total(page: str, names: Sequence[str]) -> float | None:
    """The sum of the named counters, over all their labels; None unless all are there."""
    found = {name: re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)", page, re.MULTILINE) for name in names}
    if not all(found.values()):
        return None
    return sum(float(value) for values in found.values() for value in values)
