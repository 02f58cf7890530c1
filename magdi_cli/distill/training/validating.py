"""What a student is worth on held-out graphs, measured without leaving a trace in its training."""

import time
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from magdi_cli.distill.encoding.batches import Batch
from magdi_cli.distill.encoding.material import HeldOut
from magdi_cli.distill.lessons.metrics import Validation
from magdi_cli.distill.student.objectives import Objective
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.answering import answered
from magdi_cli.distill.training.ranks import Ranks
from magdi_cli.distill.training.step import measure


def validated(
    model: nn.Module,
    student: Student,
    held_out: HeldOut,
    batches: Sequence[Batch],
    objectives: Mapping[str, Objective],
    weights: Mapping[str, float],
    ranks: Ranks,
    *,
    rank: int,
    step: int,
    idle: bool,
) -> Validation:
    """The held-out graphs' losses after a step, and the answers to the held-out problems.

    `model` is the student as it is trained, wrapped or not; `batches` are this process's.
    """
    started = time.perf_counter()
    model.eval()
    # what is drawn in here must not be missing in the next step
    with torch.random.fork_rng():
        measured = measure(model, batches, objectives, weights, ranks, idle=idle)
        answers = answered(student, held_out, ranks, rank) if held_out.problems else None
    return Validation(
        step=step,
        loss=measured.loss,
        terms=measured.terms,
        accuracy=measured.accuracy,
        answers=answers,
        seconds=time.perf_counter() - started,
    )
