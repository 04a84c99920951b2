"""What became of the suggestions of a connection, in numbers: each counter is declared once, here.

A field's metadata give its help text and unit, and its family on the metrics page with the label that tells it from
others of that family. Counters are kept as things happen; nothing decides by them, and no text is in them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

ACCEPTED_OR_TYPED = (
    "Characters of suggestions that became part of a text: `accepted`, or `typed` exactly as they were suggested."
)


def _counter(help: str, unit: str, family: str, label: tuple[str, str] | None = None) -> Any:
    """A counter; `family` is shown as `afterword_<family>`, `label` is a name and the value for this counter."""
    return field(default=0, metadata={"help": help, "unit": unit, "family": family, "label": label})


@dataclass(slots=True)
class SuggestionCounters:
    """Counted since the connection was opened."""

    shown_tokens: int = _counter(
        "Tokens whose text was sent to a client, each once. Written tokens that were not shown came after an end, "
        "belonged to a text that had changed, or completed a word that was already begun.",
        "tokens",
        "shown_tokens",
    )
    accepts: int = _counter("Times that a writer accepted a suggestion or a part of one.", "times", "accepts")
    accepted_characters: int = _counter(ACCEPTED_OR_TYPED, "characters", "taken_characters", ("how", "accepted"))
    typed_characters: int = _counter(ACCEPTED_OR_TYPED, "characters", "taken_characters", ("how", "typed"))
    dismissals: int = _counter("Times that a writer dismissed a suggestion.", "times", "dismissals")

    def add(self, other: SuggestionCounters) -> None:
        """Add the counts of another connection."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
