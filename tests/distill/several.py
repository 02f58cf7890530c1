"""A training without chance, for one process or for each of several; run by the tests beside it."""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from accelerate import DistributedType, PartialState

from magdi_cli.cli.boundary import boundary
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.level import LEVELS
from magdi_cli.distill.encoding.batches import tokenize
from magdi_cli.distill.encoding.material import HeldOut
from magdi_cli.distill.lessons.examples import example_from
from magdi_cli.distill.lessons.schedule import planned, shuffled
from magdi_cli.distill.student.loading import load_student, load_tokenizer
from magdi_cli.distill.training.course import Course
from magdi_cli.distill.training.ranks import company
from magdi_cli.distill.training.training import train
from magdi_cli.engines.weights import resolve_model
from tests.distill.conftest import LAYOUT
from tests.distill.courses import items_of
from tests.distill.graphs import graph

VERDICTS = (["-++", "+-+"], ["-+"], ["++-", "-+-", "---"], ["+++"], ["--+"], ["+-", "-+"], ["-+-", "-++"])
"""Graphs of several sizes, one of them without a pair; the last step of an epoch has fewer than two processes."""
SETTINGS = DistillConfig(batch_size=3, epochs=2.0, lora_dropout=0.0, eval_every=3)
SHARDS = "ACCELERATE_USE_FSDP"
"""The variable by which accelerate spreads the student's parts."""


def trained(tiny: Path, folder: Path) -> None:
    """Leave metrics and checkpoints in the folder."""
    model = resolve_model(str(tiny))
    tokenizer = load_tokenizer(model)
    examples = [example_from(graph(v, number=n), LEVELS["graph"], teacher=None) for n, v in enumerate(VERDICTS, 1)]
    items = [tokenize(example, tokenizer) for example in examples if example]
    # three, so that two processes have not the same to do
    held_out = items_of(tokenizer, (11, 12, 13))
    problems = () if SHARDS in os.environ else tuple(item.example.problem for item in held_out)
    torch.manual_seed(5)
    student = load_student(model, SETTINGS, dtype=torch.float32)
    student.graph_encoder.dropout.p = 0.0
    lengths = [item.length for item in items]
    course = Course(
        items=items,
        weights={"next-token": 1.0, "margin": 0.1, "node": 1.0},
        checkpoints=folder / "checkpoints",
        metrics=folder / "metrics.jsonl",
        layout=LAYOUT,
        schedule=planned(lengths, shuffled(len(lengths), 0), SETTINGS),
        step_done=lambda step: None,
        validated=lambda validation: None,
        held_out=HeldOut(items=tuple(held_out), problems=problems, tokenizer=tokenizer),
    )
    train(student, course, SETTINGS, seed=5)


def let_accelerate_shard() -> None:
    """Keep from accelerate that there is no GPU: it would not shard, though torch does so on CPUs, too."""
    start = PartialState.__init__

    def begin(self: PartialState, *arguments: Any, **options: Any) -> None:
        start(self, *arguments, **options)
        if self.distributed_type == DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_GPU

    PartialState.__init__ = begin


if __name__ == "__main__":
    if SHARDS in os.environ:
        let_accelerate_shard()
    torch.set_num_threads(1)
    with boundary(debug=True, resumable=False, one_of_several=True), company():
        trained(Path(sys.argv[1]), Path(sys.argv[2]))
