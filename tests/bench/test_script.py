"""What simulated writers type and when."""

from __future__ import annotations

import random
import statistics

import pytest
from bench import prose
from bench.replay.editor import EditorText, Keystroke
from bench.replay.rhythm import LEAST_GAP_S, LONGEST_PAUSE_S, Rhythm
from bench.replay.script import opening, script

CONTEXTS = (300, 1000, 2000, 4000, 8000)


def typed(before: str, keystrokes: list[Keystroke]) -> list[EditorText]:
    """All pages that a script goes through."""
    pages = [EditorText(before)]
    for keystroke in keystrokes:
        pages.append(pages[-1].typed(keystroke))
    return pages


def a_script(
    writer: int = 0, context: int = 300, seconds: float = 120, seed: int = 1
) -> tuple[str, str, list[Keystroke]]:
    before, to_type = opening(prose.texts(), writer, context)
    return before, to_type, script(before, to_type, Rhythm(), seconds, seed)


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_writer_begins_after_as_much_text_as_was_asked_for(context: int) -> None:
    for writer in range(64):
        before, to_type = opening(prose.texts(), writer, context)
        assert context < len(before) <= context + 40
        assert len(to_type) > 1500, "enough for a minute"


def test_no_two_writers_and_no_two_editions_begin_alike() -> None:
    begun = {opening(prose.texts(), writer, 300, edition)[0] for writer in range(64) for edition in range(3)}
    assert len(begun) == 64 * 3
    assert len({text.split("\n", 1)[0] for text in begun}) == 64 * 3, "told apart by their first line"


def test_texts_that_are_too_short_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer"):
        opening(["Short."], 0, 300)


def test_a_script_is_the_same_for_the_same_seed_only() -> None:
    assert a_script(seed=3) == a_script(seed=3)
    assert a_script(seed=3)[2] != a_script(seed=4)[2]


def test_it_lasts_as_long_as_it_should() -> None:
    _, _, keystrokes = a_script(seconds=30)
    total_s = sum(keystroke.after_s for keystroke in keystrokes)
    assert 30 - LONGEST_PAUSE_S <= total_s <= 30


def test_what_was_to_be_written_is_written_in_the_end_but_for_added_words() -> None:
    before, to_type = "Once. ", "The quick brown fox jumps over the lazy dog. It sleeps in the sun all day. " * 6
    for seed in range(20):
        last = typed(before, script(before, to_type, Rhythm(), 1e9, seed))[-1]
        whole = last.before + last.after
        rest = iter(whole)
        assert all(char in rest for char in before + to_type), "in order, with nothing missing"
        assert len(whole) < len(before + to_type) * 1.2
        assert last.after == "", "and the caret is back at the end"


def test_people_mistype_paste_and_go_back() -> None:
    keystrokes = [keystroke for seed in range(10) for keystroke in a_script(writer=seed, seed=seed)[2]]
    letters = sum(len(keystroke.insert) == 1 for keystroke in keystrokes)
    deletions = sum(keystroke.delete > 0 for keystroke in keystrokes)
    assert 0.01 < deletions / letters < 0.08
    assert any(len(keystroke.insert) > 20 for keystroke in keystrokes)
    back = [keystroke.move for keystroke in keystrokes if keystroke.move < 0]
    forth = [keystroke.move for keystroke in keystrokes if keystroke.move > 0]
    assert back
    assert len(back) - len(forth) <= 10, "whoever goes back returns, if there is time"


@pytest.mark.parametrize("median_s", [0.2, 0.12])
def test_gaps_inside_a_word_are_log_normal_around_the_median(median_s: float) -> None:
    dice = random.Random(1)
    gaps = [Rhythm(median_s).gap_s("wor", dice) for _ in range(4000)]
    assert statistics.median(gaps) == pytest.approx(median_s, rel=0.05)
    assert statistics.mean(gaps) > statistics.median(gaps), "skewed to the right"
    assert min(gaps) >= LEAST_GAP_S


def test_people_stop_to_think_after_sentences_and_longer_after_paragraphs() -> None:
    def middle(before: str) -> float:
        dice = random.Random(1)
        return statistics.median(Rhythm().gap_s(before, dice) for _ in range(500))

    assert middle("wor") < middle("a word ") < middle("It ended. ") < middle("It ended.\n\n")
    assert middle('"It ended." ') == middle("It ended. ")


def test_a_key_changes_the_text_or_moves_the_caret() -> None:
    page = EditorText("The cat", " sat")
    assert page.typed(Keystroke(0.1, insert="s")) == EditorText("The cats", " sat")
    assert page.typed(Keystroke(0.1, insert="r", delete=1)) == EditorText("The car", " sat")
    assert page.typed(Keystroke(0.1, move=-3)) == EditorText("The ", "cat sat")
    assert page.typed(Keystroke(0.1, move=4)) == EditorText("The cat sat", "")
    with pytest.raises(ValueError, match="not both"):
        Keystroke(0.1, insert="a", move=1)
    with pytest.raises(ValueError, match="less before"):
        page.typed(Keystroke(0.1, delete=8))
    with pytest.raises(ValueError, match="leave"):
        page.typed(Keystroke(0.1, move=5))
