"""How a sequence grows: from remembered logits to tokens and events, as far as that goes without a step of the model.

What lives here: healing, the parting of alternatives, limits and ends. No model, and no keys or values.
"""

from __future__ import annotations

import collections.abc

import torch
from torch import Tensor

from afterword.engine.api import Ended, Paused, RunEvent, Sampled, Started
from afterword.worker.cache.slots import Slot
from afterword.worker.decoding.healing import Healer
from afterword.worker.decoding.sampling import Choice, Sampler, best
from afterword.worker.scheduler.sequence import Sequence, SequenceAlternative, State

UNHEALABLE = "no token of the model continues the text in the way it was typed"
FULL = "the context is full"
NO_ALTERNATIVE = "there is no other way to go on"


class TokenSelector:
    """Chooses tokens for sequences. `slot_rows`: how many tokens a slot holds."""

    def __init__(
        self,
        token_bytes: collections.abc.Sequence[bytes | None],
        eos_ids: frozenset[int],
        banned_ids: frozenset[int],
        vocabulary: int,
        slot_rows: int,
        device: torch.device,
        sampler: Sampler,
    ) -> None:
        self._bytes = token_bytes
        self._eos = eos_ids
        self._slot_rows = slot_rows
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

    def agrees(self, tokens: collections.abc.Sequence[int], heal: bytes) -> bool:
        """Whether the text of `tokens` is what `heal` asks for, as far as both go."""
        written = b"".join(self._bytes[token] or b"" for token in tokens if token < len(self._bytes))
        return written.startswith(heal) or heal.startswith(written)

    def advance(self, sequence: Sequence, now: float) -> list[RunEvent]:
        """Write as many tokens as remembered logits allow; a sequence that waits looks ahead instead, in private."""
        events: list[RunEvent] = []
        slot = sequence.slot
        assert slot is not None
        while sequence.writing and not sequence.branched:
            alternatives = sequence.alternatives
            first = alternatives[0]
            row = self._row(sequence, alternatives, slot.recall(sequence.tokens), now, events)
            if row is None:
                break
            choice = self._choose(row, first.heal, sequence.request.temperature, first.generator)
            if len(alternatives) > 1 and choice is not None and self._shows(choice.token, first.heal):
                self._part(sequence, choice, row, events)
            else:
                self._add(sequence, alternatives, choice, sequence.tokens, events)
        if sequence.branched:
            for alternative in sequence.alternatives:
                self._grow_branch(sequence, alternative, slot, now, events)
        if not sequence.writing and sequence.active:
            self._look_ahead(sequence, slot)
        return events

    def _row(
        self,
        sequence: Sequence,
        alternatives: list[SequenceAlternative],
        row: Tensor | None,
        now: float,
        events: list[RunEvent],
    ) -> Tensor | None:
        """The logits to choose from, unless alternatives that share them have to stop or to wait for a step."""
        if row is not None and not sequence.started:
            sequence.started = True
            context = len(sequence.request.tokens)
            computed = min(sequence.computed, context)
            waited_ms = ((sequence.first_step or now) - sequence.arrived) * 1000
            events.append(Started(*sequence.key, context, context - computed, computed, waited_ms))
        if sequence.started and alternatives[0].written >= sequence.limit:
            sequence.turn(alternatives, State.PAUSED)
            for alternative in alternatives:
                events.append(Paused(*sequence.key, alternative.index))
            return None
        if row is None and sequence.length > self._slot_rows:
            self._end(sequence, alternatives, "end", FULL, events)
        return row

    def _grow_branch(
        self, sequence: Sequence, alternative: SequenceAlternative, slot: Slot, now: float, events: list[RunEvent]
    ) -> None:
        """More of an alternative that has parted from the others, as far as remembered logits go."""
        branch = alternative.branch
        while alternative.state is State.WRITING:
            known = branch.recall() if branch.tokens else slot.recall(sequence.tokens)
            row = self._row(sequence, [alternative], known, now, events)
            if row is None:
                break
            choice = self._choose(row, alternative.heal, sequence.request.temperature, alternative.generator)
            self._add(sequence, [alternative], choice, branch.tokens, events)

    def _look_ahead(self, sequence: Sequence, slot: Slot) -> None:
        """Choose tokens after a text that waits. Its end, or an error, is found again if it is asked for."""
        while sequence.active:
            tokens = sequence.tokens
            row = slot.recall(tokens) if len(tokens) <= self._slot_rows else None
            if row is None and len(tokens) <= self._slot_rows:
                return
            choice = None if row is None else self._choose(row, sequence.heal)
            if choice is None or choice.token in self._eos:
                sequence.lookahead_limit = sequence.lookahead
                return
            sequence.lookahead_heal = sequence.heal[len(self._bytes[choice.token] or b"") :]
            tokens.append(choice.token)
            sequence.lookahead += 1

    def _part(self, sequence: Sequence, first: Choice, row: Tensor, events: list[RunEvent]) -> None:
        """Greedy alternatives part at the first token that shows: the likeliest, the next likeliest, and so on."""
        sequence.branched = True
        alternatives = sequence.alternatives
        heal = alternatives[0].heal
        allowed = self._beyond(heal) if heal else None
        others = best(row, len(alternatives) - 1, allowed, self._eos | {first.token})
        choices = [first, *others]
        for alternative, choice in zip(alternatives, choices, strict=False):
            self._add(sequence, [alternative], choice, alternative.branch.tokens, events)
        self._end(sequence, alternatives[len(choices) :], "end", NO_ALTERNATIVE, events)

    def _choose(
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
        self,
        sequence: Sequence,
        alternatives: list[SequenceAlternative],
        choice: Choice | None,
        tokens: list[int],
        events: list[RunEvent],
    ) -> None:
        """Append a token to `tokens`, which the alternatives share, and tell of it; or end them."""
        if choice is None:
            self._end(sequence, alternatives, "error", UNHEALABLE, events)
        elif choice.token in self._eos:
            self._end(sequence, alternatives, "end", "", events)
        else:
            sequence.spoken = True
            sequence.length += 1
            tokens.append(choice.token)
            size = len(self._bytes[choice.token] or b"")
            for alternative in alternatives:
                if not alternative.heal or size > len(alternative.heal):
                    alternative.written += 1
                alternative.heal = alternative.heal[size:]
                events.append(Sampled(*sequence.key, alternative.index, choice.token, choice.logprob))

    def _end(
        self,
        sequence: Sequence,
        alternatives: list[SequenceAlternative],
        reason: str,
        detail: str,
        events: list[RunEvent],
    ) -> None:
        sequence.turn(alternatives, State.ENDED)
        for alternative in alternatives:
            events.append(Ended(*sequence.key, alternative.index, reason, detail))

    def _shows(self, token: int, heal: bytes) -> bool:
        """Whether a token goes beyond the bytes still to be reproduced."""
        return not heal or len(self._bytes[token] or b"") > len(heal)

    def _beyond(self, heal: bytes) -> Tensor:
        """Ids of the tokens that go beyond what is to be reproduced."""
        places = self._healer.agreeing(heal).beyond
        return self._by_bytes[places.start : places.stop]
