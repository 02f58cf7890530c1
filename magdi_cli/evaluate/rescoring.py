"""Stored predictions judged again: texts read and answers verified anew, with no model."""

from collections.abc import Iterator
from pathlib import Path

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.flow import Emit
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import encode, read_records, write_records
from magdi_cli.engines.subject import subject_name
from magdi_cli.evaluate.asked import ALL, subjects_asked, tasks_named
from magdi_cli.evaluate.evaluated import PREDICTIONS, Evaluated
from magdi_cli.evaluate.metrics import Meter, predict, reread
from magdi_cli.evaluate.results import (
    evaluations_folder,
    predicted_folders,
    stored_evaluation,
    subject_and_task,
    write_evaluation,
)
from magdi_cli.evaluate.teams import DEBATES_ENGINE


def rescored(config: EvaluateConfig, report: Report, emit: Emit) -> list[Evaluated]:
    """The evaluations of stored predictions, judged anew.

    The predictions may come from another program: their file needs our schema, but no manifest.
    """
    done = []
    for folder in _stored(config):
        before = stored_evaluation(folder)
        if before is not None and before.engine == DEBATES_ENGINE:
            report.warn(f"{folder} is judged from the debates themselves: magdi evaluate --debates")
        else:
            done.append(_judged_again(folder, config, emit))
    if not done:
        raise DataProblem("nothing was judged again")
    return done


def _judged_again(folder: Path, config: EvaluateConfig, emit: Emit) -> Evaluated:
    subject, task = subject_and_task(folder)
    artifact = Artifact(kind="evaluation", path=folder)
    meter = Meter()
    with artifact.locked():
        write_records(folder / PREDICTIONS, _predictions(folder / PREDICTIONS, meter, emit))
        if not meter.n:
            raise DataProblem(f"{folder / PREDICTIONS} holds no predictions")
        before = stored_evaluation(folder)
        evaluation = meter.evaluation(
            subject=subject,
            task=task,
            split=before.split if before else config.split,
            seed=before.seed if before else config.seed,
            engine=before.engine if before else "unknown",
            out_of_domain=before.out_of_domain if before else False,
            start_seconds=before.start_seconds if before else None,
        )
        write_evaluation(folder, evaluation)
        if not artifact.refresh(counts=meter.counts()):
            artifact.complete(config, inputs=[], counts=meter.counts(), task_answered=task)
    return Evaluated(folder=folder, evaluation=evaluation)


def _predictions(path: Path, meter: Meter, emit: Emit) -> Iterator[Prediction]:
    for stored in read_records(path, Prediction):
        samples = [reread(sample, stored.problem) for sample in stored.samples]
        prediction = predict(stored.problem, samples, stored.usage)
        emit(encode(prediction))
        meter.add(prediction)
        yield prediction


def _stored(config: EvaluateConfig) -> list[Path]:
    """The folders of predictions that the config names: of the subjects, on the tasks."""
    stored = {folder: subject_and_task(folder) for folder in predicted_folders(config.run_dir)}
    tasks = tasks_named(config)
    if config.student == ALL:
        subjects = {subject for subject, _ in stored.values()}
    else:
        subjects = {subject_name(config.run_dir, name) for name in subjects_asked(config)}
    fitting = [
        folder for folder, (subject, task) in stored.items() if subject in subjects and (tasks is None or task in tasks)
    ]
    if not fitting:
        wanted = f"{' or '.join(sorted(subjects))}--{' or '.join(tasks) if tasks else 'TASK'}"
        there = ", ".join(folder.name for folder in stored) or "nothing"
        raise DataProblem(f"no {wanted}/{PREDICTIONS} in {evaluations_folder(config.run_dir)}; there is: {there}")
    return fitting
