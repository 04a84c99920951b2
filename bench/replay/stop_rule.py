"""Where a streamed answer ends, by the rule with which Afterword ends a suggestion.

A general server writes until `max_tokens`, and would be measured with more work than Afterword does. So its client
judges the text as it streams in, with the same code, and hangs up where Afterword would have stopped.
"""

from __future__ import annotations

from afterword.session.text_rules import Surroundings
from afterword.text.boundaries.rules import Rules
from afterword_protocol.messages import Stop


class StopRule:
    """The rule for one kind of stop: `word`, `phrase`, `sentence`, `paragraph` or `none`."""

    def __init__(self, stop: str) -> None:
        self.stop = Stop(stop)
        self._rules = Rules()

    def end_of(self, before: str, after: str, text: str) -> int | None:
        """Characters of a growing `text` after which it has certainly ended; None if it may go on.

        `before`, `after`: what stands around the caret.
        """
        if not text:
            return None
        verdict = self._rules.judge(Surroundings(before, after), text, self.stop, complete=False)
        return None if verdict.reason is None else verdict.release
