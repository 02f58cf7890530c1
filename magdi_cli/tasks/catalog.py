"""The tasks magdi knows: what kind of answer each has, and where the Hugging Face hub keeps its problems."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from magdi_cli.core.errors import UnknownName
from magdi_cli.core.problem import Problem
from magdi_cli.tasks import hub_rows
from magdi_cli.tasks.normalise import key, normalise
from magdi_cli.tasks.numbers import parse_number, plain_math

Kind = Literal["number", "choice", "yes-no", "latex"]
"""What an answer looks like; decides how it is read, compared and asked for."""

YES_NO: Mapping[str, str] = MappingProxyType({"yes": "yes", "true": "yes", "no": "no", "false": "no"})
"""Words for the two answers of a yes-no problem."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubDataset:
    """A dataset on the Hugging Face hub and how to read it."""

    name: str
    row: Callable[[Mapping[str, Any]], dict[str, Any]]
    """Turns a row of the hub into a row of a problem file."""
    splits: Mapping[str, str]
    """Our split names and the hub's; a split whose labels are hidden is not offered."""
    configs: tuple[str | None, ...] = (None,)
    """The configurations to read, one after the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A source of problems whose answers are all of one kind."""

    name: str
    kind: Kind
    hub: HubDataset | None = None
    """None for a task that is generated."""
    out_of_domain: bool = False
    """Whether MAGDi (arXiv 2402.01620) tests its students on the task without training on it."""


MATH_SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)
TRAIN_TEST = MappingProxyType({"train": "train", "test": "test"})
TRAIN_VALIDATION_TEST = MappingProxyType({"train": "train", "validation": "validation", "test": "test"})
HIDDEN_TEST = MappingProxyType({"train": "train", "test": "validation"})
"""The official test labels are hidden: everybody tests on the official validation rows."""

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task(
                name="gsm8k",
                kind="number",
                hub=HubDataset(name="openai/gsm8k", configs=("main",), splits=TRAIN_TEST, row=hub_rows.gsm8k),
            ),
            Task(
                name="math",
                kind="latex",
                hub=HubDataset(
                    name="EleutherAI/hendrycks_math", configs=MATH_SUBJECTS, splits=TRAIN_TEST, row=hub_rows.math
                ),
            ),
            Task(
                name="svamp",
                kind="number",
                hub=HubDataset(name="ChilleD/SVAMP", splits=TRAIN_TEST, row=hub_rows.svamp),
                out_of_domain=True,
            ),
            Task(
                name="strategyqa",
                kind="yes-no",
                hub=HubDataset(name="ChilleD/StrategyQA", splits=TRAIN_TEST, row=hub_rows.strategyqa),
            ),
            Task(
                name="commonsenseqa",
                kind="choice",
                hub=HubDataset(name="tau/commonsense_qa", splits=HIDDEN_TEST, row=hub_rows.commonsenseqa),
            ),
            Task(
                name="arc-challenge",
                kind="choice",
                hub=HubDataset(
                    name="allenai/ai2_arc",
                    configs=("ARC-Challenge",),
                    splits=TRAIN_VALIDATION_TEST,
                    row=hub_rows.arc_challenge,
                ),
            ),
            Task(
                name="boolq",
                kind="yes-no",
                hub=HubDataset(name="google/boolq", splits=HIDDEN_TEST, row=hub_rows.boolq),
                out_of_domain=True,
            ),
            Task(name="arithmetic", kind="number"),
        )
    }
)


def task_named(name: str) -> Task:
    """The task of that name, whatever its case; `UnknownName` with the nearest names otherwise."""
    task = TASKS.get(name.lower())
    if task is None:
        raise UnknownName("task", name, TASKS)
    return task


def is_out_of_domain(task: str, trained_on: Collection[str] | None) -> bool:
    """Whether a task is another than a subject has learned from; MAGDi's own split where that is not known."""
    if trained_on is not None:
        return task not in trained_on
    return task in TASKS and TASKS[task].out_of_domain


def kind_of(problem: Problem) -> Kind:
    """The kind of a problem's answer: its task's, or else what its choices and gold look like."""
    return kind_for(problem.task, problem.choices, problem.gold)


def kind_for(task: str, choices: Sequence[str], gold: str) -> Kind:
    """The kind of answer a row has; see `kind_of`."""
    if task in TASKS:
        return TASKS[task].kind
    if choices and not {key(choice) for choice in choices} <= YES_NO.keys():
        return "choice"
    if key(gold) in YES_NO:
        return "yes-no"
    return "number" if _is_number(gold) else "latex"


def _is_number(gold: str) -> bool:
    return parse_number(re.sub(r"[\s$]+\Z", "", plain_math(normalise(gold)).strip())) is not None
