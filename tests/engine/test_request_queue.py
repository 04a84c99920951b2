"""What an engine that could not listen for a while is told in the end."""

from __future__ import annotations

from afterword.engine.api import Command, Forget, RaiseLimit, Request, StopRun
from afterword.engine.request_queue import RequestQueue


def request(document: int, run: int, limit_tokens: int = 8) -> Request:
    return Request("w", document, run, (1,), limit_tokens=limit_tokens)


def limit(document: int, run: int, limit_tokens: int) -> RaiseLimit:
    return RaiseLimit("w", document, run, limit_tokens)


def stop(document: int, run: int, *, useful: bool = False) -> StopRun:
    return StopRun("w", document, run, useful)


def forget(document: int) -> Forget:
    return Forget("w", document)


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


def test_a_request_says_how_long_it_was_kept() -> None:
    now = [1000.0]
    waiting = RequestQueue(lambda: now[0])
    waiting.put(request(1, 1))
    now[0] += 40
    waiting.put(request(2, 1))
    waiting.put(limit(1, 1, 20))
    now[0] += 2
    assert [command.waited_ms for command in waiting.take() if isinstance(command, Request)] == [42, 2]


def test_only_the_newest_request_of_a_document_waits() -> None:
    assert after(request(1, 1), request(2, 1), request(1, 2), request(1, 3)) == [request(2, 1), request(1, 3)]


def test_a_raised_limit_is_folded_into_the_waiting_request() -> None:
    assert after(request(1, 1, 8), limit(1, 1, 20), limit(1, 1, 12)) == [request(1, 1, 20)]


def test_a_stopped_request_is_not_sent_at_all() -> None:
    assert after(request(1, 1), request(2, 1), stop(1, 1)) == [request(2, 1)]


def test_stopping_a_waiting_request_ends_the_run_it_would_have_replaced() -> None:
    assert after(request(1, 2), stop(1, 2), sent=(request(1, 1),)) == [stop(1, 1)]


def test_a_stopped_run_is_told_whether_its_text_is_useful_yet() -> None:
    assert after(stop(1, 1, useful=True), sent=(request(1, 1),)) == [stop(1, 1, useful=True)]
    assert after(stop(1, 1, useful=True), stop(1, 1), sent=(request(1, 1),)) == [stop(1, 1)]
    assert after(request(1, 2), stop(1, 2, useful=True), sent=(request(1, 1),)) == [stop(1, 1)]


def test_a_forgotten_document_asks_for_nothing() -> None:
    assert after(request(1, 1), forget(1)) == []


def test_the_worker_is_told_to_forget_what_it_knows() -> None:
    assert after(forget(1), sent=(request(1, 1),)) == [forget(1)]
    assert after(stop(1, 1), request(1, 2), forget(1), sent=(request(1, 1),)) == [forget(1)]


def test_of_limits_that_wait_for_a_sent_run_the_highest_counts() -> None:
    assert after(limit(1, 1, 30), limit(1, 1, 40), limit(1, 1, 35), sent=(request(1, 1),)) == [limit(1, 1, 40)]


def test_what_waits_for_several_documents_goes_out_in_the_order_in_which_it_came() -> None:
    sent = (request(1, 1), request(2, 1))
    taken = after(request(3, 1), stop(2, 1), limit(1, 1, 40), sent=sent)
    assert taken == [request(3, 1), stop(2, 1), limit(1, 1, 40)]


def test_a_request_makes_what_waits_for_the_run_before_it_needless() -> None:
    assert after(limit(1, 1, 40), request(1, 2), sent=(request(1, 1),)) == [request(1, 2)]
    assert after(stop(1, 1), request(1, 2), sent=(request(1, 1),)) == [request(1, 2)]


def test_a_document_forgotten_and_asked_for_again_is_forgotten_first() -> None:
    assert after(forget(1), request(1, 2), sent=(request(1, 1),)) == [forget(1), request(1, 2)]


def test_nothing_is_said_about_runs_that_are_over() -> None:
    sent = (request(1, 1), request(1, 2))
    assert after(limit(1, 1, 30), stop(1, 1), stop(9, 1), forget(9), sent=sent) == []


def test_what_was_sent_at_once_counts_as_sent() -> None:
    waiting = RequestQueue()
    for command in (request(1, 1), request(2, 1), forget(2)):
        waiting.sent(command)
    waiting.put(stop(1, 1))
    waiting.put(stop(2, 1))
    waiting.put(forget(2))
    assert waiting.take() == [stop(1, 1)]


def test_a_lost_worker_leaves_nothing_behind() -> None:
    waiting = RequestQueue()
    waiting.put(request(1, 1))
    waiting.take()
    waiting.put(request(2, 1))
    waiting.clear()
    waiting.put(stop(1, 1))
    waiting.put(limit(2, 1, 30))
    assert waiting.take() == []


def test_a_thousand_keystrokes_wait_as_one_request() -> None:
    assert after(*(request(1, run) for run in range(1000))) == [request(1, 999)]
