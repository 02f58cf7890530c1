"""The training loop: transformers' Trainer, told what one step is and what a checkpoint holds."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.launcher import is_main_process
from magdi_cli.core.records import encode, read_records, repair_tail, write_records
from magdi_cli.distill.batches import Batch, Item, Layout, batches_of, longest_first
from magdi_cli.distill.metrics import Step
from magdi_cli.distill.objectives import objectives
from magdi_cli.distill.ranks import Together, fill, whole
from magdi_cli.distill.schedule import Schedule
from magdi_cli.distill.step import accumulate_gradients
from magdi_cli.distill.student import ADAPTER, Student

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
        "save_steps": CHECKPOINT_EVERY,
        "save_total_limit": 1,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
    }
)
"""What no option changes."""
STATE = "trainer_state.json"
TRAINABLE = "trainable.safetensors"


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


def train(student: Student, course: Course, config: DistillConfig, *, seed: int) -> dict[str, Tensor]:
    """Train the student in place, from the newest checkpoint of the course if it has one; what it has learned.

    The main process gets it whole, wherever its parts are.
    """
    checkpoint = newest_checkpoint(course.checkpoints)
    if is_main_process():
        for step in _steps_until(course.metrics, checkpoint):
            course.step_done(step)
    trainer = DistillTrainer(student, course, _arguments(config, course, seed), margin=config.margin)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return trainer.learned(student)


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the most steps, of those that were written to the end."""
    complete = [path for path in folder.glob("checkpoint-*") if _step_of(path) is not None]
    return max(complete, key=lambda path: _step_of(path) or 0, default=None)


class Portion(TypedDict):
    """What one process reads in one step."""

    batches: tuple[Batch, ...]
    idle: bool
    """Whether the step has no graph for this process, so that its batches only keep the others company."""


class DistillTrainer(Trainer):  # type: ignore[misc]
    """A step reads some graphs; a checkpoint holds what training changes, never the base model."""

    def __init__(self, student: Student, course: Course, arguments: TrainingArguments, *, margin: float) -> None:
        super().__init__(model=student, args=arguments, train_dataset=course.items)
        # it prints to stdout, which belongs to the result
        self.remove_callback(PrinterCallback)
        self._course = course
        known = objectives(margin=margin)
        self._objectives = {name: known[name] for name in course.weights}
        student.train_only([head for objective in self._objectives.values() for head in objective.heads])
        self._started = time.perf_counter()

    def get_train_dataloader(self) -> DataLoader[Portion]:
        """This process's portion of every step of the schedule."""
        steps = self._course.schedule.steps
        return DataLoader(self._course.items, batch_sampler=steps, collate_fn=self._portion)  # type: ignore[arg-type]

    def _portion(self, step: Sequence[Item]) -> Portion:
        # the longest first, dealt out in turn, so that all processes have about the same to do
        dealt = longest_first(step)
        own = dealt[self.args.process_index :: self.args.world_size]
        return {"batches": batches_of(own or dealt[:1], self._course.layout), "idle": not own}

    def training_step(self, model: nn.Module, inputs: Portion, num_items_in_batch: Tensor | None = None) -> Tensor:
        """The loss of a step, its gradients added up batch by batch."""
        del num_items_in_batch
        self._started = time.perf_counter()
        model.train()
        self._measured = accumulate_gradients(
            model,
            [batch.to(self.args.device) for batch in inputs["batches"]],
            self._objectives,
            self._course.weights,
            Together(self.accelerator),
            idle=inputs["idle"],
        )
        return torch.tensor(self._measured.loss, device=self.args.device)

    def _clip_grad_norm(self, model: nn.Module) -> Tensor:
        """Clip the adapter and each head apart; the adapter's norm.

        Over one common norm the graph encoder, whose gradient is many times larger, would shrink
        the student's step: the released code's hidden coupling of its separate objectives.
        """
        limit = self.args.max_grad_norm
        parts = self.accelerator.unwrap_model(model).parts()
        norms = {part: clip_grad_norm_(named.values(), limit) for part, named in parts.items()}
        return whole(norms[ADAPTER])

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Write a step's line; the Trainer's summary at the end is no step."""
        del start_time
        if "grad_norm" not in logs or not is_main_process():
            return
        step = Step(
            step=self.state.global_step,
            epoch=self._course.schedule.epochs[self.state.global_step - 1],
            loss=self._measured.loss,
            terms=self._measured.terms,
            term_gradient_norms=self._measured.term_gradient_norms,
            accuracy=self._measured.accuracy,
            gradient_norm=logs["grad_norm"],
            learning_rate=logs["learning_rate"],
            texts=self._measured.texts,
            tokens=self._measured.tokens,
            seconds=time.perf_counter() - self._started,
        )
        with self._course.metrics.open("ab") as handle:
            handle.write(encode(step))
        self._course.step_done(step)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        trainable = self.model.trainable()
        # given where the parameters are spread over the processes
        values = {name: state_dict[name] for name in trainable} if state_dict else trainable
        save_file({name: value.detach().contiguous() for name, value in values.items()}, folder / TRAINABLE)

    def learned(self, student: Student) -> dict[str, Tensor]:
        """The values of what was trained; all processes must ask, and the main one is told."""
        state = self.accelerator.get_state_dict(self.model_wrapped)
        return {name: state[name] for name in student.trainable()} if is_main_process() else {}

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Student | None = None) -> None:
        student = model or self.model
        stored = load_file(Path(resume_from_checkpoint) / TRAINABLE)
        if {name: t.shape for name, t in stored.items()} != {name: p.shape for name, p in student.trainable().items()}:
            raise DataProblem(f"{resume_from_checkpoint} is of another student; start over with --resume never")
        for name, parameter in student.trainable().items():
            fill(parameter, stored[name])


def _arguments(config: DistillConfig, course: Course, seed: int) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(course.checkpoints),
        max_steps=len(course.schedule.steps),
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_ratio,
        seed=seed,
        data_seed=seed,
        use_cpu=not torch.cuda.is_available(),
        **FIXED,
    )
    # a graph stays with its rows: it cannot be scattered over several GPUs
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def _steps_until(metrics: Path, checkpoint: Path | None) -> list[Step]:
    """The steps that the checkpoint includes; the file is cut after them."""
    last = (_step_of(checkpoint) or 0) if checkpoint else 0
    repair_tail(metrics)
    steps = [step for step in read_records(metrics, Step) if step.step <= last] if metrics.exists() else []
    write_records(metrics, steps)
    return steps


def _step_of(checkpoint: Path) -> int | None:
    """How many steps a checkpoint includes; None if it was not written to the end."""
    try:
        # the Trainer writes this file last
        state = json.loads((checkpoint / STATE).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return int(state["global_step"])
