import subprocess
import sys

import pytest

from magdi_cli.core.errors import UnknownName
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.tasks.catalog import TASKS, kind_of, task_named

HEAVY = {"datasets", "math_verify", "sympy", "pyarrow", "torch", "transformers", "pydantic", "numpy"}


def test_the_promised_tasks_exist():
    promised = {"gsm8k", "math", "svamp", "strategyqa", "commonsenseqa", "arc-challenge", "boolq", "arithmetic"}
    assert set(TASKS) == promised


def test_a_task_is_found_whatever_its_case():
    assert task_named("GSM8K") is TASKS["gsm8k"]


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(UnknownName, match="no task named 'gsm8'; close: gsm8k"):
        task_named("gsm8")


@pytest.mark.parametrize(
    ("choices", "gold", "kind"),
    [
        ((), "18", "number"),
        ((), "$1,000", "number"),
        ((), "1/2", "number"),
        ((), "yes", "yes-no"),
        ((), "False", "yes-no"),
        (("True", "False"), "True", "yes-no"),
        (("yes", "no", "maybe"), "A", "choice"),
        (("3", "4"), "A", "choice"),
        ((), "2x + 1", "latex"),
        ((), "Paris", "latex"),
    ],
)
def test_the_kind_of_a_file_s_problem_follows_from_its_choices_and_gold(choices, gold, kind):
    assert kind_of(Problem(id="1", task="mine", question="?", choices=choices, gold=Answer(gold))) == kind


def test_importing_the_tasks_imports_nothing_heavy():
    program = "import sys, magdi_cli.tasks.loading, magdi_cli.tasks.prompts\nprint(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(modules)
