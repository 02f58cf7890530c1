"""What one training step measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """Each objective's loss, before its weight."""
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
    """Each objective's mean loss over the last tenth of the steps, and the total as `loss`."""
    last = steps[-max(1, len(steps) // 10) :]
    names = list(dict.fromkeys(name for step in last for name in step.terms))
    means = {name: sum(step.terms[name] for step in last) / len(last) for name in names}
    return {"loss": sum(step.loss for step in last) / len(last)} | means
