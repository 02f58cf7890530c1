from pathlib import Path
from typing import Any

import pytest

from magdi_cli.build_graph.importing.messages import debates
from tests.build_graph.importing.lines_of import faults, found_in, heard, only, seats
from tests.files import written


def said(name: str, content: str = "So the answer is 4.", **also: Any) -> dict[str, Any]:
    return {"role": "assistant", "name": name, "content": content, **also}


def chat(*messages: dict[str, Any], **also: Any) -> dict[str, Any]:
    return {"question": "What is 2 + 2?", "answer": "4", "messages": list(messages), **also}


def test_each_assistant_message_is_a_turn_that_heard_the_last_words_of_earlier_rounds(tmp_path: Path) -> None:
    asked = {"role": "user", "content": "What is 2 + 2?"}
    found = only(
        found_in(debates, written(tmp_path / "c.jsonl", chat(asked, said("a"), said("b"), said("a"), said("b"), asked)))
    )
    assert seats(found) == [("a", 0, "4"), ("b", 0, "4"), ("a", 1, "4"), ("b", 1, "4")]
    assert heard(found) == [(), (), (0, 1), (0, 1)]


def test_given_rounds_are_kept(tmp_path: Path) -> None:
    found = only(found_in(debates, written(tmp_path / "c.jsonl", chat(said("a", round=0), said("b", round=1)))))
    assert heard(found) == [(), (0,)]


def test_the_first_user_message_asks_where_no_question_is(tmp_path: Path) -> None:
    row = chat({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}, said("a"))
    del row["question"]
    problem = only(found_in(debates, written(tmp_path / "gsm8k.jsonl", row))).debate.problem
    assert (problem.question, problem.task) == ("Why?", "gsm8k")


def test_choices_and_agent_names_are_read_in_their_other_spellings(tmp_path: Path) -> None:
    turn = {"role": "assistant", "agent": "ada", "content": "(B)"}
    row = {"id": "p", "question": "Which?", "choices": ["ice", "fire"], "gold": "fire", "messages": [turn]}
    found = only(found_in(debates, written(tmp_path / "c.jsonl", row)))
    assert (found.debate.problem.id, found.debate.problem.gold) == ("p", "B")
    assert seats(found) == [("ada", 0, "B")]


def test_a_message_may_bring_its_own_answer_and_verdict(tmp_path: Path) -> None:
    found = only(found_in(debates, written(tmp_path / "c.jsonl", chat(said("a", "Easy.", answer=4, correct=False)))))
    assert seats(found) == [("a", 0, "4")]
    assert dict(found.verdicts) == {0: False}


@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"messages": None}, "'messages' is null"),
        ({"messages": [{"role": "user", "content": "hi"}]}, "no message has the role 'assistant'"),
        ({"messages": [said("a", round=-1)]}, "message 1: 'round' is -1"),
        ({"messages": [{"role": "assistant"}]}, "message 1: 'content' is missing"),
        ({"question": None, "messages": [said("a")]}, "no 'question', and no user message"),
    ],
)
def test_a_chat_that_is_no_debate_says_why(tmp_path: Path, changes: dict[str, Any], faulty: str) -> None:
    found = faults(found_in(debates, written(tmp_path / "c.jsonl", chat(**changes))))
    assert faulty in found[0]
