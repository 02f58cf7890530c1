import pytest

from magdi_cli.core.errors import DataProblem, EnvironmentProblem
from magdi_cli.tasks.catalog import TASKS
from magdi_cli.tasks.loading import load_problems
from magdi_cli.tasks.rows import problem_from

ROWS = {
    "gsm8k": {
        "question": "Ann sold 48 clips in April and half as many in May. How many in all?",
        "answer": "She sold 48/2 = <<48/2=24>>24 in May.\nIn all 48+24 = <<48+24=72>>72.\n#### 72",
    },
    "math": {
        "problem": "What is half of $1$?",
        "level": "Level 1",
        "type": "Prealgebra",
        "solution": "Not \\boxed{2}, but $\\boxed{\\frac{1}{2}}$.",
    },
    "svamp": {
        "ID": "chal-1",
        "Body": "Each pack costs 76 dollars",
        "Question": "With a discount of 25 dollars, what does it cost?",
        "Equation": "( 76.0 - 25.0 )",
        "Answer": "51.0",
        "Type": "Subtraction",
        "question_concat": "unused",
    },
    "strategyqa": {
        "qid": "e0044a",
        "term": "Albany",
        "question": "Is Albany in Georgia larger than the one in New York?",
        "answer": False,
        "facts": "Albany, GA has 75,000 people.",
    },
    "commonsenseqa": {
        "id": "1afa",
        "question": "Where do you find a hamburger?",
        "question_concept": "hamburger",
        "choices": {"label": ["A", "B", "C"], "text": ["restaurant", "pizza", "mouth"]},
        "answerKey": "A",
    },
    "arc-challenge": {
        "id": "Mercury_1",
        "question": "Which is coldest?",
        "choices": {"text": ["fire", "water", "ice", "steam"], "label": ["1", "2", "3", "4"]},
        "answerKey": "3",
    },
    "boolq": {"question": "is ice cold", "passage": "Ice is frozen water.", "answer": True},
}
GOLDS = {
    "gsm8k": "72",
    "math": "\\frac{1}{2}",
    "svamp": "51",
    "strategyqa": "no",
    "commonsenseqa": "A",
    "arc-challenge": "C",
    "boolq": "yes",
}


@pytest.mark.parametrize("task", sorted(ROWS))
def test_a_row_of_the_hub_becomes_a_problem(task):
    problem = problem_from(TASKS[task].hub.row(ROWS[task]), task)
    assert problem.gold == GOLDS[task]
    assert problem.task == task


def test_every_hub_task_has_a_sample_here():
    assert {name for name, task in TASKS.items() if task.hub} == set(ROWS)


def test_calculator_marks_are_taken_out_of_rationales():
    problem = problem_from(TASKS["gsm8k"].hub.row(ROWS["gsm8k"]), "gsm8k")
    assert problem.meta["rationale"] == "She sold 48/2 = 24 in May.\nIn all 48+24 = 72."


def test_a_passage_stands_before_the_question():
    problem = problem_from(TASKS["boolq"].hub.row(ROWS["boolq"]), "boolq")
    assert problem.question == "Ice is frozen water.\n\nis ice cold?"


def test_facts_in_a_list_are_joined():
    row = ROWS["strategyqa"] | {"facts": ["One.", "Two."]}
    assert problem_from(TASKS["strategyqa"].hub.row(row), "strategyqa").meta["rationale"] == "One. Two."


def test_a_split_the_hub_lacks_is_named_with_those_it_has():
    with pytest.raises(DataProblem, match=r"commonsenseqa has no split 'validation'.*it has train, test"):
        load_problems("commonsenseqa", "validation", data_dir=None, limit=0)


def test_an_unreachable_hub_says_what_to_do():
    with pytest.raises(EnvironmentProblem, match=r"openai/gsm8k.*--data-dir.*HF_HUB_OFFLINE"):
        load_problems("gsm8k", "test", data_dir=None, limit=1)
