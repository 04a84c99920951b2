"""Where a prompt should be cut so that the model, not the caret, decides how the last word is split into tokens.

A model has seen " quick" as one token; after the tokens of " qui" it hardly ever finds "ck". So the prompt stops before
the word that is being typed, and the first tokens written must repeat what was typed of it. This costs no time while
a word is typed: the prompt stays as it is, and so do the logits after it.

What lives here: the choice of the place. Cutting the tokens is done in prompt.py, repeating in the engine.
"""

from __future__ import annotations

from afterword.text.characters import APOSTROPHES, graphemes, is_spaceless, is_wordlike
from afterword.text.vocabulary import Vocabulary

MAX_HEAL_CHARACTERS = 40  # how far back a word is followed
MAX_HEAL_TOKENS = 3  # each repeated token may cost a step of the model, so rare words are cut inside
LEFT_CHARACTERS = 8  # what the tokenizer sees before a word when it is asked how the word splits


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
    start, letters = _word_start(text, max(floor, end - MAX_HEAL_CHARACTERS))
    if letters and not is_spaceless(last):
        if start > floor and text[start - 1] == " ":
            start -= 1
        return _whole(text, _last_tokens(text, start, MAX_HEAL_TOKENS, vocabulary), floor)
    cut = _whole(text, _last_tokens(text, start, 1, vocabulary), floor)
    return cut if vocabulary.extends(vocabulary.written(text[cut:])) else end


def _whole(text: str, cut: int, floor: int) -> int:
    """Move a cut back to where a grapheme begins; the end of the text where that would reach too far."""
    left = max(floor, cut - MAX_HEAL_CHARACTERS)
    at = left
    for grapheme in graphemes(text[left:]):
        if at + len(grapheme) > cut:
            return at if at > left or at == cut or left == floor else len(text)
        at += len(grapheme)
    return cut


def _word_start(text: str, least: int) -> tuple[int, bool]:
    """Where the last word starts, `least` or later, and whether it has a letter."""
    start = len(text)
    spaceless = is_spaceless(text[-1])
    letters = False
    while start > least:
        char = text[start - 1]
        inside = is_wordlike(char) or (char in APOSTROPHES and start - 1 > least and is_wordlike(text[start - 2]))
        if not inside or (is_spaceless(char) != spaceless and char.isalpha()):
            break
        letters = letters or char.isalpha()
        start -= 1
    return start, letters


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
