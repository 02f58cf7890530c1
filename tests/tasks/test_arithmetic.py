from itertools import islice

import pytest

from magdi_cli.core.errors import DataProblem
from magdi_cli.tasks.answers import extract, verify
from magdi_cli.tasks.arithmetic import LARGEST, SIZES, outcome, problems
from magdi_cli.tasks.loading import load_problems

ALL = [problem for split in SIZES for problem in problems(split)]


def test_splits_have_their_sizes_and_share_no_question():
    assert {split: len(list(problems(split))) for split in SIZES} == {"train": 1000, "validation": 200, "test": 200}
    assert len({problem.question for problem in ALL}) == len(ALL)
    assert len({problem.id for problem in ALL}) == len(ALL)


def test_a_problem_depends_on_its_split_and_number_only():
    assert list(islice(problems("test"), 7)) == list(problems("test"))[:7]


def test_the_first_problem_stays_what_it_is():
    first = next(problems("train"))
    assert first.id == "arithmetic-train-0"
    assert (
        first.question
        == "Emma has 10 baskets. Each holds 4 plums. She gives 21 to Sara. How many plums does Emma have now?"
    )


def test_the_steps_lead_to_the_gold():
    for problem in ALL:
        value = problem.meta["steps"][0]["left"]
        for step in problem.meta["steps"]:
            assert step["left"] == value
            assert step["left"] != step["right"]
            value = outcome(value, step["op"], step["right"])
            assert 0 < value <= LARGEST
        assert str(value) == problem.gold


def test_the_rationale_is_the_steps_told():
    for problem in ALL:
        steps = problem.meta["steps"]
        told = [step["text"].format(**step, result=outcome(step["left"], step["op"], step["right"])) for step in steps]
        assert problem.meta["rationale"] == " ".join(told)
        assert len(problem.meta["rationale"].split()) <= 28


def test_the_rationale_gives_the_gold():
    for problem in ALL:
        found = extract(problem.meta["rationale"], problem)
        assert found is not None
        assert verify(found.answer, problem).correct


def test_one_and_two_steps_and_all_operations_occur_often():
    steps = [len(problem.meta["steps"]) for problem in ALL]
    operations = [step["op"] for problem in ALL for step in problem.meta["steps"]]
    assert min(steps.count(1), steps.count(2)) > len(ALL) * 0.4
    assert all(operations.count(operation) > len(ALL) * 0.1 for operation in "+-*")


def test_the_task_is_loaded_without_data_or_hub():
    loaded = list(load_problems("arithmetic", "validation", data_dir=None, limit=3))
    assert [problem.id for problem in loaded] == [f"arithmetic-validation-{i}" for i in range(3)]


def test_an_unknown_split_names_the_known():
    with pytest.raises(DataProblem, match="no split 'dev'; it has train, validation, test"):
        load_problems("arithmetic", "dev", data_dir=None, limit=0)
