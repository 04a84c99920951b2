"""Draft tokens of a document: what may come next, guessed from its text alone.

With a draft that is right, one step gives several tokens. What lives here: where guesses come from, and how far they
are trusted. Pure: token ids in, token ids out. A draft never changes what is written: its rows ride in the step that
gives the next token, and of what they say only that part is used which the model would have written by itself.

Two sources, both of which cost microseconds:

- The *former* text. A writer who changes a word, or types another letter than was suggested, often leaves what comes
  after as it was. So the text as it last stood, with what was written for it, is kept, and searched for the place
  that answers to the end of the text now: where the same tokens end, or else as many tokens after the change.
- *Repetition*. Names and phrases come again: what followed the longest end of the text that occurred earlier in it.
  (Prompt lookup decoding, https://github.com/apoorvumang/prompt-lookup-decoding.)

How often a source was right for a document decides how much of it is proposed: as many tokens as are each likely
enough to be worth a row. A source that fails falls silent, and is given a small chance again much later.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from itertools import islice

from afterword.worker.speculation.matching import common_prefix, common_suffix, places_after

# Longest draft. Beyond this a guess is hardly ever right all through.
MOST_TOKENS = 15
# A row is worth computing if its token is at least this likely to be the next: about what one more row of a step costs.
WORTH = 0.15
# No token is thought to be likelier than this, so that rows are never spent without end.
MOST_CHANCE = 0.9
# How far an estimate moves with each token that is found right or wrong, and how far it moves back with each step in
# which its source is silent, toward where it began.
LEARNING = 0.2
FORGIVING = 0.002
# How much of the text is searched for repetitions, and how many places that end alike are compared.
SEARCHED_TOKENS = 4096
COMPARED_PLACES = 32
# Two texts are compared backward this far from a place where both end alike.
LONGEST_MATCH = 8
# So many tokens that end alike make a phrase; fewer may be an accident.
PHRASE_TOKENS = 4
REPEATED_TOKENS = 2
# How long after a change, in tokens, the former text is still thought to go on at the same distance from it.
SAME_PLACE_TOKENS = 3
# How much of what is expected after a text is kept when its writing is given up.
KEPT_TOKENS = 32


class Source(enum.Enum):
    """Where a guess comes from."""

    AGAIN = enum.auto()
    """The former text begins with the whole text."""
    ANCHORED = enum.auto()
    """The former text has a place that ends like the text."""
    SHIFTED = enum.auto()
    """The former text, as many tokens after the change."""
    PHRASE = enum.auto()
    """The text has an earlier place that ends like it over many tokens."""
    REPEATED = enum.auto()
    """The text has an earlier place that ends like it over a few tokens."""


# How likely the first token of a guess is thought to be right to begin with, and each further one if all before it are.
FIRST_CHANCES = {
    Source.AGAIN: (0.8, 0.9),
    Source.ANCHORED: (0.6, 0.8),
    Source.SHIFTED: (0.3, 0.8),
    Source.PHRASE: (0.6, 0.7),
    Source.REPEATED: (0.25, 0.6),
}


@dataclass(slots=True)
class Trust:
    """How likely a source is right: with the `first` token of a guess, and with each one `after` a right one."""

    first: float
    after: float

    @property
    def worth(self) -> int:
        """How many tokens of a guess are each worth a row: the last is right only if all before it are."""
        if self.first < WORTH:
            return 0
        after = min(self.after, MOST_CHANCE)
        return min(MOST_TOKENS, 1 + int(math.log(WORTH / self.first) / math.log(after)))

    def learn(self, right: int, wrong: bool) -> None:
        """The first `right` tokens of a guess were what came, and then there was a wrong one, or none was left."""
        for at in range(right + wrong):
            aim = float(at < right)
            if at == 0:
                self.first += LEARNING * (aim - self.first)
            else:
                self.after += LEARNING * (aim - self.after)


@dataclass(frozen=True, slots=True)
class DraftTokens:
    """Tokens that may come next, at least one, and where the guess comes from."""

    source: Source
    tokens: list[int]

    def cut(self, length: int) -> DraftTokens:
        """Its first `length` tokens."""
        return self if length >= len(self.tokens) else DraftTokens(self.source, self.tokens[:length])


class NgramProposer:
    """Guesses for one document, and how they fared. Holds token ids of its text: to be dropped with the document."""

    def __init__(self) -> None:
        self._former: list[int] = []
        self._trust = {source: Trust(*chances) for source, chances in FIRST_CHANCES.items()}

    def leave(self, text: list[int]) -> None:
        """A text is not written on: it becomes the former one, followed by what was expected after it."""
        expected = self._from_former(text)
        self._former = text + (expected.tokens[:KEPT_TOKENS] if expected else [])

    def propose(self, text: list[int], most: int) -> DraftTokens | None:
        """What may follow `text`, at most `most` tokens; None if there is no guess worth a row."""
        for source, trust in self._trust.items():
            if trust.first < WORTH:
                trust.first += FORGIVING * (FIRST_CHANCES[source][0] - trust.first)
        guesses = (self._from_former(text), _repetition(text))
        best, best_trust = None, None
        for guess in guesses:
            if guess is not None:
                trust = self._trust[guess.source]
                # The better trusted source speaks, unless it has nothing to say.
                if trust.first >= WORTH and (best_trust is None or trust.first > best_trust.first):
                    best, best_trust = guess, trust
        if best is None or best_trust is None or most <= 0:
            return None
        return best.cut(min(most, best_trust.worth))

    def judge(self, draft: DraftTokens, right: int, wrong: bool) -> None:
        """The first `right` tokens of a draft were what came next; `wrong`: the one after them was not."""
        self._trust[draft.source].learn(right, wrong)

    def _from_former(self, text: list[int]) -> DraftTokens | None:
        """What follows the place of the former text that answers to the end of `text`."""
        former = self._former
        parted = common_prefix(former, text)
        since = len(text) - parted
        source, place = Source.AGAIN, parted
        if since > 0:
            rest, new = former[parted:], text[parted:]
            found, match = -1, (-1, 0)
            for at in islice(places_after(new[-1:], rest), COMPARED_PLACES):
                alike = (common_suffix(rest, at, new, LONGEST_MATCH), -abs(at - since))
                if alike > match:
                    found, match = at, alike
            if found >= 0:
                source, place = Source.ANCHORED, parted + found
            elif since <= SAME_PLACE_TOKENS:
                source, place = Source.SHIFTED, parted + since
            else:
                return None
        tokens = former[place : place + KEPT_TOKENS]
        return DraftTokens(source, tokens) if tokens else None


def _repetition(text: list[int]) -> DraftTokens | None:
    """What followed the longest end of `text` that occurred earlier in it, the latest of several."""
    text = text[-SEARCHED_TOKENS:]
    if len(text) <= REPEATED_TOKENS:
        return None
    found, match = -1, -1
    for place in islice(places_after(text[-REPEATED_TOKENS:], text), COMPARED_PLACES):
        length = common_suffix(text, place, text, LONGEST_MATCH)
        if length > match:
            found, match = place, length
    if found < 0:
        return None
    tokens = text[found : found + MOST_TOKENS]
    while len(tokens) < MOST_TOKENS:  # what came round once is expected to come round again
        tokens.append(tokens[len(tokens) - (len(text) - found)])
    return DraftTokens(Source.PHRASE if match >= PHRASE_TOKENS else Source.REPEATED, tokens)
