"""What happens to frames that a client does not read in time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.gateway.outbox import Outbox
from afterword_protocol.messages import (
    Boundaries,
    Done,
    Notice,
    NoticeKind,
    Pong,
    Reason,
    ServerMessage,
    Timing,
    Token,
    Usage,
)


class Reader:
    """A client that reads when told to, as messages rather than bytes."""

    def __init__(self, limit_bytes: int = 1 << 20) -> None:
        self.messages: list[ServerMessage] = []
        self.outbox = Outbox(self._note, limit_bytes)

    def _note(self, message: ServerMessage) -> str:
        self.messages.append(message)
        return "x"

    def read(self) -> list[ServerMessage]:
        while self.outbox.take() is not None:
            pass
        return self.messages


def token(text: str, pos: int, *, doc: str = "a", id: int = 1, alternative: int = 0, logprob: float = -0.5) -> Token:
    return Token(doc=doc, id=id, pos=pos, text=text, alternative=alternative, logprob=logprob)


def done(reason: Reason, text: str = "", *, doc: str = "a", id: int = 1) -> Done:
    return Done(doc=doc, id=id, reason=reason, text=text, boundaries=Boundaries(), usage=Usage(), timing=Timing())


def test_a_client_that_keeps_up_gets_every_message_as_it_is() -> None:
    reader = Reader()
    messages: list[ServerMessage] = [token("one", 0), token(" two", 3), done(Reason.STOP, "one two")]
    for message in messages:
        reader.outbox.put(message)
        assert reader.outbox
        reader.read()
        assert not reader.outbox
    assert reader.messages == messages


def test_waiting_pieces_of_a_suggestion_become_one_frame() -> None:
    reader = Reader()
    for number, text in enumerate(("one", " two", " three")):
        reader.outbox.put(token(text, (0, 3, 7)[number]))
    reader.outbox.put(done(Reason.STOP, "one two three"))
    assert reader.read() == [token("one two three", 0, logprob=-1.5), done(Reason.STOP, "one two three")]


def test_pieces_of_other_documents_and_alternatives_stay_apart() -> None:
    reader = Reader()
    messages: list[ServerMessage] = [
        token("a", 0),
        token("b", 0, doc="b"),
        token("c", 0, alternative=1),
        token("d", 0, id=2),
    ]
    for message in messages:
        reader.outbox.put(message)
    assert reader.read() == messages


def test_an_unknown_probability_stays_unknown_when_merged() -> None:
    reader = Reader()
    reader.outbox.put(token("a", 0))
    reader.outbox.put(Token(doc="a", id=1, pos=1, text="b"))
    assert reader.read() == [Token(doc="a", id=1, pos=0, text="ab")]


def test_pieces_of_a_dead_suggestion_are_dropped_and_its_done_stays() -> None:
    for reason in (Reason.SUPERSEDED, Reason.CANCELLED, Reason.DIVERGED):
        reader = Reader()
        messages: list[ServerMessage] = [token("a", 0), token("b", 0, doc="b"), token("c", 0, alternative=1)]
        for message in [*messages, done(reason, "a")]:
            reader.outbox.put(message)
        assert reader.read() == [token("b", 0, doc="b"), done(reason, "a")]


def test_pieces_of_a_suggestion_that_ended_well_are_kept() -> None:
    reader = Reader()
    reader.outbox.put(token("a", 0))
    reader.outbox.put(done(Reason.LENGTH, "a"))
    assert reader.read() == [token("a", 0), done(Reason.LENGTH, "a")]


def test_the_pieces_of_an_extension_are_not_merged_across_the_done_before_them() -> None:
    reader = Reader()
    messages: list[ServerMessage] = [token("a", 0), done(Reason.LENGTH, "a"), token("b", 1), done(Reason.STOP, "ab")]
    for message in messages:
        reader.outbox.put(message)
    assert reader.read() == messages


def test_other_messages_keep_their_order() -> None:
    reader = Reader()
    messages: list[ServerMessage] = [Pong(t=1), Notice(kind=NoticeKind.ENGINE_RESTARTED), Pong(t=2)]
    for message in messages:
        reader.outbox.put(message)
    assert reader.read() == messages


def test_a_client_that_asks_without_ever_reading_overfills_it() -> None:
    reader = Reader(limit_bytes=10_000)
    for id in range(1, 1000):
        if not reader.outbox.put(done(Reason.STOP, "x" * 100, id=id)):
            break
    assert 10 < id < 100
    reader.read()
    assert reader.outbox.put(done(Reason.STOP, "x" * 100, id=id + 1))


def test_a_long_suggestion_alone_does_not_overfill_it() -> None:
    reader = Reader(limit_bytes=10_000)
    for number in range(1000):
        assert reader.outbox.put(token("x", number))


pieces = st.tuples(st.sampled_from("ab"), st.integers(1, 2), st.integers(0, 1), st.sampled_from(["x", "yy", "zzz"]))
ends = st.tuples(st.sampled_from("ab"), st.integers(1, 2), st.sampled_from([Reason.STOP, Reason.CANCELLED]))
reads = st.integers(1, 3)


@settings(derandomize=True, max_examples=400)
@given(st.lists(pieces | ends | reads, max_size=40))
def test_whatever_the_pace_of_reading_texts_arrive_without_gap_up_to_a_death(steps: list[object]) -> None:
    reader = Reader()
    sent: dict[tuple[str, int, int], str] = {}
    ended: list[Done] = []
    for step in steps:
        match step:
            case (str(doc), int(id), int(alternative), str(text)):
                before = sent.get((doc, id, alternative), "")
                reader.outbox.put(token(text, len(before), doc=doc, id=id, alternative=alternative))
                sent[doc, id, alternative] = before + text
            case (str(doc), int(id), Reason() as reason):
                ended.append(done(reason, doc=doc, id=id))
                reader.outbox.put(ended[-1])
            case int(count):
                for _ in range(count):
                    reader.outbox.take()
    reader.read()
    assert not reader.outbox
    dead = {(each.doc, each.id) for each in ended if each.reason is Reason.CANCELLED}
    for (doc, id, alternative), text in sent.items():
        if (doc, id) in dead:
            continue
        arrived = [each for each in reader.messages if isinstance(each, Token)]
        mine = [each for each in arrived if (each.doc, each.id, each.alternative) == (doc, id, alternative)]
        assert "".join(each.text for each in mine) == text
        assert [each.pos for each in mine] == [len("".join(e.text for e in mine[:n])) for n in range(len(mine))]
    assert [each for each in reader.messages if isinstance(each, Done)] == ended
