"""Where phrases end: at commas, semicolons, colons, dashes and brackets, but not inside numbers and addresses.

What lives here: ends of phrases within one line of text, apart from the ends of sentences, which end phrases too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from afterword.text.characters import is_wordlike

_CLOSING = re.escape("\"'”’»)]}›」』】〉》）］｝")
# In scripts without spaces between words, a space is what a comma is elsewhere.
_SPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_AFTER = re.compile(
    f"(?P<soft>[,;:]+[{_CLOSING}]*|[)\\]}}]+)(?=\\s|$)|(?P<hard>[，、；：،؛︐︑︓︔﹐﹑﹔﹕；]+[{_CLOSING}]*|[）】］｝〕])"
)
_BEFORE = re.compile(
    f"\\s+(?=[-–—―]+\\s|[–—―(\\[{{])|(?<=\\w)(?=[—―]|[（【［｛〔])|(?<=[{_SPACED}])\\s+(?=[{_SPACED}])", re.UNICODE
)
# White space and signs at the end of a text that may turn out to begin the next phrase.
_OPEN_TAIL = re.compile(r"\s+[-–—―]*$")


@dataclass(slots=True)
class PhraseEnds:
    """`certain`: rising offsets. `sure`: text up to here belongs to the phrase whatever follows."""

    certain: list[int] = field(default_factory=list)
    sure: int = 0


def phrase_ends(text: str, anchor: int, *, complete: bool) -> PhraseEnds:
    """Find the ends beyond `anchor` in a line of text, of which what comes before `anchor` is context."""
    ends = set()
    for match in _AFTER.finditer(text):
        if match.end() < len(text) or complete:
            ends.add(match.end())
    ends.update(match.start() for match in _BEFORE.finditer(text))
    first = next((at for at in range(anchor, len(text)) if is_wordlike(text[at])), len(text))
    found = PhraseEnds(sorted(end for end in ends if end > first))
    tail = _OPEN_TAIL.search(text)
    found.sure = tail.start() if tail and not complete else len(text)
    return found
