"""What one training step measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One line of `metrics.jsonl`."""

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
    gradient_norm: float
    """The adapter's, before clipping."""
    learning_rate: float
    texts: int
    """Distinct texts encoded."""
    tokens: int
    """Prompt and completion tokens encoded, a shared prompt counted once and padding not at all."""
    seconds: float


def final_losses(steps: Sequence[Step]) -> dict[str, float]:
    """Each objective's mean loss over the last tenth of the steps that have it, and likewise the total as `loss`."""
    names = dict.fromkeys(name for step in steps for name in step.terms)
    terms = {name: [step.terms[name] for step in steps if name in step.terms] for name in names}
    series = {"loss": [step.loss for step in steps]} | terms
    return {name: fmean(values[-max(1, len(values) // 10) :]) for name, values in series.items()}
