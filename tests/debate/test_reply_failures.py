"""Every way in which a reply is known to go wrong (arXiv 2309.13007's released code among them), by name."""

import sys
from types import FrameType
from typing import Any

import pytest

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import encode
from magdi_cli.debate.reply import MOST_BROKEN, read_reply
from tests.strategies import problem

NUMBER = problem(gold="18")
YES_NO = Problem(id="y", task="strategyqa", question="Is it?", choices=("yes", "no"), gold=Answer("yes"))
CHOICE = Problem(id="c", task="toy", question="Which?", choices=("ant", "bee", "cat"), gold=Answer("B"))
LATEX = Problem(id="l", task="math", question="Which?", gold=Answer("x^2"))
SCHEMA = (
    '{"type": "object", "properties": {"reasoning": {"type": "string"}, "answer": {"type": "string"}, '
    '"confidence_level": {"type": "number"}}, "required": ["reasoning", "answer", "confidence_level"]}'
)
FORM = '{"reasoning": "your reasoning, step by step", "answer": "%s", "confidence_level": 0.0}'
GOOD = '{"reasoning": "r", "answer": "18", "confidence_level": 0.9}'
DRAFT = '{"reasoning": "a first thought", "answer": "17", "confidence_level": 0.2}'

ROWS: dict[str, tuple[str, Problem, str | None, float | None]] = {
    "true": ('{"reasoning": "r", "answer": true}', YES_NO, "yes", None),
    "false": ('{"reasoning": "r", "answer": false}', YES_NO, "no", None),
    "null": ('{"reasoning": "r", "answer": null}', YES_NO, None, None),
    "Yes capitalised": ('{"reasoning": "r", "answer": "Yes"}', YES_NO, "yes", None),
    "Yes with a full stop": ('{"reasoning": "r", "answer": "Yes."}', YES_NO, "yes", None),
    "two objects that disagree": (GOOD + "\n" + DRAFT, NUMBER, "18", 0.9),
    "two objects, the first without an answer": ('{"step": 1}' + GOOD, NUMBER, "18", 0.9),
    "two objects, the first unreadable": ('{"reasoning": "r", "answer": "?"}' + GOOD, NUMBER, "18", 0.9),
    "two objects, the first broken": ('{"reasoning": "a "b" c", "x": }\n' + GOOD, NUMBER, "18", 0.9),
    "inner quotes not escaped": ('{"reasoning": "the "big" one", "answer": "18"}', NUMBER, "18", None),
    "apostrophes": ('{"reasoning": "it\'s Ann\'s", "answer": "18"}', NUMBER, "18", None),
    "apostrophes as quotes": ("{'reasoning': 'the cat', 'answer': '18'}", NUMBER, "18", None),
    "Python's literals": ("{'reasoning': 'r', 'answer': True}", YES_NO, "yes", None),
    "keys without quotes": ('{reasoning: "r", answer: "18"}', NUMBER, "18", None),
    "a comma too many": ('{"reasoning": "r", "answer": "18",}', NUMBER, "18", None),
    "a comma too few": ('{"reasoning": "r" "answer": "18"}', NUMBER, "18", None),
    "the opening brace missing": ('"reasoning": "7 + 11", "answer": "18", "confidence": 0.9}', NUMBER, "18", 0.9),
    "the closing brace missing": ('{"reasoning": "7 + 11", "answer": "18", "confidence": 0.9', NUMBER, "18", 0.9),
    "both braces missing": ('"reasoning": "7 and 11",\n"answer": "18",\n"confidence_level": 0.9', NUMBER, "18", 0.9),
    "cut off in the reasoning": ('{"reasoning": "there are 7 and', NUMBER, None, None),
    "LaTeX braces before": ("From \\frac{36}{2}: " + GOOD, NUMBER, "18", 0.9),
    "LaTeX braces before a broken object": ('$x_{2}$: {"reasoning": "a "b"", "answer": "18"}', NUMBER, "18", None),
    "a raw line break": ('{"reasoning": "one\ntwo", "answer": "18"}', NUMBER, "18", None),
    "reasoning as a list": ('{"reasoning": ["one", "two"], "answer": "18"}', NUMBER, "18", None),
    "no reasoning": ('{"answer": "18"}', NUMBER, "18", None),
    "no answer": ('{"reasoning": "9 + 9 = 18", "confidence_level": 0.9}', NUMBER, None, None),
    "an empty answer": ('{"reasoning": "9 + 9", "answer": ""}', NUMBER, None, None),
    "Answer": ('{"Reasoning": "r", "Answer": "18", "Confidence_Level": 0.9}', NUMBER, "18", 0.9),
    "final_answer": ('{"reasoning": "r", "final_answer": 18, "confidence": 0.9}', NUMBER, "18", 0.9),
    "finalAnswer": ('{"reasoning": "r", "finalAnswer": 18, "confidenceLevel": 0.9}', NUMBER, "18", 0.9),
    "final answer in a broken object": ('{"final answer": "18", "confidence": 0.9', NUMBER, "18", 0.9),
    "nested in response": ('{"response": ' + GOOD + "}", NUMBER, "18", 0.9),
    "nested in arguments": ('{"name": "reply", "arguments": ' + GOOD + "}", NUMBER, "18", 0.9),
    "nested and broken": ('{"response": {"reasoning": "a "b"", "answer": "18"}}', NUMBER, "18", None),
    "in a list": ("[" + GOOD + "]", NUMBER, "18", 0.9),
    "an answer to a step only": ('{"reasoning": {"step 1": {"answer": 7}}, "result": 18}', NUMBER, None, None),
    "the schema alone": (SCHEMA, NUMBER, None, None),
    "the schema, then the reply": (SCHEMA + "\n" + GOOD, NUMBER, "18", 0.9),
    "the form alone, a number": (FORM % "a single number", NUMBER, None, 0.0),
    "the form alone, a letter": (FORM % "one letter from A to C", CHOICE, None, 0.0),
    "the form alone, yes or no": (FORM % "yes or no", YES_NO, None, 0.0),
    "the form alone, LaTeX": (FORM % "a LaTeX expression", LATEX, None, 0.0),
    "the form, then the reply": (FORM % "a single number" + "\n" + GOOD, NUMBER, "18", 0.9),
    "a markdown fence": ("Here you are:\n```json\n" + GOOD + "\n```\nAnything else?", NUMBER, "18", 0.9),
    "a markdown fence never closed": ("```json\n" + GOOD, NUMBER, "18", 0.9),
    "an HTML page": ("<html><head><title>502 Bad Gateway</title></head></html>", NUMBER, None, None),
    "an HTML page with a doctype": ("\n<!DOCTYPE html><body>Error 18</body>", NUMBER, None, None),
    "an object inside a thought": (f"<think>Maybe {DRAFT}?</think>\n{GOOD}", NUMBER, "18", 0.9),
    "an object inside a thought only": (f"<think>Maybe {DRAFT}?</think>\nI cannot say.", NUMBER, None, None),
    "a thought that the prompt opened": (f"Maybe {DRAFT}?</think>{GOOD}", NUMBER, "18", 0.9),
    "a thought never closed": (f"<think>Maybe {DRAFT} and so on", NUMBER, None, None),
    "a thought inside the reasoning": ('{"reasoning": "<think>9 + 9", "answer": "18"}', NUMBER, "18", None),
    "prose after a thought": ("<think>17?</think>The answer is 18.", NUMBER, "18", None),
    "a letter and the option's text": ('{"reasoning": "r", "answer": "B) bee"}', CHOICE, "B", None),
    "the option's text and a letter": ('{"reasoning": "r", "answer": "bee (B)"}', CHOICE, "B", None),
    "the option's text": ('{"reasoning": "r", "answer": "Bee"}', CHOICE, "B", None),
    "two letters": ('{"reasoning": "r", "answer": "A or B"}', CHOICE, None, None),
    "a unit": ('{"reasoning": "r", "answer": "18 dollars"}', NUMBER, "18", None),
    "another spelling of the number": ('{"reasoning": "r", "answer": "18.00"}', NUMBER, "18", None),
    "confidence in words": ('{"answer": "18", "confidence_level": "very high"}', NUMBER, "18", None),
    "confidence in percent": ('{"answer": "18", "confidence_level": "90%"}', NUMBER, "18", 0.9),
    "confidence 95": ('{"answer": "18", "confidence": 95}', NUMBER, "18", 0.95),
    "confidence as text": ('{"answer": "18", "confidence": "0.9"}', NUMBER, "18", 0.9),
    "confidence NaN": ('{"answer": "18", "confidence_level": NaN}', NUMBER, "18", None),
    "confidence infinite": ('{"answer": "18", "confidence_level": Infinity}', NUMBER, "18", None),
    "confidence missing": ('{"answer": "18"}', NUMBER, "18", None),
    "a number of 5000 digits": ('{"answer": ' + "1" * 5000 + "}", NUMBER, None, None),
    "nothing": ("", NUMBER, None, None),
    "a refusal": ("I'm sorry, I can't help with that.", NUMBER, None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_reply_that_goes_wrong_is_read_for_what_it_says_and_no_more(name: str) -> None:
    text, of, answer, confidence = ROWS[name]
    read = read_reply(text, of)
    assert (read.answer, read.confidence) == (answer, confidence)


def test_what_is_shown_of_a_reply_is_the_reasoning_of_the_object_that_was_chosen() -> None:
    assert read_reply(SCHEMA + GOOD, NUMBER).text == "r"
    assert read_reply('{"reasoning": {"1": "one", "2": "two"}, "answer": "18"}', NUMBER).text == "one two"


def test_half_a_surrogate_pair_can_be_written_down() -> None:
    read = read_reply('{"reasoning": "a \\ud83d b", "answer": "x \\ud83d"}', LATEX)
    assert read.text == "a ? b"
    assert encode(read)


HOSTILE = {
    "braces": "{" * 1_000_000,
    "objects begun": '{"' * 500_000,
    "keys begun": '{"answer":' * 100_000,
    "lists begun": '{"answer":[' * 90_000,
    "texts begun": '{"answer":"\\' * 80_000,
    "keys in prose": "'answer': " * 100_000,
    "announcements": "answer: " * 125_000,
    "thoughts": "<think>" * 140_000,
    "blanks": "{" + " " * 1_000_000,
    "objects": '{"a":1}' * 140_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_megabyte_of_anything_is_decoded_a_bounded_number_of_times(name: str) -> None:
    tries = 0

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal tries
        tries += event == "call" and frame.f_code.co_name == "raw_decode"

    sys.setprofile(count)
    try:
        read_reply(HOSTILE[name], NUMBER)
    finally:
        sys.setprofile(None)
    assert tries <= MOST_BROKEN + HOSTILE[name].count("}")
