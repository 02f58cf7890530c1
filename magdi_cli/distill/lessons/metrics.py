"""What training measured: a line for every step, and one for every look at the validation graphs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import ClassVar, Literal

from magdi_cli.core.records import read_records


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A training step's line of `metrics.jsonl`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.step/1"] = "magdi.step/1"
    step: int
    """Counted from 1."""
    epoch: float
    loss: float
    """The weighted sum of `terms`."""
    terms: Mapping[str, float]
    """Each objective's loss, before its weight, where the step's graphs hold anything for it."""
    term_gradient_norms: Mapping[str, float]
    """Norm of each term's gradient in the encoded texts, before its weight: how hard it pulls at the student."""
    accuracy: Mapping[str, float]
    """Share of pairs (`margin`), nodes (`node`) and flips (`flip`) that the student gets right, where there are any."""
    gradient_norm: float | None
    """The adapter's, before clipping; None where float16 could not hold it and the step changed nothing."""
    learning_rate: float
    texts: int
    """Distinct texts encoded."""
    tokens: int
    """Prompt and completion tokens encoded, a shared prompt counted once and padding not at all."""
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """How many validation problems the student answers right, greedily."""

    n: int
    correct: int
    unanswered: int
    accuracy: float
    interval: tuple[float, float]
    """Wilson's, 95 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What the student is worth on graphs that it does not learn from: a line of `metrics.jsonl`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.validation/1"] = "magdi.validation/1"
    step: int
    """The training step after which it was measured."""
    loss: float
    """The weighted sum of `terms`."""
    terms: Mapping[str, float]
    accuracy: Mapping[str, float]
    answers: Answers | None
    """None where the student was not asked."""
    seconds: float


Metric = Step | Validation


def read_metrics(path: Path) -> list[Metric]:
    """The lines of a `metrics.jsonl`, in their order."""
    return list(read_records(path, Metric))  # type: ignore[arg-type]


def steps_of(metrics: Sequence[Metric]) -> list[Step]:
    """The training steps among them."""
    return [metric for metric in metrics if isinstance(metric, Step)]


def validations_of(metrics: Sequence[Metric]) -> list[Validation]:
    """The looks at the validation graphs among them."""
    return [metric for metric in metrics if isinstance(metric, Validation)]


def final_losses(steps: Sequence[Step]) -> dict[str, float]:
    """Each objective's mean loss over the last tenth of the steps that have it, and likewise the total as `loss`."""
    names = dict.fromkeys(name for step in steps for name in step.terms)
    terms = {name: [step.terms[name] for step in steps if name in step.terms] for name in names}
    series = {"loss": [step.loss for step in steps]} | terms
    return {name: fmean(values[-max(1, len(values) // 10) :]) for name, values in series.items()}
