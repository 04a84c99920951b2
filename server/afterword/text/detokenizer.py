"""From tokens to text that may be painted: never half a grapheme, never changed afterwards.

What lives here: the end of one growing text. Where a suggestion ends, or what of it is shown, is not decided here.
"""

from __future__ import annotations

from afterword.text.characters import graphemes, may_grow
from afterword.text.vocabulary import Vocabulary

CONTEXT_CHARACTERS = 32  # of the text before, enough to hold its last grapheme


class Detokenizer:
    """Joins tokens into pieces of text, each safe to give out.

    `skip_bytes`: what the writer has typed already and the first tokens only repeat. `before_tail`: the end of the text
    before the caret, because the first character may belong to the last grapheme there (a vowel sign, half a flag).

    `ended` is set when no more text can follow: bytes that are not UTF-8, a token that has no text, or a character
    that would change a grapheme given out before. What was given out until then stands. `only_repeated` tells
    whether the last token was nothing but what the writer had typed.
    """

    def __init__(self, vocabulary: Vocabulary, skip_bytes: bytes = b"", before_tail: str = "") -> None:
        self.ended = False
        self.only_repeated = False
        self._token_bytes = vocabulary.token_bytes
        self._skip = skip_bytes
        self._bytes = b""  # the start of a character whose other bytes are to come
        self._held = ""  # whole characters that may not be given out yet
        tail = before_tail[-CONTEXT_CHARACTERS:]
        # The last grapheme before what is held. In ASCII the last character will do: nothing joins a line break.
        self._context = tail[-1:] if tail.isascii() else graphemes(tail)[-1]
        self._is_ours = False  # whether that grapheme was given out here, rather than typed by the writer

    def add(self, token: int) -> str:
        """Take one more token; return the text that is now safe, which may be empty."""
        if self.ended:
            return ""
        data = self._token_bytes[token] if 0 <= token < len(self._token_bytes) else None
        if data is None:
            self.ended = True
            self.only_repeated = False
            return self._release(everything=True)
        skipped = min(len(data), len(self._skip))
        if data[:skipped] != self._skip[:skipped]:
            self.ended = True
            return ""
        self._skip = self._skip[skipped:]
        self.only_repeated = skipped == len(data)
        data = self._bytes + data[skipped:]
        try:
            self._held += data.decode()
            self._bytes = b""
        except UnicodeDecodeError as error:
            self._held += data[: error.start].decode()
            self.ended = error.reason != "unexpected end of data"
            self._bytes = b"" if self.ended else data[error.start :]
        return self._release(everything=self.ended)

    def finish(self) -> str:
        """The text is over: return what was held back, without the bytes of an unfinished character."""
        self.ended = True
        return self._release(everything=True)

    def _release(self, *, everything: bool) -> str:
        """Give out what is held, as far as no text that follows can change it."""
        held = self._held
        if not held:
            return ""
        if held.isascii() and self._context.isascii() and "\r" not in held and "\r" not in self._context:
            self._held = ""
            self._context, self._is_ours = held[-1], True
            return held
        parts = graphemes(self._context + held)
        head = parts[0]
        if len(head) > len(self._context) > 0 and self._is_ours:
            self.ended = True
            self._held = ""
            return ""
        if not everything and may_grow(parts[-1]):
            parts.pop()
        given = "".join(parts)[len(self._context) :]
        if given:
            self._held = held[len(given) :]
            self._context, self._is_ours = parts[-1], True
        return given
