"""Cold paths: what a writer waits for where much text is new to the server, on every server.

One writer opens a document and then does what editors do now and then: jumps to the middle, comes back to the end after
a word was added there, pastes a passage, mends a typo some lines up. Each act begins when the server has nothing left
to do, so caches are as warm as the acts before have left them; each repetition has a text of its own. The time is from
the act to the first text at the new caret, or to the server's word that there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import prose
from .progress import ProgressLine
from .replay.editor import EditorText, Keystroke
from .replay.outcomes import ratio
from .replay.plan import START_S
from .replay.script import opening
from .replay.server import Capacity, Description, Server, StartedServer, all_running
from .replay.servers import LLAMA
from .replay.tables import server_sections
from .replay.typist import ClientKind, Typist
from .report import Section, median, spread

CHARACTERS = 6000
PASTED_CHARACTERS = 400
MENDED_CHARACTERS = 200  # before the caret
ADDED = "really "  # in the middle, before the writer comes back to the end
TOKENS = 3072  # room for the text, on servers that must be told
REPETITIONS = 7
QUICK_REPETITIONS = 2
SLOW_REPETITIONS = 2  # of servers that keep no texts, which read the whole text for each act
ANSWER_WITHIN_S = 60.0
EDITION = 2_000_000  # far from those of the replay, so that no text begins as one there does
REPETITION_S = 12.0  # about, on one server
OPEN, MIDDLE, END, PASTE, MEND = ACTS = (
    f"open {CHARACTERS:,} characters",
    "jump to the middle",
    "back to the end, after a word was added in the middle",
    f"paste {PASTED_CHARACTERS} characters",
    f"a typo mended {MENDED_CHARACTERS} characters up",
)


@dataclass(slots=True)
class ColdTimes:
    """Milliseconds to the answer by server and act, infinite where none came; and what the servers were."""

    times: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    descriptions: dict[str, Description] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def estimated_s(keep_texts: Sequence[bool], quick: bool) -> float:
    """About how long it takes, on servers that keep texts or do not."""
    return sum(START_S + repetitions_of(keeps, quick) * REPETITION_S for keeps in keep_texts)


def repetitions_of(keeps_texts: bool, quick: bool) -> int:
    """How often a server is taken through all acts."""
    most = QUICK_REPETITIONS if quick else REPETITIONS
    return most if keeps_texts else min(most, SLOW_REPETITIONS)


async def measure(servers: Sequence[Server], progress: ProgressLine, quick: bool) -> list[Section]:
    """All acts on all servers, which take turns."""
    cold = ColdTimes()
    repetitions = QUICK_REPETITIONS if quick else REPETITIONS

    def skip(why: str) -> None:
        cold.notes.append(why)
        progress.say(why)

    async with all_running(servers, Capacity(1, TOKENS), progress.say, skip) as running:
        progress.advance(START_S * len(servers))
        for number in range(repetitions):
            for server in running.values() if number % 2 == 0 else reversed(list(running.values())):
                cold.descriptions[server.name] = server.description
                if number < repetitions_of(server.keeps_texts, quick):
                    server.resume()
                    progress.say(f"{server.name}: cold paths, {number + 1} of {repetitions}")
                    try:
                        taken = await one_text(server, number)
                    except OSError as error:
                        skip(f"{server.name} failed on a cold path: {type(error).__name__}")
                        continue
                    for act, ms in taken.items():
                        cold.times.setdefault(server.name, {}).setdefault(act, []).append(ms)
                    server.pause()
                    progress.advance(REPETITION_S)
    return sections(cold)


async def one_text(server: StartedServer, number: int) -> dict[str, float]:
    """All acts on one text, in order; milliseconds to the answer, infinite where none came."""
    before, rest = opening(prose.texts(), number, CHARACTERS, EDITION)
    # A wrong letter, which is there from the start and will be mended.
    wrong = len(before) - MENDED_CHARACTERS
    before, letter = with_typo(before, wrong)
    client = await server.client(0)
    typist = Typist(client, EditorText(before), ClientKind.PLAIN)
    taken: dict[str, float] = {}

    async def settled() -> None:
        await typist.until_done(ANSWER_WITHIN_S)
        await server.rest()

    try:
        taken[OPEN] = _or_never(await typist.open(ANSWER_WITHIN_S))
        await settled()
        back = len(before) - middle_of(before)
        taken[MIDDLE] = _or_never(await typist.act([Keystroke(0, move=-back)], ANSWER_WITHIN_S))
        await settled()
        await typist.act([Keystroke(0, insert=ADDED)], ANSWER_WITHIN_S)
        await settled()
        taken[END] = _or_never(await typist.act([Keystroke(0, move=back)], ANSWER_WITHIN_S))
        await settled()
        taken[MEND] = _or_never(await typist.act(mending(MENDED_CHARACTERS, letter), ANSWER_WITHIN_S))
        await settled()
        pasted = rest[: rest.index(" ", PASTED_CHARACTERS) + 1]
        taken[PASTE] = _or_never(await typist.act([Keystroke(0, insert=pasted)], ANSWER_WITHIN_S))
        await settled()
    finally:
        await client.close()
    return taken


def middle_of(text: str) -> int:
    """The beginning of a word in the middle of a text."""
    return text.index(" ", len(text) // 2) + 1


def with_typo(text: str, at: int) -> tuple[str, str]:
    """The text with a wrong letter at a place, and the right one. Lower-case z takes the place of any other."""
    return text[:at] + ("z" if text[at] != "z" else "x") + text[at + 1 :], text[at]


def mending(back: int, letter: str) -> list[Keystroke]:
    """What an editor does that puts right the character so far before the caret: the caret comes back."""
    return [Keystroke(0, move=-(back - 1)), Keystroke(0, insert=letter, delete=1), Keystroke(0, move=back - 1)]


def sections(cold: ColdTimes) -> list[Section]:
    """A table with a line for each act on each server, beside llama.cpp."""
    section = Section("Cold paths: from an act to the first text at the new caret, one writer")
    section.table = [["act", "server", "precision; version", "ms: median (10th-90th, n)", "times llama.cpp"]]
    ratios: dict[str, dict[str, float | None]] = {}
    for act in ACTS:
        theirs = median(cold.times.get(LLAMA, {}).get(act, []))
        for name, by_act in cold.times.items():
            times = by_act.get(act, [])
            beside = ratio(median(times), theirs) if times and not math.isnan(theirs) else None
            ratios.setdefault(name, {})[act] = beside
            description = cold.descriptions.get(name, Description())
            cells = [act, name, description.precision_and_version, spread(times, 0)]
            section.table.append([*cells, "" if beside is None else f"{beside:.2f}"])
    finite = {
        name: {act: [None if math.isinf(ms) else ms for ms in times] for act, times in by_act.items()}
        for name, by_act in cold.times.items()
    }
    section.raw = {"cold_ms": finite, "cold_ratio": ratios}
    return [section, *(server_sections({}, cold.notes) if cold.notes else [])]


def _or_never(ms: float | None) -> float:
    return math.inf if ms is None else ms
