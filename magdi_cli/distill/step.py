"""One training step up to its gradients: every batch encoded, judged by the objectives, differentiated, let go.

The graphs of a step may be spread over several processes; every mean is over all of them.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from magdi_cli.core.errors import DataProblem
from magdi_cli.distill.batches import Batch
from magdi_cli.distill.objectives import Objective, Term, weighted_sum
from magdi_cli.distill.ranks import ALONE, Ranks, longest
from magdi_cli.distill.student import Judged


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a step measured over all of its batches, on all processes."""

    loss: float
    """The weighted sum of `terms`."""
    terms: Mapping[str, float]
    """Each objective's loss, before its weight, where the step's graphs hold anything for it."""
    term_gradient_norms: Mapping[str, float]
    """Norm of each term's gradient, before its weight, in the encoded texts: all that it tells the student."""
    accuracy: Mapping[str, float]
    """Share of pairs (`margin`), nodes (`node`) and flips (`flip`) that the student gets right, where there are any."""
    texts: int
    """Distinct texts encoded."""
    tokens: int


def accumulate_gradients(
    student: nn.Module,
    batches: Sequence[Batch],
    objectives: Mapping[str, Objective],
    weights: Mapping[str, float],
    ranks: Ranks = ALONE,
    *,
    idle: bool = False,
) -> Measured:
    """Add up the gradients of a step's batches, as if they were one; a loss that is not finite is a `DataProblem`.

    All processes take part in every pass, so one that has run out of batches repeats its last one without
    weight. An `idle` one, with no graph of its own in this step, gets any batch and gives none of them weight.
    """
    own = [] if idle else list(batches)
    sizes = torch.zeros(len(own), len(objectives), dtype=torch.long)
    for number, batch in enumerate(own):
        sizes[number] = torch.tensor([objective.size(batch) for objective in objectives.values()])
    totals = ranks.sum(sizes.sum(dim=0))
    shares = sizes / totals.clamp(min=1)
    passes = longest(ranks, len(own))
    tally = torch.zeros(len(objectives), 4, dtype=torch.float64)
    for number in range(passes):
        batch = batches[min(number, len(batches) - 1)]
        share = shares[number] if number < len(own) else torch.zeros(len(objectives))
        with ranks.apart(student) if number < passes - 1 else nullcontext():
            judged: Judged = student(batch, objectives)
            tally += _judge(judged, batch, dict(zip(objectives, share.tolist(), strict=True)), weights, ranks)
    encoded = torch.tensor([sum(batch.text_count for batch in own), sum(batch.tokens for batch in own)])
    rows = dict(zip(objectives, ranks.sum(tally).tolist(), strict=True))
    held = {name: rows[name] for name, total in zip(objectives, totals.tolist(), strict=True) if total}
    return _measured(held, ranks.sum(encoded), weights)


def _judge(
    judged: Judged, batch: Batch, shares: Mapping[str, float], weights: Mapping[str, float], ranks: Ranks
) -> Tensor:
    """Differentiate a batch's part of the loss; each term's loss, squared gradient norm, right and judged, `[K, 4]`."""
    terms = judged.terms
    # wrapped models average the gradients of their processes, where ours add up to one mean
    factors = {name: weights[name] * shares[name] * ranks.count for name in terms}
    total = weighted_sum(terms, factors)
    _require_finite(total, terms, batch)
    norms = {name: shares[name] * _gradient_norm(term, judged.states) for name, term in terms.items()}
    ranks.backward(total)
    real = {name: share > 0 for name, share in shares.items()}
    return torch.tensor(
        [
            [shares[name] * term.loss.item(), norms[name] ** 2, term.right * real[name], term.judged * real[name]]
            for name, term in terms.items()
        ],
        dtype=torch.float64,
    )


def _gradient_norm(term: Term, states: Sequence[Tensor]) -> float:
    """Norm of a term's gradient in the encoded texts; 0 where it does not depend on them."""
    if not term.loss.requires_grad:
        return 0.0
    gradients = torch.autograd.grad(term.loss, states, retain_graph=True, allow_unused=True)
    squares = [g.float().pow(2).sum() for g in gradients if g is not None]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


def _require_finite(total: Tensor, terms: Mapping[str, Term], batch: Batch) -> None:
    if not torch.isfinite(total):
        losses = ", ".join(f"{name} {term.loss.item():.3g}" for name, term in terms.items())
        raise DataProblem(
            f"the loss is not finite ({losses}) on problems {', '.join(batch.problem_ids)}; "
            "lower --learning-rate, or look at these graphs"
        )


def _measured(rows: Mapping[str, Sequence[float]], encoded: Tensor, weights: Mapping[str, float]) -> Measured:
    texts, tokens = encoded.tolist()
    return Measured(
        loss=sum(weights[name] * loss for name, (loss, *_) in rows.items()),
        terms={name: loss for name, (loss, *_) in rows.items()},
        term_gradient_norms={name: square**0.5 for name, (_, square, *_) in rows.items()},
        accuracy={name: right / judged for name, (*_, right, judged) in rows.items() if judged},
        texts=texts,
        tokens=tokens,
    )
