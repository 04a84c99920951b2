"""The prompt of one document, kept up to date as its text changes: preface, window, tokens, and what is to be repeated.

What lives here: which part of a document goes to the model, and where it is cut so that the model, not the caret,
decides how the last word is split into tokens. How the tokens of a changing text are kept is in incremental.py;
repeating is done where tokens are chosen.

Why a prompt is healed: a model has seen " quick" as one token; after the tokens of " qui" it hardly ever finds "ck". So
the prompt stops before the word that is being typed, and the first tokens written must repeat what was typed of it.
This costs no time while a word is typed: the prompt stays as it is, and so do the logits after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from afterword.text.characters import APOSTROPHES, graphemes, is_spaceless, is_wordlike
from afterword.text.incremental import IncrementalTokens
from afterword.text.vocabulary import Vocabulary

MIN_ROOM_TOKENS = 8
# The window moves by a quarter of itself: often enough to stay full, rarely enough to keep caches.
STRIDES_IN_WINDOW = 4
MAX_CHARACTERS_PER_TOKEN = 8  # a text longer than this times the window is not even tokenised whole
ANCHOR_CHARACTERS = 256  # by which a window is found again in a text whose beginning was dropped
PREFACE_END = "\n\n"
MAX_HEAL_CHARACTERS = 40  # how far back a word is followed
MAX_HEAL_TOKENS = 3  # each repeated token may cost a step of the model, so rare words are cut inside
LEFT_CHARACTERS = 8  # what the tokenizer sees before a word when it is asked how the word splits


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
        if room_tokens < MIN_ROOM_TOKENS + len(vocabulary.start_ids):
            raise ValueError(f"a prompt of {room_tokens} tokens is too short to work with")
        self.incremental = IncrementalTokens(vocabulary)
        self._vocabulary = vocabulary
        self._room_tokens = room_tokens - len(vocabulary.start_ids)
        self._preface = ""
        self._head = ""  # what stands before the document: the preface that fits, and a blank line
        self._window_tokens = self._room_tokens  # what the head leaves of the room
        self._most_characters = self._window_tokens * MAX_CHARACTERS_PER_TOKEN  # of a window, if its tokens are long
        self._before = ""
        self._start = 0  # of the window in the text before the caret
        self._text = ""  # the head and the window

    def update(self, before: str, preface: str = "") -> Prompt:
        """Return the prompt for the text before the caret."""
        if preface != self._preface:
            self._set_preface(preface)
        self._follow(before)
        heal_at, count = self._tokenise()
        if (
            self._start > 0
            and count < self._room_tokens // 2
            and len(before) - self._start < self._most_characters // 2
        ):
            # Much was deleted: begin again, with more of what came earlier.
            self._start = max(len(before) - self._most_characters, 0)
            heal_at, count = self._tokenise()
        while count > self._room_tokens:
            self._move(count)
            heal_at, count = self._tokenise()
        heal = self._vocabulary.written(self._text[heal_at:])
        if heal_at == 0 and heal:
            # Some tokenizers put a space before the first word of a text, and the model will write it so.
            spelled = self._vocabulary.spell(self._vocabulary.encode(self._text))
            heal = spelled if spelled.endswith(heal) else heal
        return Prompt([*self._vocabulary.start_ids, *self.incremental.ids[:count]], heal, self._start)

    def _follow(self, before: str) -> None:
        """Take the new text; keep the window where it was if the text around its start is still there."""
        old, self._before = self._before, before
        if self._start > 0 and not before.startswith(old[: self._start]):
            anchor = old[self._start : self._start + ANCHOR_CHARACTERS]
            found = before.find(anchor) if len(anchor) == ANCHOR_CHARACTERS else -1
            self._start = max(found, 0)
        if len(before) - self._start > 2 * self._most_characters:
            self._start = len(before) - self._most_characters

    def _tokenise(self) -> tuple[int, int]:
        """Bring the tokens up to date; return where the prompt ends in the text, and after how many tokens."""
        self._text = text = self._head + self._before[self._start :]
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

    def _set_preface(self, preface: str) -> None:
        self._preface = preface
        most = self._room_tokens // 2 - 1
        head = preface[: most * MAX_CHARACTERS_PER_TOKEN] if preface.strip() else ""
        encoded = self._vocabulary.encode_spans(head)
        if len(encoded.ids) > most:
            head = head[: encoded.offsets[most][0]]
        self._head = head + PREFACE_END if head else ""
        self._window_tokens = self._room_tokens - len(self._vocabulary.encode(self._head))
        self._most_characters = self._window_tokens * MAX_CHARACTERS_PER_TOKEN

    def _move(self, count: int) -> None:
        """Move the start of the window by a stride, to a place where a paragraph or a word begins if one is near."""
        starts = self.incremental.starts
        stride = max(self._window_tokens // STRIDES_IN_WINDOW, 1)
        first = min(count - self._window_tokens + stride, count - 1)
        head = len(self._head)
        begin = max(starts[first], head + 1)
        nearby = starts[min(first + max(stride // 4, 1), count - 1)]
        choice = self._text.find("\n", begin - 1, nearby) + 1
        if choice == 0:
            space = self._text.find(" ", begin - 1, nearby)
            choice = space + 1 if space >= 0 else begin
        self._start += choice - head


def heal_from(text: str, floor: int, vocabulary: Vocabulary) -> int:
    """Return the offset at which the prompt of `text` ends; what follows is to be repeated. Never below `floor`.

    A space at the end goes with the word that will follow it. A word goes back to its start and the space before it,
    or, if it takes many tokens, as far as its last few. Numbers, and words of scripts without spaces, are cut at their
    last token only. Punctuation, line breaks, emoji and everything else stay in the prompt.
    """
    end = len(text)
    if end <= floor:
        return end
    last = text[-1]
    if last == " ":
        return end - 1
    if not is_wordlike(last) and not (last in APOSTROPHES and end - 1 > floor and is_wordlike(text[end - 2])):
        return end
    start, has_letter = _word_start(text, max(floor, end - MAX_HEAL_CHARACTERS))
    is_word = has_letter and not is_spaceless(last)
    if is_word and start > floor and text[start - 1] == " ":
        start -= 1
    cut = _last_tokens(text, start, MAX_HEAL_TOKENS if is_word else 1, vocabulary)
    if not text[max(start - 1, 0) :].isascii():
        cut = _whole(text, cut, floor)
    if is_word or vocabulary.extends(vocabulary.written(text[cut:])):
        return cut
    return end


def _word_start(text: str, least: int) -> tuple[int, bool]:
    """Where the last word starts, `least` or later, and whether it has a letter."""
    start = len(text)
    spaceless = is_spaceless(text[-1])
    has_letter = False
    while start > least:
        char = text[start - 1]
        inside = is_wordlike(char) or (char in APOSTROPHES and start - 1 > least and is_wordlike(text[start - 2]))
        if not inside or (is_spaceless(char) != spaceless and char.isalpha()):
            break
        has_letter = has_letter or char.isalpha()
        start -= 1
    return start, has_letter


def _last_tokens(text: str, start: int, count: int, vocabulary: Vocabulary) -> int:
    """The first offset, `start` or later, from which `text` takes at most `count` tokens and no character is split."""
    left = max(start - LEFT_CHARACTERS, 0)
    offsets = vocabulary.encode_spans(text[left:]).offsets
    best = len(text)
    reach = len(text)
    taken = 0
    for index in range(len(offsets) - 1, -1, -1):
        begin = offsets[index][0] + left
        taken += 1
        reach = min(reach, begin)
        if reach < start:
            break
        if taken > count and best < len(text):
            break
        if index == 0 or offsets[index - 1][1] + left <= reach:
            best = reach
    else:
        return best
    return start if taken <= count else best


def _whole(text: str, cut: int, floor: int) -> int:
    """Move a cut back to where a grapheme begins; the end of the text where that would reach too far."""
    left = max(floor, cut - MAX_HEAL_CHARACTERS)
    at = left
    for grapheme in graphemes(text[left:]):
        if at + len(grapheme) > cut:
            return at if at > left or at == cut or left == floor else len(text)
        at += len(grapheme)
    return cut
