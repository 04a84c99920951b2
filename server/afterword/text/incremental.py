"""The tokens of a text that changes little by little: a keystroke tokenises a hundred characters, not the whole text.

What lives here: one text, its tokens, and the way from one text to the next. What the text is, and which of its tokens
make a prompt, is decided in prompt.py.

Why a piece of the old tokens may stay: byte-pair encoding builds a token only by merges inside it. So where a text has
a token boundary, the tokens to the left of it are those of the left part alone, and likewise to the right. What a
change can reach to its left is therefore a chain of merges next to it, and such chains are a few characters long. The
tail is tokenised again from well before the change, and the old tokens stay only if the new ones first repeat them
over a stretch; if they do not, a longer tail is taken, and in the end the whole text.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from afterword.text.vocabulary import Vocabulary

LEAD_CHARACTERS = 24  # where a tail begins, tokens may differ: a sign for the start, half of a pre-token
OVERLAP_CHARACTERS = 24  # over this much, new tokens must repeat the old ones
OVERLAP_TOKENS = 4  # and over at least so many tokens
GUARD_CHARACTERS = 24  # this close before a change, old tokens may have changed with it
WIDER = 4  # factor by which all three grow when a tail does not join


class IncrementalTokens:
    """`ids`, and for each the `starts` and `ends` of its characters, of the text last given to `update`.

    `encoded_characters`: how many characters were tokenised so far, over all updates.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.text = ""
        self.ids = array("q")
        self.starts = array("q")
        self.ends = array("q")
        self.encoded_characters = 0

    def update(self, text: str) -> None:
        """Hold the tokens of `text` from now on."""
        common = common_prefix(self.text, text)
        if common == len(text) == len(self.text):
            return
        scale = 1
        while not self._join(text, common, scale):
            scale *= WIDER
        self.text = text

    def cut(self, position: int) -> int | None:
        """How many tokens make up the first `position` characters, or None if a token spans that position."""
        count = bisect_left(self.starts, position)
        # A token that was split from a character before it starts there too, so only ends can lie across.
        return count if count == 0 or self.ends[count - 1] <= position else None

    def _join(self, text: str, common: int, scale: int) -> bool:
        """Tokenise the tail of `text` and put it behind the old tokens that stay; False if the two do not join."""
        settled = common - scale * GUARD_CHARACTERS
        overlap = settled - scale * OVERLAP_CHARACTERS
        first = self._boundary_before(overlap - scale * LEAD_CHARACTERS)
        begin = self.starts[first] if first < len(self.starts) else 0
        self.encoded_characters += len(text) - begin
        encoded = self.vocabulary.encode_spans(text[begin:])
        ids, starts, ends = array("q", encoded.ids), array("q"), array("q")
        for start, end in encoded.offsets:
            starts.append(begin + start)
            ends.append(begin + end)
        if begin == 0:
            self.ids, self.starts, self.ends = ids, starts, ends
            return True
        keep = self._boundary_before(overlap)
        agreed = self._boundary_before(settled)
        where = self.starts[keep]
        join = bisect_left(starts, where)
        count = agreed - keep
        if (
            count < OVERLAP_TOKENS
            or join + count > len(ids)
            or (join > 0 and ends[join - 1] > where)
            or ids[join : join + count] != self.ids[keep:agreed]
            or starts[join : join + count] != self.starts[keep:agreed]
        ):
            return False
        self.ids[keep:] = ids[join:]
        self.starts[keep:] = starts[join:]
        self.ends[keep:] = ends[join:]
        return True

    def _boundary_before(self, position: int) -> int:
        """Index of the last token that starts at or before `position` with no character shared with the one before."""
        index = min(bisect_left(self.starts, position + 1), len(self.starts)) - 1
        while index > 0 and (self.starts[index] < self.ends[index - 1] or self.starts[index] == self.starts[index - 1]):
            index -= 1
        return max(index, 0)


def common_prefix(one: str, other: str) -> int:
    """Length of the longest common prefix, found by comparing slices from the end that usually changes."""
    most = min(len(one), len(other))
    step = 64
    least = max(most - step, 0)
    while one[:least] != other[:least]:
        most = least
        step *= 8
        least = max(most - step, 0)
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least
