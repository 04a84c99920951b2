"""How a run grows: from remembered logits to tokens and events, as far as that goes without a step of the model.

What lives here: healing, parting of alternatives, limits and ends. No model and no keys or values.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from afterword.engine.api import Ended, Paused, RunEvent, Sampled, Started
from afterword.worker.cache.slots import Slot
from afterword.worker.decoding.healing import Healer
from afterword.worker.decoding.sampling import Choice, Sampler, best
from afterword.worker.scheduler.sequence import Branch, Run, State

UNHEALABLE = "no token of the model continues the text in the way it was typed"
FULL = "the context is full"
ALONE = "there is no other way to go on"


class TokenSelector:
    """Chooses tokens for runs. `rows`: how many tokens a slot holds."""

    def __init__(
        self,
        token_bytes: Sequence[bytes | None],
        eos_ids: frozenset[int],
        banned_ids: frozenset[int],
        vocabulary: int,
        rows: int,
        device: torch.device,
        sampler: Sampler,
    ) -> None:
        self._bytes = token_bytes
        self._eos = eos_ids
        self._rows = rows
        self._device = device
        self._sampler = sampler
        no_text = {token for token, text in enumerate(token_bytes) if text is None}
        banned = (banned_ids | no_text | set(range(len(token_bytes), vocabulary))) - eos_ids
        self._banned = torch.tensor(sorted(banned), dtype=torch.long, device=device)
        self._healer = Healer(token_bytes, banned | eos_ids)
        self._by_bytes = torch.tensor(self._healer.tokens, dtype=torch.long, device=device)

    def ban(self, logits: Tensor) -> None:
        """Put tokens that must never be written at minus infinity, in place; `logits` is `[rows, vocabulary]`."""
        if len(self._banned):
            self._sampler.ban(logits, self._banned)

    def agrees(self, tokens: Sequence[int], heal: bytes) -> bool:
        """Whether text already written by `tokens` is what `heal` asks for, as far as both go."""
        written = b"".join(self._bytes[token] or b"" for token in tokens if token < len(self._bytes))
        return written.startswith(heal) or heal.startswith(written)

    def advance(self, run: Run, slot: Slot, now: float) -> list[RunEvent]:
        """Write as many tokens as remembered logits allow, and choose those after them, in private, if it waits."""
        events: list[RunEvent] = []
        while not run.parted and run.writing:
            row = self._row(run, run.branches, slot.recall(run.trunk), now, events)
            if row is None:
                break
            self._grow_trunk(run, row, events)
        for branch in run.branches if run.parted else ():
            while branch.state is State.WRITING:
                known = branch.twig.recall() if branch.twig.tokens else slot.recall(run.trunk)
                row = self._row(run, [branch], known, now, events)
                if row is None:
                    break
                choice = self._choice(row, branch.heal, run.request.temperature, branch.generator)
                self._add(run, [branch], choice, branch.twig.tokens, events)
        self._lead(run, slot)
        return events

    def _lead(self, run: Run, slot: Slot) -> None:
        """Choose tokens after a text that waits. What ends it, or nothing can be found for, is found again if asked."""
        while run.leading:
            text = run.text
            row = slot.recall(text) if len(text) <= self._rows else None
            if row is None and len(text) <= self._rows:
                return
            choice = None if row is None else self._choice(row, run.heal)
            if choice is None or choice.token in self._eos:
                run.ahead_limit = len(run.ahead)
                return
            run.ahead_heal = run.heal[len(self._bytes[choice.token] or b"") :]
            run.ahead.append(choice.token)

    def _row(
        self, run: Run, branches: list[Branch], row: Tensor | None, now: float, events: list[RunEvent]
    ) -> Tensor | None:
        """The logits to choose from, unless branches that share them must stop or wait for a step."""
        if row is not None and not run.started:
            run.started = True
            context = len(run.request.tokens)
            computed = min(run.computed, context)
            waited_ms = ((run.began or now) - run.arrived) * 1000
            events.append(Started(*run.key, context, context - computed, computed, waited_ms))
        if run.started and branches[0].written >= run.limit:
            for branch in branches:
                branch.state = State.PAUSED
                events.append(Paused(*run.key, branch.index))
            return None
        if row is None and run.length > self._rows:
            self._end(run, branches, "end", FULL, events)
        return row

    def _grow_trunk(self, run: Run, row: Tensor, events: list[RunEvent]) -> None:
        """One more token of the text that all alternatives share, or their parting."""
        stem = run.branches[0]
        choice = self._choice(row, stem.heal, run.request.temperature, stem.generator)
        if len(run.branches) > 1 and choice is not None and self._shows(choice.token, stem.heal):
            self._part(run, choice, row, events)
        else:
            self._add(run, run.branches, choice, run.trunk, events)

    def _part(self, run: Run, first: Choice, row: Tensor, events: list[RunEvent]) -> None:
        """Greedy alternatives part at the first token that shows: the likeliest, the next likeliest, and so on."""
        run.parted = True
        heal = run.branches[0].heal
        allowed = self._beyond(heal) if heal else None
        others = best(row, len(run.branches) - 1, allowed, self._eos | {first.token})
        choices = [first, *others]
        for branch, choice in zip(run.branches, choices, strict=False):
            self._add(run, [branch], choice, branch.twig.tokens, events)
        self._end(run, run.branches[len(choices) :], "end", ALONE, events)

    def _choice(
        self, row: Tensor, heal: bytes, temperature: float = 0.0, generator: torch.Generator | None = None
    ) -> Choice | None:
        """The next token of a text that has still to reproduce `heal`; None if nothing can."""
        allowed = None
        if heal:
            agreeing = self._healer.agreeing(heal)
            if not agreeing.within and not agreeing.beyond:
                return None
            # Where one token can write all of it, pieces of it are no choice. A piece is as likely as all words that
            # begin with it, most of which were not typed, and what follows it costs a step: with the built-in model,
            # of 128 words begun in prose 78 were completed as they stood there with pieces, 92 without.
            if agreeing.whole or agreeing.beyond:
                allowed = self._by_bytes[agreeing.whole.start : agreeing.beyond.stop]
            else:
                allowed = torch.tensor(agreeing.within, dtype=torch.long, device=self._device)
        return self._sampler.choose(row, allowed, temperature, generator)

    def _add(
        self, run: Run, branches: list[Branch], choice: Choice | None, tokens: list[int], events: list[RunEvent]
    ) -> None:
        """Append a token to `tokens`, which the branches share, and tell of it; or end them."""
        if choice is None:
            self._end(run, branches, "error", UNHEALABLE, events)
        elif choice.token in self._eos:
            self._end(run, branches, "end", "", events)
        else:
            run.spoken = True
            tokens.append(choice.token)
            for branch in branches:
                branch.written += self._shows(choice.token, branch.heal)
                branch.heal = branch.heal[len(self._bytes[choice.token] or b"") :]
                events.append(Sampled(*run.key, branch.index, choice.token, choice.logprob))

    def _end(self, run: Run, branches: list[Branch], reason: str, detail: str, events: list[RunEvent]) -> None:
        for branch in branches:
            branch.state = State.ENDED
            events.append(Ended(*run.key, branch.index, reason, detail))

    def _shows(self, token: int, heal: bytes) -> bool:
        """Whether a token goes beyond the bytes still to be reproduced."""
        return not heal or len(self._bytes[token] or b"") > len(heal)

    def _beyond(self, heal: bytes) -> Tensor:
        """Ids of the tokens that go beyond what is to be reproduced."""
        places = self._healer.agreeing(heal).beyond
        return self._by_bytes[places.start : places.stop]
