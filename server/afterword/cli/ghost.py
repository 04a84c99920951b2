"""How `afterword try` reacts to keystrokes and frames: when to ask, what to paint, what a key accepts.

No terminal, no socket, no clock of its own. Not here: how it looks (`screen`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from afterword.client import Document, Part, Suggestion
from afterword_protocol.messages import DEFAULT_MAX_TOKENS

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SuggestOptions:
    """What to ask for at each caret; `max_alternatives`: how many to fetch when the writer wants to see others."""

    max_tokens: int = DEFAULT_MAX_TOKENS
    stop: str = "sentence"
    max_alternatives: int = 3


class TerminalGhost:
    """The ghost text of a document that somebody types. All lengths are in code points."""

    def __init__(self, document: Document, now_ms: Callable[[], float], ask: SuggestOptions | None = None) -> None:
        self._document = document
        self._now_ms = now_ms
        self._ask = ask or SuggestOptions()
        self._alternative = 0  # the one that is shown
        self._held = ""  # painted until the requested alternative has text
        self._asked_ms = 0.0  # when the suggestion was asked for
        self.first_ms: float | None = None  # time from asking to the first text of the suggestion, milliseconds

    @property
    def text(self) -> str:
        """What to paint after the caret now."""
        suggestion = self._document.suggestion
        ahead = suggestion.untyped(self._shown(suggestion)) if suggestion else None
        return ahead or self._held

    @property
    def place(self) -> tuple[int, int] | None:
        """Number of the alternative shown, from 1, and how many there are; `None` if there is only one."""
        suggestion = self._document.suggestion
        if suggestion is None or len(suggestion.texts) == 1:
            return None
        return self._shown(suggestion) + 1, len(suggestion.texts)

    def arrived(self) -> None:
        """A frame came in; notes the time of the first text."""
        suggestion = self._document.suggestion
        if suggestion and self.first_ms is None and any(suggestion.texts):
            self.first_ms = self._now_ms() - self._asked_ms
        if suggestion and suggestion.untyped(self._shown(suggestion)):
            self._held = ""

    def typed(self, before: str, after: str) -> Suggestion | None:
        """The text around the caret changed; returns the new suggestion, if one was requested.

        None is requested while the typed text matches the current one, nor after the writer deleted text or moved the
        caret: only a writer who goes on wants to see what could come next.
        """
        before, after = (LONE_SURROGATE.sub("\ufffd", text) for text in (before, after))
        old_before, old_after = self._document.before, self._document.after
        if (before, after) == (old_before, old_after):
            return None
        self._held = ""
        kept = common_prefix_length(old_before, before)
        same = common_prefix_length(old_after[::-1], after[::-1])
        inserted = len(before) > kept and before + after != old_before + old_after
        self._document.edit(
            delete=len(old_before) - kept,
            insert=before[kept:],
            delete_after=len(old_after) - same,
            insert_after=after[: len(after) - same],
        )
        if self._still_matches():
            return None
        if inserted:
            return self.ask()
        self._drop()
        return None

    def ask(self, alternatives: int = 1) -> Suggestion:
        """Ask for ghost text at the caret."""
        self._alternative = 0
        self._asked_ms, self.first_ms = self._now_ms(), None
        return self._document.suggest(alternatives=alternatives, max_tokens=self._ask.max_tokens, stop=self._ask.stop)

    def accept(self, part: Part) -> str:
        """Accept a part of the ghost text; returns the text that this put before the caret."""
        suggestion = self._document.suggestion
        if suggestion is None or not self.text:
            return ""
        if self._held:
            taken = self._held
            self._document.type(taken)
        else:
            taken = self._document.accept(part, alternative=self._shown(suggestion))
        self._held = ""
        return taken

    def after_accepting(self) -> Suggestion | None:
        """Ask for more once all of the suggestion was accepted; returns the new suggestion, if any."""
        return None if self._still_matches() else self.ask()

    def cycle(self, step: int) -> Suggestion | None:
        """Show the next alternative, or with -1 the previous one; returns the suggestion if others must be fetched."""
        suggestion = self._document.suggestion
        if suggestion is None or not self.text:
            return None
        count = len(suggestion.texts)
        if count > 1:
            self._alternative = (self._shown(suggestion) + step) % count
            return None
        if self._ask.max_alternatives < 2:
            return None
        held = self.text
        asked = self.ask(self._ask.max_alternatives)
        self._held, self._alternative = held, step % self._ask.max_alternatives
        return asked

    def dismiss(self) -> bool:
        """Dismiss the ghost text; returns whether there was any."""
        shown, suggestion = bool(self.text), self._document.suggestion
        if suggestion:
            suggestion.dismiss("escape")
        self._held = ""
        return shown

    def _shown(self, suggestion: Suggestion) -> int:
        """The alternative to show: the chosen one while it matches the text, else the first that does."""
        count = len(suggestion.texts)
        chosen = min(self._alternative, count - 1)
        fits = [index for index in range(count) if suggestion.untyped(index) is not None]
        return chosen if chosen in fits or not fits else fits[0]

    def _still_matches(self) -> bool:
        """Whether the suggestion matches the text and has, or may still get, text ahead of the caret."""
        suggestion = self._document.suggestion
        if suggestion is None:
            return False
        ahead = suggestion.untyped(self._shown(suggestion))
        return bool(ahead) or (ahead is not None and suggestion.live)

    def _drop(self) -> None:
        if self._document.suggestion:
            self._document.suggestion.cancel()
            self._document.suggestion = None


def common_prefix_length(one: str, other: str) -> int:
    """Length of the longest common prefix of two texts."""
    if one == other[: len(one)]:
        return len(one)
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
