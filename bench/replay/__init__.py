"""The typing replay: simulated writers type real prose at several servers, and what they would feel is measured.

Decided beforehand, from a seed: `rhythm` (when), `script` (what), `plan` (which trials, in which order). Decided as it
goes, in plain code: `editor` (the text), `answers` (what of an answer still fits), `dialects` (what a stream says),
`stop_rule` (where an answer ends), `outcomes` (what keystrokes got). Shells: `typist` (replays in real time),
`afterword_client` and `http_client` (lines to servers), `server`, `servers` and `discovery` (the servers), `trials`
(runs them all). `tables` reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..progress import ProgressLine
from .plan import ReplayPlan
from .server import Server
from .servers import AFTERWORD, LLAMA
from .trials import CountTokens, Results, Trials


@dataclass(frozen=True, slots=True)
class Replayed:
    """All results, and by server and number of writers, whether their 95th percentile was below the limit."""

    results: Results
    soon: dict[str, dict[int, bool]]


async def replay(
    plan: ReplayPlan, servers: Sequence[Server], progress: ProgressLine, count_tokens: CountTokens, search: bool
) -> Replayed:
    """Run everything. `search`: also look for the number of writers that Afterword and llama.cpp each serve."""
    trials = Trials(plan, servers, progress, count_tokens)
    await trials.all()
    if search:
        await trials.search((AFTERWORD, LLAMA))
    return Replayed(trials.results, {name: trials.soon(name) for name in (AFTERWORD, LLAMA)})
