"""The draft of one document and the commands that have it written.

At most one run at a time writes a document's draft. A run that has written what it was allowed waits, and may be told
to go on; one that was stopped or failed is followed by another that starts at the draft's end.
"""

from __future__ import annotations

from afterword.session.continuation import AlternativeText, Continuation
from afterword.session.effects import Effect, ExtendGeneration, Prepare, StartGeneration, StopGeneration
from afterword.session.mirror import Mirror
from afterword_protocol.messages import Suggest

MAX_KEPT_POINTS = 4096
"""A draft that the writer has typed this far into is not adopted any more, so that it cannot grow for ever."""


class GenerationController:
    """Keeps a draft as long as it may be of use, and sees that it is written as far as is wanted."""

    def __init__(self, document: int, max_run_tokens: int) -> None:
        self.draft: Continuation | None = None  # what was written and agrees with the text
        self._document = document
        self._last_run = 0  # number of the latest run; they rise
        self._max_run_tokens = max_run_tokens  # the window of a run's prompt does not move, so it must end some time

    def draft_for(self, asked: Suggest, max_tokens: int, mirror: Mirror) -> tuple[Continuation, list[Effect]]:
        """The draft to show for a suggestion at the caret: the one that is there if it serves, or else a new one."""
        draft = self.draft
        if draft is not None and draft.caret <= MAX_KEPT_POINTS and draft.serves(asked):
            draft.forgive()
            return draft, []
        draft = self.draft = Continuation(asked.alternatives, asked.temperature, asked.seed)
        return draft, [self._start(draft, mirror.before, max_tokens, mirror)]

    def draft_of(self, strand: AlternativeText) -> tuple[Continuation, list[Effect]]:
        """The draft to go on with one of the texts: the one that is there if it has no other."""
        assert self.draft is not None
        effects: list[Effect] = []
        if self.draft.strands != [strand]:
            effects = self.stop()
            self.draft = self.draft.narrow(strand)
        self.draft.forgive()
        return self.draft, effects

    def feed(self, wanted_tokens: int, mirror: Mirror) -> list[Effect] | None:
        """Have the draft written to `wanted_tokens` if that is not under way. None if it cannot get any longer."""
        draft = self.draft
        assert draft is not None
        longest_tokens = draft.base_tokens + self._max_run_tokens
        if draft.run is None or (draft.waiting and wanted_tokens > longest_tokens and len(draft.strands) == 1):
            (strand,) = draft.strands
            strand.forget_textless()
            more_tokens = min(wanted_tokens - strand.tokens, self._max_run_tokens)
            return [self._start(draft, mirror.before + strand.text[draft.caret :], more_tokens, mirror)]
        if not draft.waiting:
            return []
        allowed_tokens = min(wanted_tokens, longest_tokens)
        if allowed_tokens <= draft.limit_tokens:
            return None
        draft.raise_to(allowed_tokens)
        return [ExtendGeneration(self._document, draft.run, allowed_tokens - draft.base_tokens)]

    def rest(self, useful: bool = False) -> list[Effect]:
        """Stop the run if it would write on by itself; one that waits may still be of use."""
        return self.stop(useful) if self.draft is not None and self.draft.working else []

    def stop(self, useful: bool = False) -> list[Effect]:
        """Stop the run, if there is one. `useful`: more of its text may be wanted soon."""
        if self.draft is None or self.draft.run is None:
            return []
        run, self.draft.run = self.draft.run, None
        return [StopGeneration(self._document, run, useful)]

    def prepare(self, mirror: Mirror) -> Prepare:
        """Have the cache filled with the text, in a run that writes nothing."""
        return Prepare(self._document, self._next_run(), mirror.before, mirror.after, mirror.preface)

    def _next_run(self) -> int:
        self._last_run += 1
        return self._last_run

    def _start(self, draft: Continuation, before: str, max_tokens: int, mirror: Mirror) -> StartGeneration:
        """A run that writes the draft onward from its end, which is the end of `before`."""
        run = self._next_run()
        draft.begin(run, max_tokens)
        return StartGeneration(
            document=self._document,
            run=run,
            before=before,
            after=mirror.after,
            preface=mirror.preface,
            max_tokens=max_tokens,
            alternatives=len(draft.strands),
            temperature=draft.temperature,
            seed=draft.seed,
        )
