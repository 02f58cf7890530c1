"""The training loop: transformers' Trainer, told what one step is and what a checkpoint holds."""

import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerControl

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import UsageProblem
from magdi_cli.core.launcher import is_main_process
from magdi_cli.core.records import encode
from magdi_cli.distill.encoding.batches import Batch, Item, batches_of, longest_first
from magdi_cli.distill.lessons.metrics import Metric, Step, Validation, read_metrics, validations_of
from magdi_cli.distill.lessons.selection import best, out_of_patience
from magdi_cli.distill.student.objectives import chosen_objectives
from magdi_cli.distill.student.student import ADAPTER, Student
from magdi_cli.distill.training.checkpoints import (
    checkpoint_at,
    cut_metrics,
    load_trainable,
    newest_checkpoint,
    save_trainable,
)
from magdi_cli.distill.training.course import Course, Outcome, training_arguments
from magdi_cli.distill.training.ranks import Together, wait_for_all, whole
from magdi_cli.distill.training.step import NotFinite, accumulate_gradients, culprit
from magdi_cli.distill.training.trackers import step_figures, validation_figures
from magdi_cli.distill.training.validating import validated


def train(student: Student, course: Course, config: DistillConfig, *, seed: int) -> Outcome:
    """Train the student in place, from the newest checkpoint of the course if it has one.

    Where there is validation, it ends as the student of the best step.
    """
    checkpoint = newest_checkpoint(course.checkpoints)
    metrics = _metrics_until(checkpoint, course)
    trainer = DistillTrainer(student, course, config, seed=seed, validations=validations_of(metrics))
    if checkpoint and trainer.is_out_of_patience:
        load_trainable(student, checkpoint)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    kept = best(trainer.validations, course.measure)
    if kept and kept != trainer.validations[-1]:
        load_trainable(student, checkpoint_at(course.checkpoints, kept.step))
    return Outcome(learned=trainer.learned(student), kept=kept)


def _metrics_until(checkpoint: Path | None, course: Course) -> list[Metric]:
    """The lines that the checkpoint includes, told once more."""
    if is_main_process():
        cut_metrics(course.metrics, checkpoint)
    wait_for_all()
    metrics = read_metrics(course.metrics)
    for metric in metrics:
        course.step_done(metric) if isinstance(metric, Step) else course.validated(metric)
    return metrics


class Portion(TypedDict):
    """What one process reads in one step."""

    items: Sequence[Item]
    batches: tuple[Batch, ...]
    idle: bool
    """Whether the step has no graph for this process, so that its batches only keep the others company."""


class DistillTrainer(Trainer):  # type: ignore[misc]
    """A step reads some graphs; a checkpoint holds what training changes, never the base model."""

    def __init__(
        self, student: Student, course: Course, config: DistillConfig, *, seed: int, validations: Sequence[Validation]
    ) -> None:
        held_out = course.held_out.items if course.held_out else None
        super().__init__(
            model=student,
            args=training_arguments(config, course, seed),
            train_dataset=course.items,
            eval_dataset=held_out,
            callbacks=list(course.trackers),
        )
        # it prints to stdout, which belongs to the result
        self.remove_callback(PrinterCallback)
        self._course, self._patience = course, config.patience
        self._objectives = chosen_objectives(course.weights, margin=config.margin)
        student.train_only([head for objective in self._objectives.values() for head in objective.heads])
        self._started = time.perf_counter()
        self._student = student
        self.validations = list(validations)
        if course.held_out and course.held_out.problems and self._is_sharded:
            raise UsageProblem(
                "--select accuracy asks each process for the whole student; take --accelerate-config ddp"
            )
        if student.backbone.dtype == torch.float16:
            # of accelerate's mixed precision only this is wanted: the student casts by itself
            self.accelerator.scaler = torch.amp.GradScaler(self.args.device.type)

    @property
    def _is_sharded(self) -> bool:
        """Whether one process alone cannot use the weights."""
        return bool(self.is_fsdp_enabled or self.is_deepspeed_enabled)

    @property
    def is_out_of_patience(self) -> bool:
        """Whether the last validations were all no better than an earlier one."""
        return out_of_patience(self.validations, self._course.measure, self._patience)

    def get_train_dataloader(self) -> DataLoader[Portion]:
        """This process's portion of every step of the schedule."""
        steps = self._course.schedule.steps
        return DataLoader(self._course.items, batch_sampler=steps, collate_fn=self._portion)  # type: ignore[arg-type]

    def _portion(self, step: Sequence[Item]) -> Portion:
        # the longest first, dealt out in turn, so that all processes have about the same to do
        dealt = longest_first(step)
        own = dealt[self.args.process_index :: self.args.world_size]
        return {"items": own, "batches": batches_of(own or dealt[:1], self._course.layout), "idle": not own}

    def training_step(self, model: nn.Module, inputs: Portion, num_items_in_batch: Tensor | None = None) -> Tensor:
        """The loss of a step, its gradients added up batch by batch."""
        del num_items_in_batch
        self._started = time.perf_counter()
        model.train()
        try:
            self._measured = accumulate_gradients(
                model,
                self._on_device(inputs["batches"]),
                self._objectives,
                self._course.weights,
                Together(self.accelerator),
                idle=inputs["idle"],
            )
        except NotFinite as fault:
            if self._is_sharded:
                raise
            self._student.eval()
            alone = (batches_of([item], self._course.layout) for item in inputs["items"])
            graphs = [self._on_device(batches) for batches in alone]
            raise culprit(fault, self._student, graphs, self._objectives, self._course.weights) from None
        self._reads = [item.example.problem.id for item in inputs["items"]]
        return torch.tensor(self._measured.loss, device=self.args.device)

    def _on_device(self, batches: Sequence[Batch]) -> list[Batch]:
        return [batch.to(self.args.device) for batch in batches]

    def evaluate(self, *ignored: Any, **also_ignored: Any) -> dict[str, float]:
        """Judge the student by the held-out graphs; the step is then also a checkpoint, or the last one."""
        del ignored, also_ignored
        held_out = self._course.held_out
        assert held_out is not None
        portion = self._portion(held_out.items)
        validation = validated(
            self.model_wrapped,
            self._student,
            held_out,
            self._on_device(portion["batches"]),
            self._objectives,
            self._course.weights,
            Together(self.accelerator),
            rank=self.args.process_index,
            step=self.state.global_step,
            idle=portion["idle"],
        )
        self.validations.append(validation)
        if is_main_process():
            self._write(validation)
            self._course.validated(validation)
            self._track(validation_figures(validation))
        self.control: TrainerControl = self.callback_handler.on_evaluate(self.args, self.state, self.control, {})
        self.control.should_save = True
        self.control.should_training_stop |= self.is_out_of_patience
        return {}

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Tell the Trainer which checkpoint not to delete."""
        del metrics, trial
        kept = best(self.validations, self._course.measure)
        self.state.best_global_step = kept.step if kept else None
        return bool(self.state.best_global_step == self.state.global_step)

    def _clip_grad_norm(self, model: nn.Module) -> Tensor:
        """Clip the adapter and each head apart; the adapter's norm.

        Over one common norm the graph encoder, whose gradient is many times larger, would shrink
        the student's step: the released code's hidden coupling of its separate objectives.
        """
        limit, scaler = self.args.max_grad_norm, self.accelerator.scaler
        if scaler is not None:
            scaler.unscale_(self.optimizer.optimizer)
        parts = self.accelerator.unwrap_model(model).parts()
        norms = {part: whole(clip_grad_norm_(named.values(), limit)) for part, named in parts.items()}
        if all(torch.isfinite(norm) for norm in norms.values()):
            return norms[ADAPTER]
        if scaler is None:
            raise NotFinite("gradient", norms, self._reads)
        # the scaler leaves out the whole step, and scales less
        return torch.tensor(torch.inf)

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
            gradient_norm=norm if isfinite(norm := logs["grad_norm"]) else None,
            learning_rate=logs["learning_rate"],
            texts=self._measured.texts,
            tokens=self._measured.tokens,
            seconds=time.perf_counter() - self._started,
        )
        self._write(step)
        self._course.step_done(step)
        self._track(step_figures(step))

    def _write(self, metric: Metric) -> None:
        with self._course.metrics.open("ab") as handle:
            handle.write(encode(metric))

    def _track(self, figures: dict[str, float]) -> None:
        self.control = self.callback_handler.on_log(self.args, self.state, self.control, figures)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Tensor] | None = None) -> None:
        # the state is given where the parameters are spread over the processes
        trainable = self.model.trainable()
        values = {name: state_dict[name] for name in trainable} if state_dict else trainable
        save_trainable(values, Path(output_dir or self.args.output_dir))

    def learned(self, student: Student) -> dict[str, Tensor]:
        """The values of what was trained; all processes must ask, and the main one is told."""
        state = self.accelerator.get_state_dict(self.model_wrapped)
        return {name: state[name] for name in student.trainable()} if is_main_process() else {}

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Student | None = None) -> None:
        load_trainable(model or self.model, Path(resume_from_checkpoint))
