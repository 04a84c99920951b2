"""The prompt of one document, kept up to date as its text changes: preface, window, tokens, and what is to be repeated.

What lives here: which part of a document goes to the model. How the tokens of a changing text are kept is in
incremental.py, where the last word is cut in healing.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from afterword.text.healing import heal_from
from afterword.text.incremental import IncrementalTokens
from afterword.text.vocabulary import Vocabulary

STRIDES_IN_WINDOW = (
    4  # the window moves by a quarter of itself: often enough to stay full, rarely enough to keep caches
)
MAX_CHARACTERS_PER_TOKEN = 8  # a text longer than this times the window is not even tokenised whole
ANCHOR_CHARACTERS = 256  # by which a window is found again in a text whose beginning was dropped
PREFACE_END = "\n\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """`tokens`: the prompt, at least one. `heal`: bytes that the next tokens must repeat.

    `start`: how much of the document (code points) is left out at its beginning.
    """

    tokens: list[int]
    heal: bytes
    start: int


class PromptTokens:
    """Keeps the tokens of one document's prompt. `room_tokens`: how many a prompt may have."""

    def __init__(self, vocabulary: Vocabulary, room_tokens: int) -> None:
        if room_tokens < 8 + len(vocabulary.start_ids):
            raise ValueError(f"a prompt of {room_tokens} tokens is too short to work with")
        self.incremental = IncrementalTokens(vocabulary)
        self._vocabulary = vocabulary
        self._room = room_tokens - len(vocabulary.start_ids)
        self._preface = ""
        self._head = ""  # what stands before the document: the preface that fits, and a blank line
        self._head_tokens = 0
        self._before = ""
        self._start = 0

    def update(self, before: str, preface: str = "") -> Prompt:
        """Return the prompt for the text before the caret."""
        if preface != self._preface:
            self._set_preface(preface)
        self._follow(before)
        heal_at, count = self._tokenise()
        if self._start > 0 and count < self._room // 2 and len(before) - self._start < self._most_characters // 2:
            # Much was deleted: begin again, with more of what came earlier.
            self._start = max(len(before) - self._most_characters, 0)
            heal_at, count = self._tokenise()
        while count > self._room:
            self._move(count)
            heal_at, count = self._tokenise()
        text = self._text()
        tokens = self.incremental.ids[:count].tolist()
        return Prompt([*self._vocabulary.start_ids, *tokens], self._heal(text, heal_at), self._start)

    def _text(self) -> str:
        return self._head + self._before[self._start :]

    def _tokenise(self) -> tuple[int, int]:
        """Bring the tokens up to date; return where the prompt ends in the text, and after how many tokens."""
        text = self._text()
        heal_at = heal_from(text, len(self._head), self._vocabulary)
        kept = text[:heal_at]
        probe = ""
        if kept and kept[-1].isspace():
            # Tokenizers split a run of white space by what follows it, and that will be a word.
            probe = " a" if text[heal_at : heal_at + 1] == " " else "a"
        self.incremental.update(kept + probe)
        count = self.incremental.cut(heal_at)
        if count is None:
            self.incremental.update(kept)
            count = len(self.incremental.ids)
        return heal_at, count

    def _heal(self, text: str, heal_at: int) -> bytes:
        heal = self._vocabulary.written(text[heal_at:])
        if heal_at == 0 and heal:
            # Some tokenizers put a space before the first word of a text, and the model will write it so.
            spelled = self._vocabulary.spell(self._vocabulary.encode(text))
            if spelled.endswith(heal):
                return spelled
        return heal

    def _set_preface(self, preface: str) -> None:
        self._preface = preface
        most = self._room // 2 - 1
        head = preface[: most * MAX_CHARACTERS_PER_TOKEN] if preface.strip() else ""
        encoded = self._vocabulary.encode_spans(head)
        if len(encoded.ids) > most:
            head = head[: encoded.offsets[most][0]]
        self._head = head + PREFACE_END if head else ""
        self._head_tokens = len(self._vocabulary.encode(self._head))

    @property
    def _most_characters(self) -> int:
        """How long a window can be, if its tokens are long."""
        return (self._room - self._head_tokens) * MAX_CHARACTERS_PER_TOKEN

    def _follow(self, before: str) -> None:
        """Take the new text; keep the window where it was if the text around its start is still there."""
        old, self._before = self._before, before
        if self._start > 0 and not before.startswith(old[: self._start]):
            anchor = old[self._start : self._start + ANCHOR_CHARACTERS]
            found = before.find(anchor) if len(anchor) == ANCHOR_CHARACTERS else -1
            self._start = max(found, 0)
        if len(before) - self._start > 2 * self._most_characters:
            self._start = len(before) - self._most_characters

    def _move(self, count: int) -> None:
        """Move the start of the window by a stride, to a place where a paragraph or a word begins if one is near."""
        incremental = self.incremental
        window = self._room - self._head_tokens
        stride = max(window // STRIDES_IN_WINDOW, 1)
        first = min(count - self._room + self._head_tokens + stride, count - 1)
        text = self._text()
        head = len(self._head)
        begin = max(incremental.starts[first], head + 1)
        nearby = incremental.starts[min(first + max(stride // 4, 1), count - 1)]
        choice = text.find("\n", begin - 1, nearby) + 1
        if choice == 0:
            space = text.find(" ", begin - 1, nearby)
            choice = space + 1 if space >= 0 else begin
        self._start += choice - head
