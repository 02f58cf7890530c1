import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.tasks.normalise import normalise, visible


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\u22123", "-3"),
        ("x\u00b2 + 1\u2070", "x^{2} + 1^{0}"),
        ("2\u00bd", "2 1/2"),
        ("\uff11\uff12", "12"),
        ("a\u00a0b\u200bc", "a bc"),
        ("one\r\ntwo\u2028three", "one\ntwo\nthree"),
    ],
)
def test_look_alikes_become_one(text, plain):
    assert normalise(text) == plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>a</think>b<thinking>c</thinking>d", "b d"),
        ("a</think>b", "b"),
        ("a<think>b", "a"),
        ("a<|im_end|>b", "a"),
        ("The answer is 3.\nQuestion: and now?", "The answer is 3."),
        ("Question: and now?\nThe answer is 3.", "Question: and now?\nThe answer is 3."),
    ],
)
def test_only_the_reply_proper_is_visible(text, shown):
    assert visible(text) == shown


@given(st.text(max_size=200))
def test_what_is_visible_stays_so(text):
    assert visible(visible(text)) == visible(text)
