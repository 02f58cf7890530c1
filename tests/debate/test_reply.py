"""Replies as real models give them, and what is read from them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.debate.reply import read_confidence, read_reply
from tests.strategies import problem

NUMBER = problem(gold="18")
YES_NO = Problem(id="y", task="strategyqa", question="Is it?", choices=("yes", "no"), gold=Answer("yes"))
CHOICE = Problem(id="c", task="toy", question="Which?", choices=("ant", "bee", "cat"), gold=Answer("B"))


@pytest.mark.parametrize(
    ("text", "of", "answer", "confidence"),
    [
        ('{"reasoning": "9 + 9", "answer": "18", "confidence_level": 0.9}', NUMBER, "18", 0.9),
        ('Sure!\n```json\n{"reasoning": "r", "answer": 18.0, "confidence_level": "90%"}\n```', NUMBER, "18", 0.9),
        ('{"reasoning": "r", "answer": "$1,018", "confidence_level": "95"}', NUMBER, "1018", 0.95),
        ('{"reasoning": "line\nbreak", "answer": "18", "confidence_level": 1}', NUMBER, "18", 1.0),
        ("{'reasoning': 'single quotes', 'answer': '18', 'confidence_level': 0.5}", NUMBER, "18", 0.5),
        ('{"reasoning": "he said "hi"", "answer": "18", "confidence_level": 0.7}', NUMBER, "18", 0.7),
        ('{"reasoning": "cut off", "answer": "18"', NUMBER, "18", None),
        ('{"reasoning": "there are 7 birds and 11 more', NUMBER, None, None),
        ('{"reasoning": "9 + 9 = 18", "confidence_level": 0.9}', NUMBER, None, None),
        ('{"a": 1} {"reasoning": "second object", "answer": "18", "confidence_level": 0.4}', NUMBER, "18", 0.4),
        ('{"reasoning": "first", "answer": "18"} {"reasoning": "other", "answer": "19"}', NUMBER, "18", None),
        ('{"reasoning": "r", "answer": "Yes", "confidence_level": "high"}', YES_NO, "yes", None),
        ('{"reasoning": "r", "answer": true, "confidence_level": NaN}', YES_NO, "yes", None),
        ('{"reasoning": "r", "answer": null, "confidence_level": 0.8}', YES_NO, None, 0.8),
        ('{"reasoning": "r", "answer": "(B)", "confidence_level": 0.8}', CHOICE, "B", 0.8),
        ('{"reasoning": "r", "answer": "bee", "confidence_level": 0.8}', CHOICE, "B", 0.8),
        ('{"reasoning": "r", "answer": {"value": 18}, "confidence_level": 0.8}', NUMBER, None, 0.8),
        ("I add them. So the answer is 18.", NUMBER, "18", None),
        ("I cannot say.", NUMBER, None, None),
        ("", NUMBER, None, None),
    ],
)
def test_a_reply_is_read(text: str, of: Problem, answer: str | None, confidence: float | None) -> None:
    read = read_reply(text, of)
    assert (read.answer, read.confidence) == (answer, confidence)


def test_reasoning_in_parts_is_joined() -> None:
    assert read_reply('{"reasoning": ["one", "two"], "answer": "18"}', NUMBER).text == "one two"


def test_a_reply_without_reasoning_is_its_own_text() -> None:
    assert read_reply('{"answer": "18"}', NUMBER).text == '{"answer": "18"}'


@pytest.mark.parametrize(
    ("value", "confidence"),
    [
        (0.8, 0.8), ("0.8", 0.8), (80, 0.8), ("80%", 0.8), ("80 %", 0.8), (1, 1.0), (0, 0.0), ("1%", 0.01), (100, 1.0),
        (95, 0.95), (101, None), (-0.2, None), ("high", None), ("", None), (None, None), (True, None),
        (float("nan"), None), (float("inf"), None), ([0.8], None), (10**400, None),
    ],
)  # fmt: skip
def test_confidence_is_a_share_or_unknown(value: object, confidence: float | None) -> None:
    assert read_confidence(value) == (None if confidence is None else pytest.approx(confidence))


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    for of in (NUMBER, YES_NO, CHOICE):
        read_reply(text, of)


@given(
    st.lists(
        st.sampled_from(
            ["{", "}", '"', "'", "[", "]", ":", ",", "\\", "answer", "reasoning", "<think>", "</think>", "18"]
        )
    ),
    st.sampled_from([NUMBER, YES_NO, CHOICE]),
)
def test_any_pieces_of_an_object_can_be_read(pieces: list[str], of: Problem) -> None:
    read_reply("".join(pieces), of)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(str.strip), st.integers(-999, 999))
def test_a_well_formed_reply_is_read_whole(reasoning: str, number: int) -> None:
    read = read_reply(json.dumps({"reasoning": reasoning, "answer": str(number), "confidence_level": 0.5}), NUMBER)
    assert (read.text, read.answer, read.confidence) == (reasoning.strip(), str(number), 0.5)
