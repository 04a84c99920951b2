"""What came of the suggestions on one connection, in numbers, for whoever runs the server.

What lives here: counters, kept as things happen and read whenever somebody wants to know. Nothing decides by them, and
no text is in them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class SuggestionCounters:
    """Counted since the connection began.

    `shown_tokens`: tokens whose text went to the client, each once however often it is asked for again.
    `accepts`, `accepted_characters`: what was taken with `accept`. `typed_characters`: typed just as the text said.
    `dismissals`: suggestions waved away.
    """

    shown_tokens: int = 0
    accepts: int = 0
    accepted_characters: int = 0
    typed_characters: int = 0
    dismissals: int = 0

    def add(self, other: SuggestionCounters) -> None:
        """Count what another counted, too."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
