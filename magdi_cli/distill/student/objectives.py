"""The objectives: what each reads of the student's outputs, and its loss.

Next-token, margin and node are MAGDi's (arXiv 2402.01620, section 1); flip is magdi's own, and off by default.

To add one: a function like these, a row in `objectives`, and rows in `examples.READS`,
`examples.NEEDS` and `core.level.OBJECTIVES`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from magdi_cli.distill.encoding.batches import Batch


class Outputs(Protocol):
    """What a student says about a batch; each part is computed when it is first read."""

    @property
    def token_losses(self) -> Tensor:
        """Negative log-likelihood of each target token, `[K]`."""

    @property
    def token_weights(self) -> Tensor:
        """How many target nodes each of these tokens belongs to, `[K]`."""

    @property
    def scores(self) -> Tensor:
        """How good each node looks to the student, -1 to 1, `[N]`."""

    @property
    def node_logits(self) -> Tensor:
        """Logits of "incorrect" and "correct" for each node, `[N, 2]`."""

    @property
    def flip_logits(self) -> Tensor:
        """Logits of "keep", "fix" and "break" for each flip, `[F, 3]`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One objective's loss on one batch, and how many of the batch's pairs, nodes or flips it gets right."""

    loss: Tensor
    right: int = 0
    judged: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """A loss that is a mean over something, how much of that something a batch holds, and the heads it needs."""

    term: Callable[[Outputs, Batch], Term]
    size: Callable[[Batch], int]
    heads: tuple[str, ...] = ()


def objectives(*, margin: float) -> Mapping[str, Objective]:
    """Every objective by name."""

    def contrast(outputs: Outputs, batch: Batch) -> Term:
        chosen, rejected = outputs.scores[batch.chosen], outputs.scores[batch.rejected]
        loss = margin_loss(chosen, rejected, batch.pair_graphs, margin=margin)
        return Term(loss=loss, right=int((chosen > rejected).sum()), judged=len(chosen))

    return {
        "next-token": Objective(term=_next_token, size=lambda batch: batch.target_tokens),
        "margin": Objective(term=contrast, size=lambda batch: batch.paired_graphs, heads=("score_head",)),
        "node": Objective(term=_node, size=lambda batch: len(batch.correct), heads=("graph_encoder",)),
        "flip": Objective(term=_flip, size=lambda batch: batch.flipped_graphs, heads=("graph_encoder", "flip_head")),
    }


def chosen_objectives(names: Iterable[str], *, margin: float) -> dict[str, Objective]:
    """These objectives, by name."""
    known = objectives(margin=margin)
    return {name: known[name] for name in names}


def weighted_sum(terms: Mapping[str, Term], weights: Mapping[str, float]) -> Tensor:
    """The total loss."""
    return torch.stack([weights[name] * term.loss for name, term in terms.items()]).sum()


def next_token_loss(token_losses: Tensor, weights: Tensor) -> Tensor:
    """The mean over target tokens; zero, still attached, when there are none."""
    return (token_losses * weights).sum() / weights.sum().clamp(min=1)


def margin_loss(chosen: Tensor, rejected: Tensor, graphs: Tensor, *, margin: float = 1.0) -> Tensor:
    """Mean hinge asking `chosen` to beat `rejected` by `margin`, by graph; `graphs` names each pair's."""
    return mean_by_graph(F.relu(margin - (chosen - rejected)), graphs)


def node_loss(logits: Tensor, correct: Tensor) -> Tensor:
    """Binary cross-entropy over two logits, the mean over nodes."""
    return F.cross_entropy(logits, correct.long())


def flip_loss(logits: Tensor, classes: Tensor, graphs: Tensor) -> Tensor:
    """Cross-entropy over the three classes, by graph; `graphs` names each flip's."""
    return mean_by_graph(F.cross_entropy(logits, classes, reduction="none"), graphs)


def flip_classes(earlier: Tensor, later: Tensor) -> Tensor:
    """0 where the later verdict is the earlier one (keep), 1 where wrong became right (fix), 2 where right wrong."""
    return (later & ~earlier).long() + 2 * (earlier & ~later).long()


def mean_by_graph(losses: Tensor, graphs: Tensor) -> Tensor:
    """The mean over each graph's losses, then over the graphs that have any; zero, still attached, for none.

    So a graph with many pairs or flips, which are those of one question, counts no more than one with few.
    """
    counts = torch.bincount(graphs)
    return (losses / counts[graphs]).sum() / (counts > 0).sum().clamp(min=1)


def _next_token(outputs: Outputs, batch: Batch) -> Term:
    del batch  # the outputs already hold only the batch's target tokens
    return Term(loss=next_token_loss(outputs.token_losses, outputs.token_weights))


def _node(outputs: Outputs, batch: Batch) -> Term:
    logits = outputs.node_logits
    right = logits.argmax(dim=1) == batch.correct.long()
    return Term(loss=node_loss(logits, batch.correct), right=int(right.sum()), judged=len(right))


def _flip(outputs: Outputs, batch: Batch) -> Term:
    logits = outputs.flip_logits
    classes = flip_classes(*batch.correct[batch.flips])
    right = logits.argmax(dim=1) == classes
    # processes that train together wait for every weight of a head, also for the layer that flips do not read
    attached = 0.0 * outputs.node_logits.sum()
    return Term(
        loss=flip_loss(logits, classes, batch.flip_graphs) + attached, right=int(right.sum()), judged=len(right)
    )
