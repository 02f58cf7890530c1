"""Worked examples from a file."""

import json
from pathlib import Path

import pytest

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.debate.demos import demos_for, read_demos
from tests.files import written

ROWS = (
    {"question": "2+2?", "answer": "4", "rationale": "Two and two.", "seat": "ada"},
    {"question": "Who buzzes?", "options": ["ant", "bee"], "answer": "bee", "rationale": "Bees do.", "agent": "bob"},
    {"question": "1+1?", "answer": 2, "rationale": 'He said "two".'},
)


def test_examples_are_read_like_problems(tmp_path: Path) -> None:
    ada, bob, anyone = read_demos(written(tmp_path / "demos.jsonl", *ROWS))
    assert (ada.seat, bob.seat, anyone.seat) == ("ada", "bob", None)
    assert bob.question == "Who buzzes?\n\nA. ant\nB. bee"
    assert json.loads(bob.reply) == {"reasoning": "Bees do.", "answer": "B"}
    assert json.loads(anyone.reply) == {"reasoning": 'He said "two".', "answer": "2"}


def test_examples_may_be_a_table(tmp_path: Path) -> None:
    path = tmp_path / "demos.csv"
    path.write_text("question,answer,rationale,seat\n2+2?,4,Two and two.,ada\n1+1?,2,Two ones.,\n")
    assert [demo.seat for demo in read_demos(path)] == ["ada", None]


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path / "demos.jsonl",
        {"question": "2+2?", "answer": "4"},
        {"question": "", "answer": "4", "rationale": "r"},
        {**ROWS[0], "agent": "bob"},
    )
    said = r"demos\.jsonl:1 no 'rationale', .*; :2 'question' is empty; :3 names two seats: ada and bob"
    with pytest.raises(DataProblem, match=said):
        read_demos(path)


def test_a_file_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="holds no examples"):
        read_demos(written(tmp_path / "demos.jsonl"))


def asked(question: str) -> Problem:
    return Problem(id="other", task="toy", question=question, gold=Answer("4"))


@pytest.mark.parametrize(
    ("seat", "question", "shown"),
    [
        ("ada", "3+3?", ["bob", None]),
        ("bob", "3+3?", ["ada", None]),
        ("cy", "3+3?", ["ada", "bob", None]),
        ("cy", " 2+2? ", ["bob", None]),
        ("cy", "WHO  buzzes?", ["ada", None]),
    ],
)
def test_a_seat_is_shown_what_convinced_the_others_and_never_the_question_itself(
    tmp_path: Path, seat: str, question: str, shown: list[str | None]
) -> None:
    demos = read_demos(written(tmp_path / "demos.jsonl", *ROWS))
    assert [demo.seat for demo in demos_for(demos, seat, asked(question))] == shown
