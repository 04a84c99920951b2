"""The sizes of an engine core, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from afterword.worker.cache.layout import ROOM_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreConfig:
    """Sizes of an engine core.

    `slots`: documents that the cache holds. `context_tokens`: longest prompt; `room_tokens`: how much longer a text may
    grow. `prefill_tokens`: rows of prefill in a step; `short_prefill_tokens`: the same while somebody waits for a first
    token that needs no more. `waiting_limit`: requests that may wait for a slot before further ones are refused as
    busy. `speculative_rows`: up to so many rows a step takes about as long as with one, so it is filled up with draft
    tokens. `lookahead_tokens`: how far a text is written on in idle time, in case more of it is asked for; with 0
    nothing is done that was not asked for.
    """

    slots: int = 8
    context_tokens: int = 2048
    room_tokens: int = ROOM_TOKENS
    prefill_tokens: int = 64
    short_prefill_tokens: int = 16
    waiting_limit: int = 1024
    speculative_rows: int = 8
    lookahead_tokens: int = 4

    @property
    def rows(self) -> int:
        """Tokens that a slot holds."""
        return self.context_tokens + self.room_tokens
