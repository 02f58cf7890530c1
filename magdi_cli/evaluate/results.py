"""Evaluations on disk: where they lie, and how they are read and written."""

from pathlib import Path

from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.records import decode, write_records
from magdi_cli.evaluate.evaluated import EVALUATION


def evaluations_folder(run_dir: Path) -> Path:
    """Where a run's evaluations lie."""
    return run_dir / "evaluations"


def evaluation_folder(run_dir: Path, subject: str, task: str) -> Path:
    """Where the evaluation of a subject on a task lies."""
    return evaluations_folder(run_dir) / f"{subject}--{task}"


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Put `evaluation.json` in place."""
    write_records(folder / EVALUATION, [evaluation])


def stored_evaluation(folder: Path) -> Evaluation | None:
    """The `evaluation.json` of a folder; None where there is none."""
    path = folder / EVALUATION
    return decode(Evaluation, path.read_bytes(), str(path)) if path.exists() else None
