"""`magdi distill`: interaction graphs in, a student out."""

import gc
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from transformers import set_seed

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.launcher import is_main_process
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import sha256
from magdi_cli.core.seeds import seed_for
from magdi_cli.distill.encoding.batches import layout_of
from magdi_cli.distill.encoding.material import Material, read_material
from magdi_cli.distill.encoding.tokens import CachedTokenizer
from magdi_cli.distill.leaving.card import Facts, model_card
from magdi_cli.distill.leaving.comparison import ladder_result
from magdi_cli.distill.leaving.curve import CURVE, draw_curve, losses_of
from magdi_cli.distill.leaving.results import DistillResult, LadderResult
from magdi_cli.distill.leaving.saving import save_student
from magdi_cli.distill.lessons.examples import active
from magdi_cli.distill.lessons.ladder import is_ladder
from magdi_cli.distill.lessons.lesson import Lesson, prepare
from magdi_cli.distill.lessons.metrics import Validation, final_losses, read_metrics, steps_of, validations_of
from magdi_cli.distill.lessons.mixing import MixtureRow
from magdi_cli.distill.lessons.selection import best, in_words, measure_of
from magdi_cli.distill.lessons.tracker_names import tracker_names
from magdi_cli.distill.looking.gradient_check import GradientCheck
from magdi_cli.distill.looking.looking import look
from magdi_cli.distill.looking.rehearsal import Rehearsal
from magdi_cli.distill.student.checks import check_context, sharing_for
from magdi_cli.distill.student.loading import device_for, load_student, load_tokenizer, number_type
from magdi_cli.distill.student.student import Student
from magdi_cli.distill.training.checkpoints import newest_checkpoint, require_same_base
from magdi_cli.distill.training.course import Course, Outcome
from magdi_cli.distill.training.disk import enough_disk
from magdi_cli.distill.training.following import followed
from magdi_cli.distill.training.memory import Demand, demand_of, enough_memory
from magdi_cli.distill.training.ranks import company, wait_for_all
from magdi_cli.distill.training.trackers import made_trackers
from magdi_cli.distill.training.training import train
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
            with enough_disk(artifact.path):
                _make_student(lesson, artifact, tokenizer, report)
    return _result(lesson, artifact)


def _make_student(lesson: Lesson, artifact: Artifact, tokenizer: CachedTokenizer, report: Report) -> None:
    checkpoints = artifact.path / CHECKPOINTS
    if lesson.config.resume == "never" and is_main_process():
        shutil.rmtree(checkpoints, ignore_errors=True)
    wait_for_all()
    material = read_material(lesson, tokenizer, report)
    student, outcome = _trained(lesson, material, tokenizer.tokenizer, artifact.path, report)
    if is_main_process():
        kept, steps = outcome.kept, steps_of(read_metrics(artifact.path / METRICS))
        counts = {"steps": len(steps)} | material.counts
        card = _card(lesson, counts, kept, artifact.path, report)
        save_student(student, outcome.learned, tokenizer.tokenizer, card, artifact.path)
        told = {"mixture": [asdict(row) for row in material.mixture], "validation": asdict(kept) if kept else None}
        inputs = [*lesson.sources, *_base_weights(lesson)]
        artifact.complete(lesson.config, told, inputs=inputs, counts=counts, **lesson.facts)
        shutil.rmtree(checkpoints)
    wait_for_all()


def _trained(
    lesson: Lesson, material: Material, tokenizer: Any, folder: Path, report: Report
) -> tuple[Student, Outcome]:
    """The student, and what its training came to."""
    config, device, items = lesson.config, device_for(), material.items
    seed = seed_for(config.seed, "distill") % 2**32
    plan = material.plan(config)
    dtype, why = number_type(device, config.dtype)
    report.note(f"computing in {str(dtype).removeprefix('torch.')}: {why}")
    # before the first weight is drawn
    set_seed(seed)
    with enough_memory(config, Demand(dtype=dtype)):
        student = load_student(lesson.model, config, dtype=dtype).to(device)
    check_context(student, material.longest)
    sharing = sharing_for(student, config.prompt_sharing, report, longest=material.longest)
    if checkpoint := newest_checkpoint(folder / CHECKPOINTS):
        report.note(f"continuing from {checkpoint.name} of {len(plan.steps)} steps")
    measure = measure_of(config, validated=material.held_out is not None)
    if is_main_process():
        require_same_base(folder / CHECKPOINTS, _base_weights(lesson))
    with (
        followed(f"distill {lesson.rung.name}", plan, report) as (step_done, validated),
        enough_memory(config, demand_of(student, config, items, plan, sharing)),
    ):
        course = Course(
            items=items,
            schedule=plan,
            weights={name: lesson.level.objectives[name] for name in active(lesson.level)},
            checkpoints=folder / CHECKPOINTS,
            metrics=folder / METRICS,
            layout=layout_of(tokenizer, sharing, config),
            step_done=step_done,
            validated=validated,
            held_out=material.held_out,
            measure=measure,
            trackers=made_trackers(tracker_names(config.report_to), folder, report.warn),
        )
        outcome = train(student, course, config, seed=seed)
    if outcome.kept:
        report.note(in_words(validations_of(read_metrics(folder / METRICS)), measure, len(plan.steps)))
    return student, outcome


def _base_weights(lesson: Lesson) -> tuple[Path, ...]:
    """The files of the base, which is an input, too: the adapter fits no other weights."""
    # resolved anew: what is loaded from the hub is on this machine by now
    return weight_files(resolve_model(lesson.config.student))


def _card(lesson: Lesson, counts: Mapping[str, int], kept: Validation | None, folder: Path, report: Report) -> str:
    """The text of the model card; the loss curve that it shows is drawn into the folder."""
    curve, metrics = folder / CURVE, read_metrics(folder / METRICS)
    steps, title = steps_of(metrics), f"{lesson.rung.name} student"
    draw_curve(steps, curve, report, title=title, validation=losses_of(validations_of(metrics)))
    facts = Facts(
        name=lesson.rung.name,
        base=lesson.model.hub_id,
        teachers=lesson.teachers,
        tasks=Counter(graph.problem.task for graph in lesson.corpus.graphs),
        sources={str(path): sha256(path) for path in lesson.sources if path.is_file()},
        counts=counts,
        losses=final_losses(steps),
        validation=kept,
    )
    return model_card(facts, lesson.level, lesson.config, curve=curve.exists())


def _result(lesson: Lesson, artifact: Artifact) -> DistillResult:
    """Read back from what is on disk, so that a finished run tells the same as the one that finished it."""
    manifest = artifact.manifest() or {}
    metrics = read_metrics(artifact.path / METRICS)
    steps = steps_of(metrics)
    measure = measure_of(lesson.config, validated=bool(lesson.corpus.held_out))
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
        validation=best(validations_of(metrics), measure),
        tokens=sum(step.tokens for step in steps),
        seconds=sum(step.seconds for step in steps),
    )
