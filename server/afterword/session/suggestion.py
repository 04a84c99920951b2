"""The states of a suggestion, as a table: in which state what can happen, where it leads, and what is done on the way.

What lives here: the states, the events, and the table. Two rules. Everything that decides about the state stands in the
table, so that it can be read, drawn (`protocol/PROTOCOL.md` has the picture, and a test compares the two) and checked.
And the table knows nothing of messages, tokens or texts: `ghost_text.py` runs it, turns what happens into events, and
holds the texts and the asks.

Theory
======

A document has one suggestion, the newest that was begun. Three questions decide about it:

1. *Is a `done` owed?* Each `suggest` and each `extend` is an *ask*. Asks are answered in order, each by one `done`. A
   suggestion is LIVE while an ask is unanswered, and DONE once all are answered. Several asks can wait; that is no
   state of its own, because all that can happen to a live suggestion is the same however many there are.
2. *Does its text stand at the caret?* As long as it does, the text can be accepted, and an `extend` goes on with it.
   Once the writer has typed something else, or has gone elsewhere, the suggestion is DIVERGED; once the writer has
   waved it away, it is DISMISSED. There is no way back from either, and the first of the two counts. A suggestion in
   them is never live: all that is owed is answered on the way there, and an `extend` at once, for the same reason.
3. *Is the text that was written of use?* That is no state of the suggestion, because the text outlives it: a later
   suggestion can adopt what an earlier one left. But it is the events of a suggestion that decide about it, so the
   table says for each what becomes of the run that writes, and whether the text is dropped.

Most events come from outside: a message, a report of the engine, a deadline. Two come from the state itself: SETTLED
when the text of the current ask has ended, and ANSWERED when no ask is left.

A new `suggest` is two events. SUPERSEDED (or REFUSED, if the new one is refused) ends the old suggestion, and SUGGEST
begins the new one. Nothing is live in between. A suggestion that is refused never begins, so it has no state, and the
one before it stays the newest.

A pair of state and event that is not in the table cannot happen. If it does, that is a bug, and the lookup raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from afterword_protocol.messages import Reason


class SuggestionState(Enum):
    """What a document's newest suggestion is; the values are the names in `PROTOCOL.md`."""

    NONE = "none"
    LIVE = "live"
    DONE = "done"
    DIVERGED = "diverged"
    DISMISSED = "dismissed"


class SuggestionEvent(Enum):
    """What can happen to a suggestion; the values are the words of the picture in `PROTOCOL.md`."""

    SUGGEST = "suggest"
    SUPERSEDED = "newer suggest"
    REFUSED = "newer suggest that is refused"
    EXTEND = "extend"
    TEXT = "text is written"
    SETTLED = "an ask ends"
    DEADLINE = "max_time_ms is over"
    ANSWERED = "no ask is left"
    AGREE = "edit or accept that agrees"
    BEHIND = "edit behind the anchor"
    DIVERGE = "edit that differs"
    OPEN = "open"
    OUT_OF_STEP = "open, edit or accept that is refused"
    CANCEL = "cancel"
    DISMISS = "dismiss"
    CLOSE = "close"
    BUSY = "the engine has no room"
    FAILED = "the engine fails"
    ENGINE_LOST = "the engine is lost"


class RunAction(Enum):
    """What becomes of the run that writes, and of its text."""

    KEEP = "it goes on"
    REST = "it is stopped if it would write on by itself; its text is kept"
    AWAIT = "the same, and more of its text is likely to be wanted soon"
    DROP = "it is stopped and its text dropped"
    GONE = "it is gone already; its text is kept"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads.

    `reasons`: those of the `done` messages that are sent on the way. Where there are several, the ask that ends says
    which, or else it is the first. If the suggestion stays live, the current ask alone is answered, otherwise all are.
    """

    state: SuggestionState
    run: RunAction = RunAction.KEEP
    reasons: tuple[Reason, ...] = ()


_State = SuggestionState
_On = SuggestionEvent
_Run = RunAction
_ENDINGS = (Reason.END, Reason.STOP, Reason.LENGTH, Reason.SUFFIX, Reason.QUIET, Reason.REPETITION)
_REFUSALS = (Reason.BUSY, Reason.ERROR)  # of an `extend` that is refused, and answered when its turn comes

TRANSITIONS: dict[tuple[SuggestionState, SuggestionEvent], Transition] = {
    # There has been no suggestion, or none since the document was opened.
    (_State.NONE, _On.SUGGEST): Transition(_State.LIVE),
    (_State.NONE, _On.SUPERSEDED): Transition(_State.NONE),
    (_State.NONE, _On.REFUSED): Transition(_State.NONE),
    (_State.NONE, _On.OPEN): Transition(_State.NONE),
    (_State.NONE, _On.OUT_OF_STEP): Transition(_State.NONE),
    (_State.NONE, _On.ENGINE_LOST): Transition(_State.NONE),
    (_State.NONE, _On.CLOSE): Transition(_State.NONE),
    # An ask is being answered.
    (_State.LIVE, _On.TEXT): Transition(_State.LIVE),
    (_State.LIVE, _On.EXTEND): Transition(_State.LIVE),
    (_State.LIVE, _On.AGREE): Transition(_State.LIVE),
    (_State.LIVE, _On.SETTLED): Transition(_State.LIVE, reasons=(*_ENDINGS, *_REFUSALS)),
    (_State.LIVE, _On.DEADLINE): Transition(_State.LIVE, reasons=(Reason.TIME,)),
    (_State.LIVE, _On.ANSWERED): Transition(_State.DONE, _Run.AWAIT),
    (_State.LIVE, _On.SUPERSEDED): Transition(_State.DONE, reasons=(Reason.SUPERSEDED,)),
    (_State.LIVE, _On.REFUSED): Transition(_State.DONE, _Run.REST, (Reason.SUPERSEDED,)),
    (_State.LIVE, _On.CANCEL): Transition(_State.DONE, _Run.REST, (Reason.CANCELLED,)),
    (_State.LIVE, _On.BUSY): Transition(_State.DONE, _Run.AWAIT, (Reason.BUSY,)),
    (_State.LIVE, _On.FAILED): Transition(_State.DONE, _Run.AWAIT, (Reason.ERROR,)),
    (_State.LIVE, _On.ENGINE_LOST): Transition(_State.DONE, _Run.GONE, (Reason.ERROR,)),
    (_State.LIVE, _On.BEHIND): Transition(_State.DIVERGED, _Run.REST, (Reason.DIVERGED,)),
    (_State.LIVE, _On.OPEN): Transition(_State.DIVERGED, _Run.REST, (Reason.DIVERGED,)),
    (_State.LIVE, _On.OUT_OF_STEP): Transition(_State.DIVERGED, _Run.REST, (Reason.DIVERGED,)),
    (_State.LIVE, _On.DIVERGE): Transition(_State.DIVERGED, _Run.DROP, (Reason.DIVERGED,)),
    (_State.LIVE, _On.DISMISS): Transition(_State.DISMISSED, _Run.DROP, (Reason.CANCELLED,)),
    (_State.LIVE, _On.CLOSE): Transition(_State.NONE, reasons=(Reason.CANCELLED,)),
    # Every ask is answered, and the text can be accepted and gone on with.
    (_State.DONE, _On.SUGGEST): Transition(_State.LIVE),
    (_State.DONE, _On.EXTEND): Transition(_State.LIVE),
    (_State.DONE, _On.TEXT): Transition(_State.DONE),
    (_State.DONE, _On.AGREE): Transition(_State.DONE),
    (_State.DONE, _On.SUPERSEDED): Transition(_State.DONE),
    (_State.DONE, _On.REFUSED): Transition(_State.DONE),
    (_State.DONE, _On.CANCEL): Transition(_State.DONE),
    (_State.DONE, _On.ENGINE_LOST): Transition(_State.DONE, _Run.GONE),
    (_State.DONE, _On.BEHIND): Transition(_State.DIVERGED),
    (_State.DONE, _On.OPEN): Transition(_State.DIVERGED),
    (_State.DONE, _On.OUT_OF_STEP): Transition(_State.DIVERGED),
    (_State.DONE, _On.DIVERGE): Transition(_State.DIVERGED, _Run.DROP),
    (_State.DONE, _On.DISMISS): Transition(_State.DISMISSED, _Run.DROP),
    (_State.DONE, _On.CLOSE): Transition(_State.NONE),
    # The text does not stand at the caret any more. What was written may still be adopted.
    (_State.DIVERGED, _On.SUGGEST): Transition(_State.LIVE),
    (_State.DIVERGED, _On.EXTEND): Transition(_State.DIVERGED, reasons=(Reason.DIVERGED, *_REFUSALS)),
    (_State.DIVERGED, _On.TEXT): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.AGREE): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.BEHIND): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.SUPERSEDED): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.REFUSED): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.CANCEL): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.OPEN): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.OUT_OF_STEP): Transition(_State.DIVERGED),
    (_State.DIVERGED, _On.DIVERGE): Transition(_State.DIVERGED, _Run.DROP),
    (_State.DIVERGED, _On.DISMISS): Transition(_State.DIVERGED, _Run.DROP),
    (_State.DIVERGED, _On.ENGINE_LOST): Transition(_State.DIVERGED, _Run.GONE),
    (_State.DIVERGED, _On.CLOSE): Transition(_State.NONE),
    # It was waved away, and what was written is dropped, so no edit concerns it any more.
    (_State.DISMISSED, _On.SUGGEST): Transition(_State.LIVE),
    (_State.DISMISSED, _On.EXTEND): Transition(_State.DISMISSED, reasons=(Reason.CANCELLED, *_REFUSALS)),
    (_State.DISMISSED, _On.SUPERSEDED): Transition(_State.DISMISSED),
    (_State.DISMISSED, _On.REFUSED): Transition(_State.DISMISSED),
    (_State.DISMISSED, _On.CANCEL): Transition(_State.DISMISSED),
    (_State.DISMISSED, _On.DISMISS): Transition(_State.DISMISSED),
    (_State.DISMISSED, _On.OPEN): Transition(_State.DISMISSED),
    (_State.DISMISSED, _On.OUT_OF_STEP): Transition(_State.DISMISSED),
    (_State.DISMISSED, _On.ENGINE_LOST): Transition(_State.DISMISSED),
    (_State.DISMISSED, _On.CLOSE): Transition(_State.NONE),
}
