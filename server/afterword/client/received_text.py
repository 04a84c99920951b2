"""The text of one alternative while its pieces come in. Pure; positions on the wire are UTF-16 units."""

from __future__ import annotations

from afterword.client.clip import head
from afterword.client.errors import OutOfStep
from afterword_protocol.messages import Boundaries
from afterword_protocol.utf16 import units


class ReceivedText:
    """Append-only text. Checks of each piece what the protocol promises: no gap, no overlap, nothing taken back."""

    def __init__(self) -> None:
        self.text = ""  # everything so far, from the suggestion's anchor
        self.logprob = 0.0  # summed natural-log probability of the pieces that carried one
        self._units = 0  # length of `text`

    def append(self, pos_units: int, text: str, logprob: float | None = None) -> str:
        """Add a piece that belongs at `pos_units`; returns it. Raises OutOfStep if it is not the next one."""
        if pos_units != self._units:
            raise OutOfStep(f"a piece at {pos_units} came where one at {self._units} was due")
        self.text += text
        self._units += units(text)
        self.logprob += logprob or 0.0
        return text

    def finish(self, text: str) -> str:
        """Take the whole text that came with `done`; returns the part that no piece had brought.

        Raises OutOfStep if it does not begin with the pieces.
        """
        if not text.startswith(self.text):
            raise OutOfStep("the text of done differs from its pieces")
        return self.append(self._units, text[len(self.text) :])


def ends(text: str, boundaries: Boundaries | None, kind: str) -> list[int]:
    """Ends of the parts of `text`, as rising code-point offsets; `kind` is `words`, `phrases` or `sentences`."""
    if boundaries is None:
        return []
    marks: tuple[int, ...] = getattr(boundaries, kind)
    return [len(head(text, mark)) for mark in marks]
