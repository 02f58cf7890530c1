"""`magdi verify` as users run it."""

import json
from pathlib import Path

from tests.commands import magdi


def test_right_or_wrong_is_the_first_word(tmp_path: Path) -> None:
    shown = magdi("verify", "18", "So the answer is 18.0 eggs.", cwd=tmp_path).stdout
    assert shown.splitlines()[0] == "right"
    assert "answer      18 (by answer-is)" in shown
    assert magdi("verify", "18", "19", cwd=tmp_path).stdout.splitlines()[0] == "wrong"


def test_negative_answers_stand_behind_two_dashes(tmp_path: Path) -> None:
    document = json.loads(magdi("verify", "--json", "--", "-5", "it falls to -5 degrees", cwd=tmp_path).stdout)
    assert (document["gold"], document["answer"], document["correct"]) == ("-5", "-5", True)


def test_a_reply_is_read_from_stdin_and_explained(tmp_path: Path) -> None:
    shown = magdi("verify", "yes", "-", "--task", "boolq", "--explain", cwd=tmp_path, stdin="Answer: no").stdout
    assert "kind of answer              yes-no, as all of boolq are" in shown
    assert "announcement, answer-colon  no" in shown


def test_a_choice_without_options_is_a_usage_error(tmp_path: Path) -> None:
    done = magdi("verify", "B", "B", "--task", "commonsenseqa", cwd=tmp_path, code=2)
    assert "--choices 'first|second|third'" in done.stderr
