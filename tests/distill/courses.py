"""Whole trainings of the tiny student, for the tests of this folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.level import LEVELS
from magdi_cli.distill.encoding.batches import Item, tokenize
from magdi_cli.distill.encoding.material import HeldOut
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.lessons.metrics import Metric, Step, Validation, read_metrics, steps_of, validations_of
from magdi_cli.distill.lessons.schedule import Schedule, planned, shuffled
from magdi_cli.distill.student.loading import load_student
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.course import Course
from magdi_cli.distill.training.training import train
from magdi_cli.engines.weights import resolve_model
from tests.distill.conftest import LAYOUT
from tests.distill.graphs import graph

WEIGHTS = {"next-token": 1.0, "margin": 0.1, "node": 1.0}


class Killed(Exception):
    """What stands for a kill in these tests."""


def items_of(tokenizer: Any, numbers: Sequence[int], verdicts: Sequence[str] = ("-+-", "++-")) -> list[Item]:
    """An item for each number, of a node for each verdict."""
    examples = [example_from(graph(verdicts, number=n), LEVELS["graph"], teacher=None) for n in numbers]
    return [tokenize(example, tokenizer) for example in examples if example]


def held_out_of(tokenizer: Any, numbers: Sequence[int], *, answers: bool = False) -> HeldOut:
    """Graphs to validate on."""
    items = items_of(tokenizer, numbers)
    problems = tuple(item.example.problem for item in items) if answers else ()
    return HeldOut(items=tuple(items), problems=problems, tokenizer=tokenizer)


def course(
    folder: Path,
    items: Sequence[Item],
    step_done: Callable[[Step], None] = lambda step: None,
    validated: Callable[[Validation], None] = lambda validation: None,
    weights: Mapping[str, float] = MappingProxyType(WEIGHTS),
    **also: Any,
) -> Course:
    """A course whose schedule comes with the config."""
    return Course(
        items=items,
        weights=weights,
        checkpoints=folder / "checkpoints",
        metrics=folder / "metrics.jsonl",
        layout=LAYOUT,
        schedule=Schedule(steps=(), epochs=()),
        step_done=step_done,
        validated=validated,
        **also,
    )


def trained(tiny: Path, taken: Course, dtype: torch.dtype = torch.float32, **settings: Any) -> Student:
    """The student that a course makes."""
    return trained_and_kept(tiny, taken, dtype, **settings)[0]


def trained_and_kept(
    tiny: Path, taken: Course, dtype: torch.dtype = torch.float32, **settings: Any
) -> tuple[Student, Validation | None]:
    """The same, and the validation of the step that it is of."""
    config = DistillConfig(**settings)
    torch.manual_seed(5)
    student = load_student(resolve_model(str(tiny)), config, dtype=dtype)
    outcome = train(student, on_schedule(taken, config), config, seed=5)
    return student, outcome.kept


def on_schedule(taken: Course, config: DistillConfig) -> Course:
    """The course with the steps that the config plans."""
    lengths = [item.length for item in taken.items]
    return replace(taken, schedule=planned(lengths, shuffled(len(lengths), config.seed), config))


def steps(folder: Path) -> list[Step]:
    """The steps that a course wrote down."""
    return steps_of(read_metrics(folder / "metrics.jsonl"))


def validations(folder: Path) -> list[Validation]:
    """The validations that a course wrote down."""
    return validations_of(read_metrics(folder / "metrics.jsonl"))


def weights(student: Student) -> dict[str, Tensor]:
    """What training changed."""
    return {name: parameter.detach() for name, parameter in student.trainable().items()}


def same_weights(one: Student, other: Student) -> bool:
    """Whether two students are equal to the bit."""
    theirs = weights(other)
    return all(torch.equal(theirs[name], value) for name, value in weights(one).items())


def without_time(taken: Sequence[Metric]) -> list[Metric]:
    """Lines of metrics, as if they had taken no time."""
    return [replace(metric, seconds=0.0) for metric in taken]


def killed_after(last: int) -> Callable[[Step], None]:
    """A kill in the step after the last."""

    def step_done(step: Step) -> None:
        if step.step > last:
            raise Killed

    return step_done
