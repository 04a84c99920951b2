"""What a slot holds, and whose slot goes."""

from __future__ import annotations

import pytest
import torch

from afterword.worker.cache.slots import COPIED_NUMBERS, Branch, Slot, Slots, copied


def row(value):
    return torch.tensor([float(value)])


def make_slot(logits_kept=4, moved=None):
    """A slot that notes which rows it would move."""
    return Slot(0, logits_kept, [], lambda *move: moved.append(move) if moved is not None else None)


def make_slots(count, logits_kept=4):
    return Slots(count, logits_kept, lambda *_: None)


def grow(slot, token):
    """One more token of the prefix, and the logits after it."""
    slot.extend([token], [0], [row(token)])


def test_logits_are_recalled_only_for_the_text_they_follow():
    slot = make_slot()
    slot.extend([1, 2], [1], [row(2)])
    slot.extend([3])
    assert slot.recall([1, 2]) is not None
    assert slot.recall([1, 3]) is None
    assert slot.recall([1, 2, 3]) is None


def test_cutting_forgets_the_logits_beyond_the_cut():
    slot = make_slot()
    for token in (1, 2, 3):
        grow(slot, token)
    slot.cut(2)
    assert slot.tokens == [1, 2]
    assert slot.recall([1, 2]) is not None
    slot.extend([3])
    assert slot.recall([1, 2, 3]) is None


def test_the_oldest_logits_go_first_but_those_at_the_caret_stay():
    slot = make_slot(logits_kept=3)
    slot.pinned = 1
    for token in range(1, 6):
        grow(slot, token)
    known = [length for length in range(1, 6) if slot.recall(list(range(1, length + 1))) is not None]
    assert known == [1, 4, 5]


def test_the_branch_that_agrees_most_joins_the_prefix():
    moved = []
    slot = make_slot(8, moved)
    slot.extend([1, 2])
    first, second = Branch([5, 6, 7]), Branch([5, 8, 9])
    for depth in range(2):
        slot.extend_branches([first, second], [2 + depth] * 2, [1], [row(depth)])
    slot.join_branch([1, 2, 5, 8, 9])
    assert [(index, start) for index, start, _ in moved] == [(0, 2)]
    assert slot.tokens == [1, 2, 5, 8]
    assert slot.recall([1, 2, 5, 8]) is not None
    assert slot.branch_rows == []
    assert (first.rows, second.rows) == ([], [])


def test_branches_that_do_not_agree_go():
    slot = make_slot(8)
    slot.extend([1, 2])
    for text in ([1, 2, 6], [1, 9, 5]):
        slot.extend_branches([Branch([5])], [2])
        slot.join_branch(text)
        assert slot.tokens == [1, 2]
        assert slot.branch_rows == []


def test_free_slots_are_taken_before_any_document_loses_its_own():
    slots = make_slots(2)
    first, _ = slots.allocate(1, lambda _: True)
    second, loser = slots.allocate(2, lambda _: True)
    assert first is not second
    assert loser is None


def test_the_least_recently_used_slot_that_may_go_is_taken():
    slots = make_slots(3)
    for document in (1, 2, 3):
        slots.allocate(document, lambda _: True)
    slots.touch(slots.by_document[1])
    slot, loser = slots.allocate(4, lambda document: document != 2)
    assert loser == 3
    assert slots.by_document[4] is slot
    assert 3 not in slots.by_document


def test_no_slot_is_given_when_none_may_go():
    slots = make_slots(1)
    slots.allocate(1, lambda _: True)
    assert slots.allocate(2, lambda _: False) is None


def test_a_taken_slot_holds_nothing_of_the_document_before():
    slots = make_slots(1)
    slot, _ = slots.allocate(1, lambda _: True)
    slot.extend([1, 2], [1], [row(1)])
    slots.allocate(2, lambda _: True)
    assert slot.tokens == []
    slot.extend([1, 2])
    assert slot.recall([1, 2]) is None


def test_logits_that_are_remembered_outlive_their_step():
    slots = make_slots(1)
    slot, _ = slots.allocate(1, lambda _: True)
    logits = torch.tensor([[1.0], [2.0], [3.0]])
    branch = Branch([7])
    slot.extend([1, 2], [0, 1], logits[:2])
    slot.extend_branches([branch], [2], [0], logits[2:])
    slots.own_logits()
    logits.zero_()
    assert slot.recall([1, 2]) == 2.0
    assert slot.recall([1]) == 1.0
    assert branch.recall() == 3.0


@pytest.mark.parametrize("length", [1, COPIED_NUMBERS, COPIED_NUMBERS + 1, 3 * COPIED_NUMBERS + 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_that_is_copied_is_its_own(length: int, dtype: torch.dtype) -> None:
    rows = torch.arange(2 * length).reshape(2, length).to(dtype)
    copy = copied(rows[1])
    assert torch.equal(copy, rows[1])
    rows[1] = 0
    assert copy[-1] != 0
    assert copy.untyped_storage().nbytes() == copy.nbytes
