from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.build import build_graph
from magdi_cli.build_graph.importing.inlined import options_in
from magdi_cli.build_graph.importing.reference import debates
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.tasks.answers import verify
from tests.build_graph.importing.lines_of import faults, found_in, heard, only, seats
from tests.files import written

TEACHERS = ("claude", "gpt4", "bard")


def row(last_round: int = 3, answer: str = "yes", **changes: Any) -> dict[str, Any]:
    replies = {
        f"{agent}_output_{number}": {"reasoning": f"{agent} thinks.", "answer": answer}
        for agent in TEACHERS
        for number in range(last_round + 1)
    }
    return {"question": "Can pigs swim?", "gold_answer": "yes", **replies, **changes}


def right(answer: Answer | None, problem: Problem) -> bool:
    return verify(answer, problem).correct


@pytest.mark.parametrize("last_round", range(4))
def test_a_debate_that_stopped_at_round_k_has_3_more_nodes_and_9_edges_a_round(tmp_path: Path, last_round: int) -> None:
    found = only(found_in(debates, written(tmp_path / "SQA_1000.json", row(last_round))))
    graph = build_graph(found.debate, right)
    assert (len(graph.nodes), len(graph.edges)) == (3 * (last_round + 1), 9 * last_round)
    assert {node.text for node in graph.nodes} == {f"{agent} thinks." for agent in TEACHERS}


@given(st.sets(st.sampled_from([f"{agent}_output_{number}" for agent in TEACHERS for number in range(4)]), max_size=11))
def test_a_missing_reply_is_no_node_and_takes_nobodys_answer(
    tmp_path_factory: pytest.TempPathFactory, gone: Any
) -> None:
    path = tmp_path_factory.mktemp("mag") / "SQA.json"
    whole = row()
    kept = {key: whole[key] if key not in gone else None for key in whole}
    for number, (key, reply) in enumerate(kept.items()):
        if "_output_" in key and reply:
            kept[key] = {"reasoning": f"reply {number}", "answer": ("yes", "no")[number % 2]}
    found = only(found_in(debates, written(path, kept)))
    said = {(turn.agent, turn.round): (turn.text, turn.answer) for turn in found.debate.turns}
    assert said == {
        (key.partition("_")[0], int(key[-1])): (reply["reasoning"], reply["answer"])
        for key, reply in kept.items()
        if "_output_" in key and reply
    }
    graph = build_graph(found.debate, right)
    assert all(graph.nodes[start].round < graph.nodes[end].round for start, end in graph.edges)


def test_after_a_round_that_nobody_has_the_one_before_it_is_heard(tmp_path: Path) -> None:
    reply = {"reasoning": "r", "answer": "no"}
    made = {"question": "q?", "gold_answer": "no", "a_output_0": reply, "b_output_0": {}, "a_output_2": reply}
    found = only(found_in(debates, written(tmp_path / "SQA.json", made)))
    assert (seats(found), heard(found)) == ([("a", 0, "no"), ("a", 2, "no")], [(), (0,)])


@pytest.mark.parametrize("guess", [{"reasoning": "", "answer": "no"}, {"answer": "no"}])
def test_a_guess_in_place_of_a_failed_call_is_no_turn(tmp_path: Path, guess: dict[str, str]) -> None:
    reply = {"reasoning": "r", "answer": "no"}
    made = {"question": "q?", "gold_answer": "no", "a_output_0": reply, "b_output_0": guess, "a_output_1": reply}
    notes: list[str] = []
    found = only(found_in(debates, written(tmp_path / "SQA.json", made), notes=notes))
    assert (seats(found), heard(found)) == ([("a", 0, "no"), ("a", 1, "no")], [(), (0,)])
    assert "left out 1 replies without reasoning" in notes[-1]


def test_equal_answers_are_equal_however_they_are_written(tmp_path: Path) -> None:
    found = only(found_in(debates, written(tmp_path / "GSM8K_1000.json", row(0, "18.0", gold_answer="18"))))
    assert [node.correct for node in build_graph(found.debate, right).nodes] == [True] * 3


@pytest.mark.parametrize(
    ("name", "question", "gold", "task", "choices", "read_gold"),
    [
        ("SQA_1000.json", "Is it?", "no", "strategyqa", (), "no"),
        ("GSM8K_1000.json", "How many?", "18", "gsm8k", (), "18"),
        ("MATH_1000.json", "What is half?", "\\frac{1}{2}", "math", (), "\\frac{1}{2}"),
        ("ARC_1000.json", "Which? (A) ice (B) fire", "B", "arc-challenge", ("ice", "fire"), "B"),
        ("ECQA_1000.json", "Where?\nOptions: 1) in bed 2) at sea", "2", "commonsenseqa", ("in bed", "at sea"), "B"),
        ("mine.json", "Which? A. ice B. fire", "A", "mine", ("ice", "fire"), "A"),
        ("mine.json", "Is it?", "yes", "mine", (), "yes"),
    ],
)
def test_the_task_is_told_from_the_files_name_and_options_from_the_question(
    tmp_path: Path, name: str, question: str, gold: str, task: str, choices: tuple[str, ...], read_gold: str
) -> None:
    notes: list[str] = []
    made = row(0, gold, question=question, gold_answer=gold)
    found = only(found_in(debates, written(tmp_path / name, made), notes=notes))
    problem = found.debate.problem
    assert (problem.task, problem.choices, problem.gold) == (task, choices, read_gold)
    assert {turn.answer for turn in found.debate.turns} == {read_gold}
    assert f"task {task}" in notes[0]


def test_the_task_can_be_named(tmp_path: Path) -> None:
    found = only(found_in(debates, written(tmp_path / "x.json", row(0)), task="boolq"))
    assert found.debate.problem.task == "boolq"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gold_answer": "perhaps"}, "neither yes nor no"),
        ({"question": ""}, "'question' is empty"),
        ({"\ud800_output_0": {"reasoning": "r", "answer": "no"}}, "'agent' holds half of a surrogate pair"),
        ({"a\0_output_0": {"reasoning": "r", "answer": "no"}}, "'agent' holds a NUL character"),
        ({"claude_output_0": ["list"], "bard_output_0": {"reasoning": 7}}, "claude_output_0: not an object"),
        ({f"{agent}_output_0": None for agent in TEACHERS}, "no AGENT_output_ROUND holds a reply"),
    ],
)
def test_a_row_that_is_no_debate_says_why(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert said in faults(found_in(debates, written(tmp_path / "SQA.json", row(0, **changes))))[0]


@pytest.mark.parametrize("key", ["a_output_" + "1" * 5000, " _output_0", "a_output_"])
def test_a_key_that_names_no_agent_or_round_is_passed_over(tmp_path: Path, key: str) -> None:
    made = row(0, **{key: {"reasoning": "r", "answer": "no"}})
    assert len(only(found_in(debates, written(tmp_path / "SQA.json", made))).debate.turns) == 3


def test_all_bad_replies_of_a_row_are_told(tmp_path: Path) -> None:
    bad = row(0, claude_output_0=["list"], bard_output_0={"reasoning": 7})
    assert len(faults(found_in(debates, written(tmp_path / "SQA.json", bad)))) == 2


@pytest.mark.parametrize(
    ("question", "asked", "options"),
    [
        ("Which? (A) ice (B) fire", "Which?", ("ice", "fire")),
        ("Which?\nA) ice\nB) fire\nC) tea", "Which?", ("ice", "fire", "tea")),
        ("Which?\nAnswer choices: A. ice, B. fire", "Which?", ("ice", "fire")),
        ("Take vitamin A. Which? A: ice B: fire", "Take vitamin A. Which?", ("ice", "fire")),
        ("Which? (A) ice (C) fire", "Which? (A) ice (C) fire", ()),
        ("Which?", "Which?", ()),
        ("(A) ice (B) fire", "(A) ice (B) fire", ()),
    ],
)
def test_options_at_the_end_of_a_question_are_found(question: str, asked: str, options: tuple[str, ...]) -> None:
    assert options_in(question) == (asked, options)
