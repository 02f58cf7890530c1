"""One training step up to its gradients: every batch encoded, judged by the objectives, differentiated, let go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from magdi_cli.core.errors import DataProblem
from magdi_cli.distill.batches import Batch
from magdi_cli.distill.objectives import Objective, Term, shares, weighted_sum
from magdi_cli.distill.student import Student


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a step measured over all of its batches."""

    loss: float
    """The weighted sum of `terms`."""
    terms: Mapping[str, float]
    """Each objective's loss, before its weight."""
    accuracy: Mapping[str, float]
    """Share of pairs (`margin`) and of nodes (`node`) that the student gets right, where there are any."""
    rows: int
    tokens: int


def accumulate_gradients(
    student: Student,
    batches: Sequence[Batch],
    objectives: Mapping[str, Objective],
    weights: Mapping[str, float],
    backward: Callable[[Tensor], None],
) -> Measured:
    """Add up the gradients of a step's batches, as if they were one; a loss that is not finite is a `DataProblem`."""
    parts = shares(objectives, batches)
    seen: list[dict[str, Term]] = []
    for batch, share in zip(batches, parts, strict=True):
        outputs = student(batch)
        terms = {name: objective.term(outputs, batch) for name, objective in objectives.items()}
        total = weighted_sum(terms, {name: weights[name] * share[name] for name in terms})
        _require_finite(total, terms, batch)
        backward(total)
        seen.append({name: term.detached() for name, term in terms.items()})
    means = _means(seen, parts)
    return Measured(
        loss=sum(weights[name] * loss for name, loss in means.items()),
        terms=means,
        accuracy=_accuracy(seen),
        rows=sum(batch.row_count for batch in batches),
        tokens=sum(batch.tokens for batch in batches),
    )


def _require_finite(total: Tensor, terms: Mapping[str, Term], batch: Batch) -> None:
    if not torch.isfinite(total):
        losses = ", ".join(f"{name} {term.loss.item():.3g}" for name, term in terms.items())
        raise DataProblem(
            f"the loss is not finite ({losses}) on problems {', '.join(batch.problem_ids)}; "
            "lower --learning-rate, or look at these graphs"
        )


def _means(seen: Sequence[Mapping[str, Term]], parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each objective's mean loss over all batches."""
    pieces = list(zip(seen, parts, strict=True))
    return {name: sum(terms[name].loss.item() * share[name] for terms, share in pieces) for name in seen[0]}


def _accuracy(seen: Sequence[Mapping[str, Term]]) -> dict[str, float]:
    judged = {name: sum(terms[name].judged for terms in seen) for name in seen[0]}
    return {name: sum(terms[name].right for terms in seen) / count for name, count in judged.items() if count}
