"""Evaluations on disk: where they lie, and how they are read and written."""

from pathlib import Path

from magdi_cli.core.evaluation import Evaluation
from magdi_cli.core.records import decode, write_records
from magdi_cli.evaluate.evaluated import EVALUATION, PREDICTIONS


def evaluations_folder(run_dir: Path) -> Path:
    """Where a run's evaluations lie."""
    return run_dir / "evaluations"


def evaluation_folder(run_dir: Path, subject: str, task: str) -> Path:
    """Where the evaluation of a subject on a task lies."""
    return evaluations_folder(run_dir) / f"{subject}--{task}"


def subject_and_task(folder: Path) -> tuple[str, str]:
    """Whose evaluation, and on what, a folder holds by its name; a subject's may have dashes of its own."""
    subject, _, task = folder.name.rpartition("--")
    return subject, task


def predicted_folders(run_dir: Path) -> list[Path]:
    """The folders of a run's evaluations that hold predictions, by name."""
    return sorted(path.parent for path in evaluations_folder(run_dir).glob(f"*/{PREDICTIONS}"))


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Put `evaluation.json` in place."""
    write_records(folder / EVALUATION, [evaluation])


def stored_evaluation(folder: Path) -> Evaluation | None:
    """The `evaluation.json` of a folder; None where there is none."""
    path = folder / EVALUATION
    return decode(Evaluation, path.read_bytes(), str(path)) if path.exists() else None
