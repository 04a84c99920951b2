"""What a slot holds, and whose slot goes."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from afterword.worker.cache.slots import Slot, Slots, Twig

tokens = st.lists(st.integers(0, 2), max_size=200)


def row(value):
    return torch.tensor([float(value)])


def test_logits_are_recalled_only_for_the_text_they_follow():
    slot = Slot(0, 4)
    slot.extend([1, 2])
    slot.remember(2, row(2))
    slot.extend([3])
    assert slot.recall([1, 2]) is not None
    assert slot.recall([1, 3]) is None
    assert slot.recall([1, 2, 3]) is None


def test_cutting_forgets_the_logits_beyond_the_cut():
    slot = Slot(0, 4)
    for token in (1, 2, 3):
        slot.extend([token])
        slot.remember(len(slot.tokens), row(token))
    slot.cut(2)
    assert slot.tokens == [1, 2]
    assert slot.recall([1, 2]) is not None
    slot.extend([3])
    assert slot.recall([1, 2, 3]) is None


def test_the_oldest_logits_go_first_but_those_at_the_caret_stay():
    slot = Slot(0, 3)
    slot.pin(1)
    for token in range(1, 6):
        slot.extend([token])
        slot.remember(len(slot.tokens), row(token))
    known = [length for length in range(1, 6) if slot.recall(list(range(1, length + 1))) is not None]
    assert known == [1, 4, 5]


def test_settling_keeps_the_branch_that_agrees_most():
    slot = Slot(0, 8)
    slot.extend([1, 2])
    first, second = Twig([5, 6, 7]), Twig([5, 8, 9])
    for depth in range(2):
        slot.grow(first, 2 + depth)
        slot.grow(second, 2 + depth)
    second.logits = {1: row(1), 2: row(2)}
    moved = []
    slot.settle([1, 2, 5, 8, 9], lambda at, start, rows: moved.append((at, start, list(rows))))
    assert moved == [(0, 2, [3, 5])]
    assert slot.tokens == [1, 2, 5, 8]
    assert slot.recall([1, 2, 5, 8]) is not None
    assert slot.tail == []
    assert (first.rows, second.rows) == ([], [])


def test_settling_drops_branches_that_do_not_agree():
    slot = Slot(0, 8)
    slot.extend([1, 2])
    slot.grow(Twig([5]), 2)
    slot.settle([1, 2, 6], lambda *_: None)
    assert slot.tokens == [1, 2]
    slot.grow(Twig([5]), 2)
    slot.settle([1, 9, 5], lambda *_: None)
    assert slot.tokens == [1, 2]


def test_free_slots_are_taken_before_any_is_evicted():
    slots = Slots(2, 4)
    first, _ = slots.take(1, lambda _: True)
    second, evicted = slots.take(2, lambda _: True)
    assert first is not second
    assert evicted is None


def test_the_least_recently_used_slot_that_may_go_is_taken():
    slots = Slots(3, 4)
    for document in (1, 2, 3):
        slots.take(document, lambda _: True)
    slots.touch(slots.of(1))
    slot, evicted = slots.take(4, lambda document: document != 2)
    assert evicted == 3
    assert slots.of(4) is slot
    assert slots.of(3) is None


def test_no_slot_is_given_when_none_may_go():
    slots = Slots(1, 4)
    slots.take(1, lambda _: True)
    assert slots.take(2, lambda _: False) is None


def test_a_taken_slot_holds_nothing_of_the_document_before():
    slots = Slots(1, 4)
    slot, _ = slots.take(1, lambda _: True)
    slot.extend([1, 2])
    slot.remember(len(slot.tokens), row(1))
    slots.take(2, lambda _: True)
    assert slot.tokens == []
    slot.extend([1, 2])
    assert slot.recall([1, 2]) is None
