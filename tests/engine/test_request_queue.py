"""What an engine that could not listen for a while is told in the end."""

from __future__ import annotations

from afterword.engine.api import Request
from afterword.engine.ipc import Command, Forget, Stop, Update
from afterword.engine.request_queue import RequestQueue


def request(document: int, run: int, limit_tokens: int = 8) -> Request:
    return Request(document=document, run=run, tokens=(1,), limit_tokens=limit_tokens)


def after(*commands: Command, sent: tuple[Command, ...] = ()) -> list[Command]:
    waiting = RequestQueue()
    for command in sent:
        waiting.put(command)
        waiting.take()
    for command in commands:
        waiting.put(command)
    taken = waiting.take()
    assert waiting.take() == []
    return taken


def test_a_wish_says_how_long_it_was_kept() -> None:
    now = [1000.0]
    waiting = RequestQueue(lambda: now[0])
    waiting.put(request(1, 1))
    now[0] += 40
    waiting.put(request(2, 2))
    waiting.put(Update(1, 20))
    now[0] += 2
    assert [command.waited_ms for command in waiting.take() if isinstance(command, Request)] == [42, 2]


def test_only_the_newest_wish_of_a_document_waits() -> None:
    assert after(request(1, 1), request(2, 2), request(1, 3), request(1, 4)) == [request(2, 2), request(1, 4)]


def test_a_raised_limit_is_folded_into_the_waiting_wish() -> None:
    assert after(request(1, 1, 8), Update(1, 20), Update(1, 12)) == [request(1, 1, 20)]


def test_a_stopped_wish_is_not_sent_at_all() -> None:
    assert after(request(1, 1), request(2, 2), Stop(1)) == [request(2, 2)]


def test_stopping_a_waiting_wish_ends_the_run_it_would_have_replaced() -> None:
    assert after(request(1, 2), Stop(2), sent=(request(1, 1),)) == [Stop(1)]


def test_a_stopped_run_is_told_whether_its_text_is_useful_yet() -> None:
    assert after(Stop(1, useful=True), sent=(request(1, 1),)) == [Stop(1, useful=True)]
    assert after(Stop(1, useful=True), Stop(1), sent=(request(1, 1),)) == [Stop(1)]
    assert after(request(1, 2), Stop(2, useful=True), sent=(request(1, 1),)) == [Stop(1)]


def test_a_forgotten_document_wishes_nothing() -> None:
    assert after(request(1, 1), Forget(1)) == []


def test_the_engine_is_told_to_forget_what_it_knows() -> None:
    assert after(Forget(1), sent=(request(1, 1),)) == [Forget(1)]
    assert after(Stop(1), request(1, 2), Forget(1), sent=(request(1, 1),)) == [Forget(1)]


def test_commands_about_sent_runs_come_before_new_wishes() -> None:
    sent = (request(1, 1), request(2, 2))
    assert after(request(3, 3), Update(1, 30), Update(1, 40), Stop(2), sent=sent) == [
        Stop(2),
        Update(1, 40),
        request(3, 3),
    ]


def test_a_document_forgotten_and_wished_for_again_is_forgotten_first() -> None:
    assert after(Forget(1), request(1, 2), sent=(request(1, 1),)) == [Forget(1), request(1, 2)]


def test_nothing_is_said_about_runs_that_are_over() -> None:
    assert after(Update(1, 30), Stop(1), Stop(9), Forget(9), sent=(request(1, 1), request(1, 2))) == []


def test_a_lost_engine_leaves_nothing_behind() -> None:
    waiting = RequestQueue()
    waiting.put(request(1, 1))
    waiting.take()
    waiting.put(request(2, 2))
    waiting.clear()
    waiting.put(Stop(1))
    waiting.put(Update(2, 30))
    assert waiting.take() == []


def test_a_thousand_keystrokes_wait_as_one_wish() -> None:
    assert after(*(request(1, run) for run in range(1000))) == [request(1, 999)]
