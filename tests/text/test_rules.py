"""Where suggestions end, judged while their text grows, and which parts they have."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterword.session.text_rules import Surroundings
from afterword.text.boundaries.ends import may_end, sentence_ends
from afterword.text.boundaries.rules import Rules
from afterword_protocol.messages import Reason, Stop

from .conftest import CORPUS

RULES = Rules()


def grow(text: str, stop: Stop, around: Surroundings, step: int = 1) -> tuple[str, Reason | None]:
    """Let a text grow, as a model writes it; return what may be shown in the end, and why it ended."""
    released = 0
    for length in range(0, len(text) + 1, step):
        verdict = RULES.judge(around, text[:length], stop, complete=False)
        assert released <= verdict.release <= length, f"after {text[:length]!r}"
        released = verdict.release
        if verdict.reason is not None:
            return text[: verdict.release], verdict.reason
    verdict = RULES.judge(around, text, stop, complete=True)
    assert released <= verdict.release <= len(text)
    return text[: verdict.release], verdict.reason


def around(before: str = "", after: str = "", language: str | None = None, block: str | None = None) -> Surroundings:
    return Surroundings(before, after, language, block)


# Each text is one that a model goes on writing: the bar marks where it should end.
SENTENCES = [
    (" The dog sleeps.| The fox", None),
    (" Really?| Yes", None),
    (" Stop!| Now", None),
    (' He said, "Go on."| Then', None),
    (' "Come in!" she said.| Then', None),
    (" “Is it?” he asked.| Then", None),
    (" He left (at last).| Then", None),
    (" I saw Dr. Smith and Mrs. Jones.| They", None),
    (" It costs 3.14 dollars, i.e. little.| He", None),
    (" J. K. Rowling and J.R.R. Tolkien wrote.| They", None),
    (" see www.example.com/a.b?c=d for more.| It", None),
    (" the U.S. government and its Ph.D. students.| They", None),
    (" apples, pears, etc. are sold.| They", None),
    (" apples, pears, etc.| They are", None),
    (" see No. 5 and Fig. 3 there.| He", None),
    (" he said no.| Then", None),
    (" It was I.| Then", None),
    (" Well... maybe not.| He", None),
    (" Well…| He", None),
    (" version 2.0.1 of file.txt works.| It", None),
    (" at 5 p.m. on Monday.| It", None),
    (" at 5 p.m.| It was", None),
    (" what?!| He", None),
    (" Er kam z. B. am Montag.| Dann", "de"),
    (" Er kam u.a. am 3. Mai nach Bonn.| Dann", "de"),
    (" M. Dupont et Mme. Curie.| Ils", "fr"),
    (" ¿Qué tal?| Bien", "es"),
    (" Он пришёл.| Она", "ru"),
    (" Тут т.е. здесь.| Она", "ru"),
    ("喜欢吃苹果。|今天", "zh"),
    ("「好。」|他说", "zh"),
    ("好!|他说", "zh"),
    ("東京です。|今日", "ja"),
    (" كيف حالك؟| أنا", "ar"),
    (" यह है।| वह", "hi"),
    (" 안녕하세요.| 저는", "ko"),
    (" τι κάνεις;| Καλά", "el"),
    (" first line|\nsecond line.", None),
    (" first line  |\r\nsecond", None),
    (" end.|\n\nNext", None),
    (" 123.|", None),
]


@pytest.mark.parametrize(("marked", "language"), SENTENCES)
def test_a_sentence_ends_where_a_reader_says_so(marked: str, language: str | None) -> None:
    expected, _, rest = marked.partition("|")
    text = expected + rest
    assert grow(text, Stop.SENTENCE, around("Once", language=language)) == (expected.rstrip(), Reason.STOP)


@pytest.mark.parametrize(
    ("before", "marked"),
    [
        ("I asked Dr", ". Smith about it.| He"),
        ("I asked Dr.", " Smith about it.| He"),
        ("It costs 3", ".14 dollars.| He"),
        ("It costs 3.", "14 dollars.| He"),
        ('He said "Go.', '"| Then'),
        ("He left.", " Then he came.| And"),
        ("He left", ".| Then"),
        ("Heading\n\n1", ". First item.| Then"),
        ("Heading\n\n", "1. First item.| Then"),
        ("", "a) First item.| Then"),
        ("我喜欢", "吃。|今"),
    ],
)
def test_what_stands_before_the_caret_counts(before: str, marked: str) -> None:
    expected, _, rest = marked.partition("|")
    assert grow(expected + rest, Stop.SENTENCE, around(before)) == (expected, Reason.STOP)


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        (" and he went to see Dr. Smi", Stop.SENTENCE),
        (" and he went", Stop.SENTENCE),
        (" and he went", Stop.PHRASE),
        (" and he went. Then", Stop.PARAGRAPH),
        (" and he went. Then\n\nhe", Stop.NONE),
    ],
)
def test_text_without_its_boundary_is_shown_whole(text: str, stop: Stop) -> None:
    assert grow(text, stop, around("Once")) == (text, None)


WORDS = [
    ("The qui", "ck| brown"),
    ("The", " quick| brown"),
    ("The ", "quick| brown"),
    ("The", ", and| then"),
    ("The", " don't| do"),
    ("It is", " 3.14| and"),
    ("The end", ".| Then"),
    ("The", ' "quick|" one'),
    ("The", " quick|, brown"),
    ("The", " e\u0301te\u0301| la"),
    ("ฉัน", "ชอบ|กินแอปเปิลทุกวันเพราะอร่อย"),
    ("我", "喜欢|吃苹果，今天天气很好"),
    ("今日", "は|天気がいいですから散歩します"),
    ("저는", " 사과를| 좋아해요"),
    ("The", "| \nquick"),
    ("The", "|\nquick"),
]


@pytest.mark.parametrize(("before", "marked"), WORDS)
def test_a_word_ends_with_what_stands_before_it(before: str, marked: str) -> None:
    expected, _, rest = marked.partition("|")
    assert grow(expected + rest, Stop.WORD, around(before)) == (expected, Reason.STOP)


PHRASES = [
    (" apples,| pears", None),
    (" 1,000 apples;| pears", None),
    (" at 12:30 he said:| go", None),
    (" apples| — and pears", None),
    (" apples| - and pears", None),
    (" well-known apples,| pears", None),
    (" apples|—and pears", None),
    (" apples| (and pears)", None),
    (" (and pears)| he", None),
    (" http://a.b/c:d,e is,| he", None),
    (' "apples,"| he', None),
    (" apples.| Then", None),
    (" apples|\nThen", None),
    ("今天，|天气", "zh"),
    (" تفاح،| ثم", "ar"),
    ("วันนี้อากาศดีมาก| เราไปเดินเล่น", "th"),
]


@pytest.mark.parametrize(("marked", "language"), PHRASES)
def test_a_phrase_ends_at_signs_outside_numbers(marked: str, language: str | None) -> None:
    expected, _, rest = marked.partition("|")
    assert grow(expected + rest, Stop.PHRASE, around("Once", language=language)) == (expected, Reason.STOP)


class TestLines:
    def test_a_paragraph_ends_with_its_line(self) -> None:
        assert grow(" one. Two.\nThree", Stop.PARAGRAPH, around("Once")) == (" one. Two.", Reason.STOP)

    @pytest.mark.parametrize("stop", [Stop.WORD, Stop.PHRASE, Stop.SENTENCE, Stop.PARAGRAPH])
    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\u2028", "  \n\n"])
    def test_a_line_break_at_once_is_an_end_without_text(self, stop: Stop, newline: str) -> None:
        assert grow(f"{newline}Next", stop, around("Once.")) == ("", Reason.STOP)

    def test_a_heading_is_one_line_even_without_a_stop(self) -> None:
        assert grow(" of Spring\nIt was", Stop.NONE, around("The Rite", block="heading")) == (" of Spring", Reason.STOP)

    def test_without_a_stop_all_text_is_shown(self) -> None:
        assert grow(" one. Two.\n\nThree ", Stop.NONE, around("Once")) == (" one. Two.\n\nThree ", None)


SUFFIXES = [
    ("The fox", " jumps over| the lazy dog and", " the lazy dog and the cat."),
    ("The fox ", "jumps over |the lazy dog and", "the lazy dog and the cat."),
    ("The fox", " jumps over the fence and| the lazy dog.", " the lazy dog."),
    ("jum", "|ps over the", "ps over the dog"),
    ("The dog", " sat|.", "."),
    ("The dog (", "Rex|) and", ")"),
    ("The dog", "| and he", " and he went home"),
    ("one\n", "two|\nthree four five", "\n\nthree four five six"),
    ("我", "喜欢|吃苹果和香蕉。", "吃苹果和香蕉。"),
    ("The dog", " sat on| the", " the mat"),
]


@pytest.mark.parametrize(("before", "marked", "after"), SUFFIXES)
@pytest.mark.parametrize("stop", [Stop.SENTENCE, Stop.NONE])
def test_text_ends_where_it_meets_the_text_after_the_caret(before: str, marked: str, after: str, stop: Stop) -> None:
    expected, _, rest = marked.partition("|")
    if stop is Stop.SENTENCE and "\n" in rest:
        pytest.skip("the line is over before")
    assert grow(expected + rest, stop, around(before, after)) == (expected, Reason.SUFFIX)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("The fox", " jumps over the fence", " the lazy dog."),
        ("It is", " 3.14 and more", "."),
        ("He saw", " bandanas and Ann", " an"),
        ("He saw", " a thing", "   \n\n"),
        ("He saw", " bread and butterfl", " butter"),
    ],
)
def test_an_accidental_likeness_to_the_text_after_the_caret_is_let_pass(before: str, text: str, after: str) -> None:
    assert grow(text, Stop.NONE, around(before, after)) == (text, None)


def test_a_sentence_does_not_bring_the_signs_that_stand_there_already() -> None:
    assert grow(" sat.) Then", Stop.SENTENCE, around("(The dog", ".) And")) == (" sat", Reason.SUFFIX)


def test_what_may_be_the_text_after_the_caret_is_held_until_that_is_known() -> None:
    surroundings = around("The fox", " the lazy dog.")
    held = RULES.judge(surroundings, " jumps over the", Stop.SENTENCE, complete=False)
    assert (held.release, held.reason) == (len(" jumps over"), None)
    passed = RULES.judge(surroundings, " jumps over the fence", Stop.SENTENCE, complete=False)
    assert passed.release == len(" jumps over the fence")


class TestRepetition:
    @pytest.mark.parametrize(
        ("before", "marked"),
        [
            ("Once.", " I love you. I love you.| I love you. I love"),
            ("Once", " and so on and so on| and so on and so on and so on"),
            ("He is", " ha ha ha ha ha ha ha| ha ha ha ha"),
            ("a\n", "- one more item\n- one more item\n|- one more item\n- one"),
            ("The old man sat in his chair and looked at me.", "| The old man sat in his chair and looked at me."),
            ("我今天去公园散步了很久很久。", "|我今天去公园散步了很久很久。"),
        ],
    )
    def test_loops_are_cut(self, before: str, marked: str) -> None:
        expected, _, rest = marked.partition("|")
        shown, reason = grow(expected + rest, Stop.NONE, around(before))
        assert reason is Reason.REPETITION
        assert shown.rstrip() == expected.rstrip()

    @pytest.mark.parametrize(
        ("before", "text"),
        [
            ("It is", " very very very very good"),
            ("Row,", " row, row, row your boat"),
            ("1. Apples\n2.", " Pears\n3. Plums\n4. Nuts\n5. Figs\n6. Dates"),
            ("- [ ] milk\n", "- [ ] eggs\n- [ ] bread\n- [ ] salt\n"),
            ("Happy birthday to you,\n", "Happy birthday to you,\nHappy birthday, dear Ann,\nHappy birthday to you!"),
            ("Title\n", "-----------------------------------\nText"),
            ("| a | b |\n", "| --- | --- | --- | --- |\n| 1 | 1 | 1 | 1 |\n"),
            ("The dog sat. The", " dog slept. The dog ate. The dog ran."),
            ("The number is", " 1000000000000 and 0.33333333333"),
            ("Yes.", " Yes. Of course."),
        ],
    )
    def test_repeating_oneself_on_purpose_is_allowed(self, before: str, text: str) -> None:
        assert grow(text, Stop.NONE, around(before)) == (text, None)


class TestBoundaries:
    def test_parts_are_counted_in_utf_16(self) -> None:
        found = RULES.boundaries(around("The qui"), "ck 👍 fox, he said. Then\nnew line")
        assert found.words == (2, 9, 13, 18, 24, 28, 33)
        assert found.phrases == (10, 19, 24)
        assert found.sentences == (19, 24)

    def test_words_of_scripts_without_spaces_are_found(self) -> None:
        assert RULES.boundaries(around("我"), "喜欢吃苹果。").words == (2, 3, 5)
        assert RULES.boundaries(around("ฉัน"), "ชอบกินแอปเปิล").words == (3, 6, 13)

    def test_the_last_word_is_not_known_to_have_ended_while_text_grows(self) -> None:
        assert RULES.words(around("The qui"), "ck brown fo") == (2, 8)
        assert RULES.words(around("The"), " don'") == ()
        assert RULES.words(around("The"), " dog, a") == (4,)
        assert RULES.words(around("The"), " dog\nfox") == (4,)

    def test_nothing_has_no_parts(self) -> None:
        assert RULES.boundaries(around("The"), "") == RULES.boundaries(around(), "")
        assert RULES.boundaries(around("The"), "").words == ()


PARTS = [
    *CORPUS.split(" "),
    " ",
    ". ",
    "\n",
    ", ",
    "...",
    '"',
    " Dr. ",
    "!",
    "。",
    " the lazy dog",
    " very",
    "ชอบ",
    "— ",
]
JOINED = st.sampled_from(["", " "])
TEXTS = st.builds(str.join, JOINED, st.lists(st.sampled_from(PARTS), max_size=25))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    before=TEXTS,
    text=TEXTS,
    after=TEXTS,
    stop=st.sampled_from(list(Stop)),
    step=st.integers(1, 7),
    language=st.sampled_from([None, "de", "th"]),
)
def test_growing_text_releases_more_and_more_and_never_beyond_its_end(
    before: str, text: str, after: str, stop: Stop, step: int, language: str | None
) -> None:
    surroundings = around(before, after, language)
    by_step = grow(text, stop, surroundings, step)
    one_by_one = grow(text, stop, surroundings)
    if one_by_one[1] is not Reason.REPETITION and by_step[1] is not Reason.REPETITION:
        # However the text is cut into pieces, what is shown is the same.
        assert by_step == one_by_one


@settings(max_examples=200, deadline=None, derandomize=True)
@given(before=TEXTS, text=TEXTS)
def test_boundaries_rise_and_lie_inside_the_text(before: str, text: str) -> None:
    found = RULES.boundaries(around(before), text)
    for offsets in (found.words, found.phrases, found.sentences):
        assert list(offsets) == sorted(set(offsets))
        assert all(0 < offset <= len(text.encode("utf-16-le")) // 2 for offset in offsets)
    assert set(found.sentences) <= set(found.phrases)


def test_long_surroundings_are_looked_at_only_near_the_caret() -> None:
    chance = random.Random(1)
    far = "".join(chance.choice("abc. \n") for _ in range(60_000))
    near, text, after = "He said that", " the dog. Then", " cat"
    short = RULES.judge(around("\n" + "x" * 500 + near, after), text, Stop.SENTENCE, complete=False)
    long = RULES.judge(around(far + "\n" + "x" * 500 + near, after + far), text, Stop.SENTENCE, complete=False)
    assert short == long


@given(st.text(alphabet='aA1 .!。;)"”\n', max_size=30), st.integers(0, 30), st.sampled_from([None, "el", "de"]))
def test_a_glance_never_misses_a_sentence_that_ends(text: str, start: int, language: str | None) -> None:
    start = len(text[:start].rstrip())
    ends = sentence_ends(text, 0, language, complete=False, is_line=False).certain
    if any(end >= start for end in ends):
        assert may_end(text, start)
