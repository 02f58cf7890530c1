import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.build_graph.build import build_graph
from magdi_cli.build_graph.importing.found import Imported
from magdi_cli.build_graph.importing.traces import debates
from magdi_cli.tasks.answers import verify
from tests.build_graph.importing.lines_of import faults, found_in, heard, only, seats
from tests.files import written


def output(model: str, text: str = "So the answer is yes.", **also: Any) -> dict[str, Any]:
    return {"model": model, "round": 0, "text": text, "answer": "yes", "correct": True, **also}


def row(*outputs: dict[str, Any], qid: str = "q1", **also: Any) -> dict[str, Any]:
    told = {"id": qid, "qid": qid, "dataset": "strategyqa", "split": "train", "question": "Can pigs swim?"}
    return {**told, "options": ["yes", "no"], "gold": "yes", "outputs": list(outputs), **also}


def test_single_models_of_several_files_become_the_seats_of_one_graph(tmp_path: Path) -> None:
    paths = [
        written(tmp_path / f"{model}.jsonl", row(output(model)), row(output(model), qid="q2"))
        for model in ("ada", "ben", "cyd")
    ]
    found = found_in(debates, *paths)
    assert [one.debate.problem.id for one in found if isinstance(one, Imported)] == ["q1", "q2"]
    first = found[0]
    assert isinstance(first, Imported)
    assert seats(first) == [("ada", 0, "yes"), ("ben", 0, "yes"), ("cyd", 0, "yes")]
    assert heard(first) == [(), (), ()]
    assert first.debate.stopped == "agreement"
    assert first.where == ", ".join(f"{path}:1" for path in paths)


def test_every_file_names_the_task_of_its_own_questions(tmp_path: Path) -> None:
    def asked(qid: str, question: str, answer: str) -> dict[str, Any]:
        return {"qid": qid, "question": question, "gold": answer, "outputs": [output("ada", f"So it is {answer}.")]}

    yes_no = written(tmp_path / "strategyqa_ada.jsonl", asked("q1", "Can pigs swim?", "yes"))
    number = written(tmp_path / "gsm8k_ada.jsonl", asked("q2", "What is 2 + 2?", "4"))
    for paths in ((yes_no, number), (number, yes_no)):
        found = [one.debate.problem for one in found_in(debates, *paths) if isinstance(one, Imported)]
        assert {problem.id: problem.task for problem in found} == {"q1": "strategyqa", "q2": "gsm8k"}


def test_where_two_take_turns_each_hears_the_last_word_of_both(tmp_path: Path) -> None:
    spoken = [("A", 0), ("B", 0), ("A", 1), ("B", 2), ("A", 3)]
    outputs = [output({"A": "ada", "B": "ben"}[agent], agent=agent, round=number) for agent, number in spoken]
    found = only(found_in(debates, written(tmp_path / "t.jsonl", row(*outputs, id="q1#run"))))
    assert found.debate.problem.id == "q1#run"
    assert [turn.agent for turn in found.debate.turns] == ["ada", "ben", "ada", "ben", "ada"]
    assert [set(parents) for parents in heard(found)] == [set(), set(), {0, 1}, {2, 1}, {2, 3}]


def test_in_full_rounds_everybody_hears_the_round_before(tmp_path: Path) -> None:
    outputs = [output(model, round=number) for number in range(3) for model in ("ada", "ben", "cyd")]
    found = only(found_in(debates, written(tmp_path / "t.jsonl", row(*outputs))))
    assert heard(found) == [()] * 3 + [(0, 1, 2)] * 3 + [(3, 4, 5)] * 3


def test_seats_of_one_model_are_told_apart_by_their_agents(tmp_path: Path) -> None:
    outputs = [output("llama", agent=agent, round=number) for number in (0, 1) for agent in ("kant", "hume")]
    found = only(found_in(debates, written(tmp_path / "t.jsonl", row(*outputs))))
    assert found.debate.agents == ("llama (kant)", "llama (hume)")


def test_a_debate_and_single_outputs_about_one_question_are_two_graphs(tmp_path: Path) -> None:
    single = written(tmp_path / "s.jsonl", row(output("ada")))
    debate = written(tmp_path / "d.jsonl", row(output("ada"), output("ada", round=1), id="q1#run"))
    found = found_in(debates, single, debate)
    assert [len(one.debate.turns) for one in found if isinstance(one, Imported)] == [1, 2]


def test_a_model_with_several_prompts_or_samples_has_a_seat_for_each_everywhere(tmp_path: Path) -> None:
    path = written(
        tmp_path / "t.jsonl",
        row(output("ada", prompt="none"), output("ada", prompt="cot", sample=0), output("ben", prompt="none")),
        row(output("ada", prompt="none"), qid="q2"),
        row(output("cyd"), output("cyd"), qid="q3"),
    )
    agents = [one.debate.agents for one in found_in(debates, path) if isinstance(one, Imported)]
    assert agents == [
        ("ada (prompt none)", "ada (prompt cot, sample 0)", "ben"),
        ("ada (prompt none)",),
        ("cyd", "cyd#2"),
    ]


@pytest.mark.parametrize(
    ("text", "recorded", "ours"),
    [
        ("So the answer is no.", "yes", "no"),
        ("Pigs are good at it.", "yes", "yes"),
        ("Yes and no.", None, None),
        ("Yes, they can.", None, None),
        ("Yes, they can.", "absent", "yes"),
    ],
)
def test_what_the_text_announces_counts_before_what_the_source_recorded(
    tmp_path: Path, text: str, recorded: str | None, ours: str | None
) -> None:
    said = output("ada", text, answer=recorded)
    if recorded == "absent":
        del said["answer"]
    found = only(found_in(debates, written(tmp_path / "t.jsonl", row(said))))
    assert seats(found) == [("ada", 0, ours)]


def test_verdicts_and_answers_of_the_source_are_kept_beside_the_debate(tmp_path: Path) -> None:
    outputs = [output("ada", correct=False), output("ben", answer=None, text="Hm.", correct=False), output("cyd")]
    del outputs[2]["correct"]
    found = only(found_in(debates, written(tmp_path / "t.jsonl", row(*outputs))))
    assert (dict(found.verdicts), dict(found.answers)) == ({0: False, 1: False}, {0: "yes", 1: None})


@pytest.mark.parametrize(
    ("dataset", "task"), [("arc_challenge", "arc-challenge"), ("strategyqa", "strategyqa"), ("piqa", "piqa")]
)
def test_datasets_have_our_names(tmp_path: Path, dataset: str, task: str) -> None:
    made = row(output("ada", "(A)"), dataset=dataset, gold="A" if task != "strategyqa" else "yes")
    assert only(found_in(debates, written(tmp_path / "t.jsonl", made))).debate.problem.task == task


def test_rows_about_one_question_must_agree_on_it(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", row(output("ada")), row(output("ben"), gold="no", question="Can cows?"))
    assert faults(found_in(debates, path)) == [
        f"its question in {path}:2 is not that of {path}:1",
        f"its gold in {path}:2 is not that of {path}:1",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outputs": None}, ["'outputs' is null; a list of objects is wanted"]),
        ({"outputs": []}, ["'outputs' is empty; a list of objects is wanted"]),
        ({"outputs": [7]}, ["outputs 1 is 7, not an object"]),
        (
            {"outputs": [output("ada", round=True), output("", text=None), output("ben", correct="yes")]},
            [
                "output 1: 'round' is true, not a round (0, 1, 2, ...)",
                "output 2: neither 'model' nor 'agent' names who spoke",
                "output 3: 'correct' is a text, neither true nor false",
            ],
        ),
        ({"outputs": [output("ada", text="\ud800")]}, ["output 1: 'text' holds half of a surrogate pair"]),
        (
            {"outputs": [output("ada", round=1), output("ada", round=1), output("ben", round=1)]},
            ["'ada' speaks 2 times in round 1"],
        ),
        ({"gold": "maybe"}, ["answer 'maybe' is neither yes nor no"]),
        ({"question": None}, ["no 'question'"]),
    ],
)
def test_a_row_that_is_no_debate_says_all_that_is_wrong(
    tmp_path: Path, changes: dict[str, Any], said: list[str]
) -> None:
    found = faults(found_in(debates, written(tmp_path / "t.jsonl", row(output("ada"), **changes))))
    assert [fault.partition(" (columns")[0] for fault in found] == said


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.sampled_from(["yes", "no"])), min_size=1))
def test_edges_lead_to_later_rounds_and_labels_do_not_depend_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, spoken: list[tuple[str, int, str]]
) -> None:
    once = list({(agent, number): (agent, number, answer) for agent, number, answer in spoken}.values())
    outputs = [output(agent, f"The answer is {answer}.", round=number, agent=agent) for agent, number, answer in once]
    folder = tmp_path_factory.mktemp("traces")
    labels = []
    for order in (outputs, random.Random(0).sample(outputs, len(outputs))):
        found = only(found_in(debates, written(folder / "t.jsonl", row(*order))))
        graph = build_graph(found.debate, lambda answer, problem: verify(answer, problem).correct)
        assert all(graph.nodes[start].round < graph.nodes[end].round for start, end in graph.edges)
        labels.append({(node.agent, node.round): node.correct for node in graph.nodes})
    assert labels[0] == labels[1]


@given(st.permutations(range(6)), st.integers(1, 6))
def test_ids_do_not_depend_on_order_or_number_of_the_lines(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], limit: int
) -> None:
    rows = [row(output("ada"), question=f"Can {number} pigs swim?") for number in range(6)]
    for made in rows:
        del made["id"], made["qid"]
    folder = tmp_path_factory.mktemp("traces")

    def ids(path: Path) -> dict[str, str]:
        found = [one.debate.problem for one in found_in(debates, path) if isinstance(one, Imported)]
        return {problem.question: problem.id for problem in found}

    whole = ids(written(folder / "all.jsonl", *rows))
    part = ids(written(folder / "part.jsonl", *[rows[number] for number in order[:limit]]))
    assert part.items() <= whole.items()
    assert len(set(whole.values())) == 6
