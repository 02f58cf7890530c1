"""`magdi distill`: interaction graphs in, a student out."""

import gc
import shutil
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import set_seed

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.core.launcher import is_main_process
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import read_records, sha256
from magdi_cli.core.seeds import seed_for
from magdi_cli.distill.batches import Layout
from magdi_cli.distill.card import Facts, model_card
from magdi_cli.distill.checks import sharing_for
from magdi_cli.distill.comparison import ladder_result
from magdi_cli.distill.curve import CURVE, draw_curve
from magdi_cli.distill.examples import active
from magdi_cli.distill.gradient_check import GradientCheck
from magdi_cli.distill.ladder import is_ladder
from magdi_cli.distill.lesson import Lesson, prepare
from magdi_cli.distill.loading import device_for, dtype_for, load_student, load_tokenizer
from magdi_cli.distill.looking import look
from magdi_cli.distill.material import Material, read_material
from magdi_cli.distill.metrics import Step, final_losses
from magdi_cli.distill.mixing import MixtureRow
from magdi_cli.distill.ranks import company, wait_for_all
from magdi_cli.distill.rehearsal import Rehearsal
from magdi_cli.distill.results import DistillResult, LadderResult
from magdi_cli.distill.saving import save_student
from magdi_cli.distill.student import Student
from magdi_cli.distill.tokens import CachedTokenizer
from magdi_cli.distill.training import Course, newest_checkpoint, train
from magdi_cli.engines.weights import resolve_model, weight_files

METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"


def run(config: DistillConfig, report: Report) -> DistillResult | LadderResult | Rehearsal | GradientCheck:
    """Train `RUN/students/LEVEL`, or every rung of a ladder; where one is complete already, say so and return it.

    With `dry_run` or `check_gradients`, only look at what would be trained.
    """
    lessons = prepare(config, report)
    tokenizer = CachedTokenizer(partial(load_tokenizer, lessons[0].model))
    if not config.writes:
        with _enough_memory():
            return look(lessons, tokenizer, report)
    with company():
        return _students(lessons, tokenizer, report) if is_ladder(config) else _student(lessons[0], tokenizer, report)


def _students(lessons: Sequence[Lesson], tokenizer: CachedTokenizer, report: Report) -> LadderResult:
    students = []
    for place, lesson in enumerate(lessons, start=1):
        report.note(f"student {place} of {len(lessons)}: {lesson.rung.name}")
        students.append(_student(lesson, tokenizer, report))
        # a trained student is held together by circles; the next one needs its memory
        gc.collect()
    return ladder_result(students)


def _student(lesson: Lesson, tokenizer: CachedTokenizer, report: Report) -> DistillResult:
    artifact = lesson.artifact
    with artifact.begin(lesson.config, **lesson.facts) as state:
        if state == "complete":
            report.note(f"{artifact.path} is complete; delete it to train again")
        else:
            _make_student(lesson, artifact, tokenizer, report)
    return _result(lesson, artifact)


def _make_student(lesson: Lesson, artifact: Artifact, tokenizer: CachedTokenizer, report: Report) -> None:
    checkpoints = artifact.path / CHECKPOINTS
    if lesson.config.resume == "never" and is_main_process():
        shutil.rmtree(checkpoints, ignore_errors=True)
    wait_for_all()
    material = read_material(lesson, tokenizer, report)
    with _enough_memory():
        student, learned = _trained(lesson, material, tokenizer.tokenizer, artifact.path, report)
    if is_main_process():
        steps = list(read_records(artifact.path / METRICS, Step))
        counts = {"steps": len(steps)} | material.counts
        card = _card(lesson, counts, steps, artifact.path, report)
        save_student(student, learned, tokenizer.tokenizer, card, artifact.path)
        mixture = [asdict(row) for row in material.mixture]
        # the base is an input, too: the adapter fits no other weights
        inputs = [*lesson.sources, *weight_files(resolve_model(lesson.config.student))]
        artifact.complete(lesson.config, {"mixture": mixture}, inputs=inputs, counts=counts, **lesson.facts)
        shutil.rmtree(checkpoints)
    wait_for_all()


def _trained(
    lesson: Lesson, material: Material, tokenizer: Any, folder: Path, report: Report
) -> tuple[Student, Mapping[str, Tensor]]:
    """The student, and the values of what it has learned."""
    config, device, items = lesson.config, device_for(), material.items
    seed = seed_for(config.seed, "distill") % 2**32
    plan = material.plan(config)
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

    with report.progress(f"distill {lesson.rung.name}", total, status) as advance:
        course = Course(
            items=items,
            schedule=plan,
            weights={name: lesson.level.objectives[name] for name in active(lesson.level)},
            checkpoints=folder / CHECKPOINTS,
            metrics=folder / METRICS,
            layout=Layout(pad_id=tokenizer.pad_token_id or 0, sharing=sharing),
            step_done=step_done,
        )
        learned = train(student, course, config, seed=seed)
    return student, learned


def _card(lesson: Lesson, counts: Mapping[str, int], steps: Sequence[Step], folder: Path, report: Report) -> str:
    """The text of the model card; the loss curve that it shows is drawn into the folder."""
    curve = folder / CURVE
    draw_curve(steps, curve, report, title=f"{lesson.rung.name} student")
    facts = Facts(
        name=lesson.rung.name,
        base=lesson.model.hub_id,
        teachers=lesson.teachers,
        tasks=Counter(graph.problem.task for graph in lesson.corpus.graphs),
        sources={str(path): sha256(path) for path in lesson.sources if path.is_file()},
        counts=counts,
        losses=final_losses(steps),
    )
    return model_card(facts, lesson.level, lesson.config, curve=curve.exists())


@contextmanager
def _enough_memory() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        first_line = str(error).partition("\n")[0]
        raise EnvironmentProblem(
            f"out of memory ({first_line}); lower --batch-size or --max-length, or take a smaller --student"
        ) from None


def _result(lesson: Lesson, artifact: Artifact) -> DistillResult:
    """Read back from what is on disk, so that a finished run tells the same as the one that finished it."""
    manifest = artifact.manifest() or {}
    steps = list(read_records(artifact.path / METRICS, Step))
    return DistillResult(
        folder=artifact.path,
        level=lesson.level.name,
        seed=lesson.config.seed,
        base=lesson.model.hub_id,
        teachers=lesson.teachers,
        objectives=dict(lesson.level.objectives),
        mixture=tuple(MixtureRow(**row) for row in manifest["mixture"]),
        counts=manifest["counts"],
        losses=final_losses(steps),
        tokens=sum(step.tokens for step in steps),
        seconds=sum(step.seconds for step in steps),
    )
