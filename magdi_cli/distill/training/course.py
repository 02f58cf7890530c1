"""A training's course: what it reads and writes, the settings of the Trainer, and what it comes to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainingArguments

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.distill.encoding.batches import Item, Layout
from magdi_cli.distill.encoding.material import HeldOut
from magdi_cli.distill.lessons.metrics import Step, Validation
from magdi_cli.distill.lessons.schedule import Schedule
from magdi_cli.distill.lessons.selection import Measure

CHECKPOINT_EVERY = 0.05
"""Share of the steps between two checkpoints."""
FIXED: Mapping[str, Any] = MappingProxyType(
    {
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "logging_steps": 1,
        "log_level": "error",
        "disable_tqdm": True,
        "report_to": "none",
        "project": "magdi",
        "save_steps": CHECKPOINT_EVERY,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }
)
"""What no option changes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What to train on, towards what, and where it is written down."""

    items: Sequence[Item]
    schedule: Schedule
    """Which of the items each step reads."""
    weights: Mapping[str, float]
    """The active objectives' weights."""
    checkpoints: Path
    metrics: Path
    layout: Layout
    step_done: Callable[[Step], None]
    validated: Callable[[Validation], None]
    held_out: HeldOut | None = None
    measure: Measure = "last"
    """By what the step whose student is kept is chosen."""
    trackers: Sequence[TrainerCallback] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a training comes to."""

    learned: Mapping[str, Tensor]
    """The values of what was trained; the main process gets them whole, wherever their parts are."""
    kept: Validation | None
    """Of the step that the student is of; None without validation."""


def training_arguments(config: DistillConfig, course: Course, seed: int) -> TrainingArguments:
    """What the Trainer is told."""
    arguments = TrainingArguments(
        output_dir=str(course.checkpoints),
        max_steps=len(course.schedule.steps),
        learning_rate=config.learning_rate,
        # a first step at a rate of 0 is one step lost, which a training of a few steps cannot spare
        warmup_steps=int(config.warmup_ratio * len(course.schedule.steps)),
        seed=seed,
        data_seed=seed,
        use_cpu=not torch.cuda.is_available(),
        # the newest, and beside it the best
        save_total_limit=2 if course.held_out else 1,
        eval_strategy="steps" if course.held_out else "no",
        eval_steps=config.eval_every,
        run_name=str(course.metrics.parent),
        **FIXED,
    )
    # a graph stays with its rows: it cannot be scattered over several GPUs
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
