"""The typing replay: simulated writers type real prose at several servers, and what they would feel is measured.

Decided beforehand, from a seed: `rhythm` (when), `script` (what), `plan` (which runs, in which order). Decided as it
goes, in plain code: `page` (the text), `answers` (what of an answer still fits), `events` (what a stream says), `tally`
(what keystrokes got). Shells: `writer` (replays in real time), `ghosts` and `completions` (seats at servers), `hosts`,
`peers` and `found` (the servers), `rounds` (runs them all). `table` reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from afterword.models import ModelFiles

from .completions import connections
from .found import Named, find
from .peers import LLAMA, OURS
from .plan import Wishes
from .rounds import Results, Rounds


@dataclass(frozen=True, slots=True)
class Replayed:
    """All results, and by server and number of writers, whether their 95th percentile was below the limit."""

    results: Results
    soon: dict[str, dict[int, bool]]


async def replay(
    requests: Wishes, named: Named, model: str, files: ModelFiles, search: bool, tell: Callable[[str], None]
) -> Replayed:
    """Run everything. `search`: also look for the number of writers that Afterword and llama.cpp each serve."""
    async with connections() as session:
        rounds = Rounds(requests, find(named, model, files, session, tell), tell)
        await rounds.all()
        if search:
            await rounds.search((OURS, LLAMA))
        return Replayed(rounds.results, {name: rounds.soon(name) for name in (OURS, LLAMA)})
