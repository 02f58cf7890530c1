"""`magdi distill`: interaction graphs in, a student out."""

import shutil
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import set_seed

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, EnvironmentProblem
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import read_records
from magdi_cli.core.seeds import seed_for
from magdi_cli.distill.ablations import joined
from magdi_cli.distill.batches import Item, Layout, shortened, tokenize
from magdi_cli.distill.card import Facts, model_card
from magdi_cli.distill.checks import sharing_for
from magdi_cli.distill.examples import active
from magdi_cli.distill.lesson import Lesson, prepare
from magdi_cli.distill.loading import device_for, dtype_for, load_student, load_tokenizer
from magdi_cli.distill.metrics import Step, final_losses
from magdi_cli.distill.saving import save_student
from magdi_cli.distill.schedule import planned, shuffled
from magdi_cli.distill.student import Student
from magdi_cli.distill.training import Course, newest_checkpoint, train

METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, kw_only=True, slots=True)
class DistillResult:
    """The student, and how it came to be."""

    schema: Literal["magdi.distill-result/1"] = "magdi.distill-result/1"
    folder: Path
    level: str
    base: str
    """The model that the adapter belongs to."""
    teachers: tuple[str, ...]
    objectives: Mapping[str, float]
    """The weights trained with."""
    counts: Mapping[str, int]
    """`steps`, `examples`, `nodes`, `correct_nodes`, `pairs`, `flips`; `dropped_nodes` (longer than `--max-length`)."""
    losses: Mapping[str, float]
    """Each objective's mean loss, and the total, over the last tenth of the steps."""
    tokens: int
    """Tokens encoded, all steps together."""
    seconds: float
    """Time spent in steps."""


def run(config: DistillConfig, report: Report) -> DistillResult:
    """Train `RUN/students/LEVEL`; where it is complete already, say so and return it."""
    lesson = prepare(config, report)
    artifact = Artifact(kind="student", path=config.run_dir / "students" / lesson.level.name)
    with artifact.begin(lesson.config, **lesson.facts) as state:
        if state == "complete":
            report.note(f"{artifact.path} is complete; delete it to train again")
        else:
            _make_student(lesson, artifact, report)
    return _result(lesson, artifact)


def _make_student(lesson: Lesson, artifact: Artifact, report: Report) -> None:
    checkpoints = artifact.path / CHECKPOINTS
    if lesson.config.resume == "never":
        shutil.rmtree(checkpoints, ignore_errors=True)
    tokenizer = load_tokenizer(lesson.model)
    items, dropped = _items(lesson, tokenizer, report)
    with _enough_memory():
        student = _trained(lesson, items, tokenizer, artifact.path, report)
    steps = list(read_records(artifact.path / METRICS, Step))
    counts = _counts(items, steps) | {"dropped_nodes": dropped}
    facts = Facts(
        base=lesson.model.hub_id,
        teachers=lesson.teachers,
        tasks=lesson.tasks,
        counts=counts,
        losses=final_losses(steps),
    )
    save_student(student, tokenizer, model_card(facts, lesson.level, lesson.config), artifact.path)
    artifact.complete(lesson.config, inputs=lesson.sources, counts=counts, **lesson.facts)
    shutil.rmtree(checkpoints)


def _items(lesson: Lesson, tokenizer: Any, report: Report) -> tuple[list[Item], int]:
    """The examples in tokens, and how many nodes were too long to be among them."""
    whole = [tokenize(example, tokenizer) for example in lesson.examples]
    longest, objectives = lesson.config.max_length, active(lesson.level)
    short = [shortened(item, max_length=longest, objectives=objectives) for item in whole]
    dropped = sum(len(item.prompt) + len(tokens) > longest for item in whole for tokens in item.completions)
    items = [replace(item, example=joined(item.example, lesson.config)) for item in short if item is not None]
    if not items:
        raise DataProblem(f"all {dropped} nodes are longer than --max-length {longest}; raise it")
    if dropped:
        report.warn(f"{dropped} nodes are longer than --max-length {longest} and were left out")
    return items, dropped


def _trained(lesson: Lesson, items: Sequence[Item], tokenizer: Any, folder: Path, report: Report) -> Student:
    config, device = lesson.config, device_for()
    seed = seed_for(config.seed, "distill") % 2**32
    plan = planned([item.length for item in items], shuffled(len(items), config.seed), config)
    total = len(plan.steps)
    # before the first weight is drawn
    set_seed(seed)
    student = load_student(lesson.model, config, dtype=dtype_for(device)).to(device)
    sharing = sharing_for(student, config.prompt_sharing, report)
    if checkpoint := newest_checkpoint(folder / CHECKPOINTS):
        report.note(f"continuing from {checkpoint.name} of {total} steps")
    losses: deque[float] = deque(maxlen=1)

    def step_done(step: Step) -> None:
        losses.append(step.loss)
        advance()

    def status() -> str:
        return f"loss {losses[-1]:.3f}" if losses else ""

    with report.progress(f"distill {lesson.level.name}", total, status) as advance:
        course = Course(
            items=items,
            schedule=plan,
            weights={name: lesson.level.objectives[name] for name in active(lesson.level)},
            checkpoints=folder / CHECKPOINTS,
            metrics=folder / METRICS,
            layout=Layout(pad_id=tokenizer.pad_token_id or 0, sharing=sharing),
            step_done=step_done,
        )
        train(student, course, config, seed=seed)
    return student


@contextmanager
def _enough_memory() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        first_line = str(error).partition("\n")[0]
        raise EnvironmentProblem(
            f"out of memory ({first_line}); lower --batch-size or --max-length, or take a smaller --student"
        ) from None


def _counts(items: Sequence[Item], steps: Sequence[Step]) -> dict[str, int]:
    examples = [item.example for item in items]
    return {
        "steps": len(steps),
        "examples": len(examples),
        "nodes": sum(len(example.texts) for example in examples),
        "correct_nodes": sum(sum(example.correct) for example in examples),
        "pairs": sum(len(example.pairs) for example in examples),
        "flips": sum(len(example.flips) for example in examples),
    }


def _result(lesson: Lesson, artifact: Artifact) -> DistillResult:
    """Read back from what is on disk, so that a finished run tells the same as the one that finished it."""
    manifest = artifact.manifest() or {}
    steps = list(read_records(artifact.path / METRICS, Step))
    return DistillResult(
        folder=artifact.path,
        level=lesson.level.name,
        base=lesson.model.hub_id,
        teachers=lesson.teachers,
        objectives=dict(lesson.level.objectives),
        counts=manifest["counts"],
        losses=final_losses(steps),
        tokens=sum(step.tokens for step in steps),
        seconds=sum(step.seconds for step in steps),
    )
