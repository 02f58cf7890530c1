"""One training step up to its gradients: every batch encoded, judged by the objectives, differentiated, let go.

The graphs of a step may be spread over several processes; every mean is over all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from magdi_cli.core.errors import DataProblem
from magdi_cli.distill.encoding.batches import Batch
from magdi_cli.distill.student.objectives import Objective, Term, weighted_sum
from magdi_cli.distill.student.student import Judged
from magdi_cli.distill.training.ranks import ALONE, Ranks


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


class NotFinite(DataProblem):
    """A loss or a gradient that is no number, and the problems that it is of."""

    def __init__(self, what: str, values: Mapping[str, Tensor], problem_ids: Sequence[str]) -> None:
        self.problem_ids = tuple(problem_ids)
        told = ", ".join(f"{name} {value.item():.3g}" for name, value in values.items())
        where, these = ("problem", "this graph") if len(problem_ids) == 1 else ("problems", "these graphs")
        super().__init__(
            f"the {what} is not finite ({told}) on {where} {', '.join(problem_ids)}; "
            f"lower --learning-rate, take --dtype fp32, or look at {these}"
        )


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
    tally = torch.zeros(len(objectives), 4, dtype=torch.float64)
    for turn in _turns(batches, objectives, ranks, idle=idle):
        with nullcontext() if turn.last else ranks.apart(student):
            judged: Judged = student(turn.batch, objectives)
            tally += _judge(judged, turn, weights, ranks)
    return _measured(tally, [] if idle else batches, objectives, weights, ranks)


@torch.no_grad()
def measure(
    student: nn.Module,
    batches: Sequence[Batch],
    objectives: Mapping[str, Objective],
    weights: Mapping[str, float],
    ranks: Ranks = ALONE,
    *,
    idle: bool = False,
) -> Measured:
    """The same figures without any gradient; dropout is as the student's mode has it."""
    tally = torch.zeros(len(objectives), 4, dtype=torch.float64)
    for turn in _turns(batches, objectives, ranks, idle=idle):
        judged: Judged = student(turn.batch, objectives)
        _require_finite(weighted_sum(judged.terms, weights), judged.terms, turn.batch)
        tally += _tallied(judged.terms, turn.shares, dict.fromkeys(objectives, 0.0))
    return _measured(tally, [] if idle else batches, objectives, weights, ranks)


def culprit(
    fault: NotFinite,
    student: nn.Module,
    graphs: Sequence[Sequence[Batch]],
    objectives: Mapping[str, Objective],
    weights: Mapping[str, float],
) -> NotFinite:
    """The fault of the one graph that has it alone; the fault as it was where that is none or several."""
    if len(fault.problem_ids) == 1:
        return fault
    faults = []
    for batches in graphs:
        try:
            measure(student, batches, objectives, weights)
        except NotFinite as alone:
            faults.append(alone)
    return faults[0] if len(faults) == 1 else fault


@dataclass(frozen=True, kw_only=True, slots=True)
class _Turn:
    """A batch, and what each objective's mean over it counts in the mean over all batches."""

    batch: Batch
    shares: Mapping[str, float]
    last: bool


def _turns(
    batches: Sequence[Batch], objectives: Mapping[str, Objective], ranks: Ranks, *, idle: bool
) -> Iterator[_Turn]:
    """As many turns as the busiest process has batches."""
    own = [] if idle else list(batches)
    sizes = _sizes(own, objectives)
    shares = sizes / ranks.sum(sizes.sum(dim=0)).clamp(min=1)
    passes = ranks.most(len(own))
    for number in range(passes):
        batch = batches[min(number, len(batches) - 1)]
        share = shares[number] if number < len(own) else torch.zeros(len(objectives))
        yield _Turn(batch=batch, shares=dict(zip(objectives, share.tolist(), strict=True)), last=number == passes - 1)


def _sizes(batches: Sequence[Batch], objectives: Mapping[str, Objective]) -> Tensor:
    """How much each batch holds for each objective, `[B, K]`."""
    sizes = torch.zeros(len(batches), len(objectives), dtype=torch.long)
    for number, batch in enumerate(batches):
        sizes[number] = torch.tensor([objective.size(batch) for objective in objectives.values()])
    return sizes


def _judge(judged: Judged, turn: _Turn, weights: Mapping[str, float], ranks: Ranks) -> Tensor:
    """Differentiate a batch's part of the loss; its tally."""
    terms, shares = judged.terms, turn.shares
    # wrapped models average the gradients of their processes, where ours add up to one mean
    factors = {name: weights[name] * shares[name] * ranks.count for name in terms}
    total = weighted_sum(terms, factors)
    _require_finite(total, terms, turn.batch)
    norms = {name: shares[name] * _gradient_norm(term, judged.states) for name, term in terms.items()}
    ranks.backward(total)
    return _tallied(terms, shares, norms)


def _tallied(terms: Mapping[str, Term], shares: Mapping[str, float], norms: Mapping[str, float]) -> Tensor:
    """Each term's loss, squared gradient norm, right and judged, `[K, 4]`."""
    real = {name: share > 0 for name, share in shares.items()}
    return torch.tensor(
        [
            [shares[name] * term.loss.item(), norms[name] ** 2, term.right * real[name], term.judged * real[name]]
            for name, term in terms.items()
        ],
        dtype=torch.float64,
    )


def _encoded(batches: Sequence[Batch]) -> Tensor:
    """The batches' distinct texts and their tokens."""
    return torch.tensor([sum(batch.text_count for batch in batches), sum(batch.tokens for batch in batches)])


def _gradient_norm(term: Term, states: Sequence[Tensor]) -> float:
    """Norm of a term's gradient in the encoded texts; 0 where it does not depend on them."""
    if not term.loss.requires_grad:
        return 0.0
    gradients = torch.autograd.grad(term.loss, states, retain_graph=True, allow_unused=True)
    squares = [g.float().pow(2).sum() for g in gradients if g is not None]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


def _require_finite(total: Tensor, terms: Mapping[str, Term], batch: Batch) -> None:
    if not torch.isfinite(total):
        raise NotFinite("loss", {name: term.loss for name, term in terms.items()}, batch.problem_ids)


def _measured(
    tally: Tensor,
    batches: Sequence[Batch],
    objectives: Mapping[str, Objective],
    weights: Mapping[str, float],
    ranks: Ranks,
) -> Measured:
    """What this process's tally comes to with those of the others; only objectives with anything to read count."""
    sizes = ranks.sum(_sizes(batches, objectives).sum(dim=0)).tolist()
    all_rows = zip(objectives, ranks.sum(tally).tolist(), sizes, strict=True)
    rows = {name: row for name, row, size in all_rows if size}
    texts, tokens = ranks.sum(_encoded(batches)).tolist()
    return Measured(
        loss=sum(weights[name] * loss for name, (loss, *_) in rows.items()),
        terms={name: loss for name, (loss, *_) in rows.items()},
        term_gradient_norms={name: square**0.5 for name, (_, square, *_) in rows.items()},
        accuracy={name: right / judged for name, (*_, right, judged) in rows.items() if judged},
        texts=texts,
        tokens=tokens,
    )
