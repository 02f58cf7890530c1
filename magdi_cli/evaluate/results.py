"""Evaluations on disk: where they lie, how they are written, how stored predictions are judged again."""

from collections.abc import Iterator
from pathlib import Path

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.config import EvaluateConfig
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.evaluation import Evaluation, Prediction
from magdi_cli.core.flow import Emit
from magdi_cli.core.records import decode, encode, read_records, write_records
from magdi_cli.engines.subject import subject_name
from magdi_cli.evaluate.metrics import Meter, predict, read_sample

PREDICTIONS = "predictions.jsonl"
EVALUATION = "evaluation.json"


def evaluation_folder(config: EvaluateConfig, subject: str, task: str) -> Path:
    """Where the evaluation of a subject on a task lies."""
    return config.run_dir / "evaluations" / f"{subject}--{task}"


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Put `evaluation.json` in place."""
    write_records(folder / EVALUATION, [evaluation])


def rescore(config: EvaluateConfig, emit: Emit) -> Evaluation:
    """The evaluation of stored predictions, their texts read and judged anew; no model is asked.

    The predictions may come from another program: their file needs our schema, but no manifest.
    """
    folder = _stored(config)
    subject, _, task = folder.name.rpartition("--")
    meter = Meter()
    write_records(folder / PREDICTIONS, _judged_again(folder / PREDICTIONS, meter, emit))
    if not meter.n:
        raise DataProblem(f"{folder / PREDICTIONS} holds no predictions")
    before = _evaluation(folder)
    evaluation = meter.evaluation(
        subject=subject,
        task=task,
        split=before.split if before else config.split,
        seed=before.seed if before else config.seed,
        engine=before.engine if before else "unknown",
    )
    write_evaluation(folder, evaluation)
    artifact = Artifact(kind="evaluation", path=folder)
    if not artifact.refresh(counts=meter.counts()):
        artifact.complete(config, inputs=[], counts=meter.counts(), task_answered=task)
    return evaluation


def _judged_again(path: Path, meter: Meter, emit: Emit) -> Iterator[Prediction]:
    for stored in read_records(path, Prediction):
        samples = [read_sample(s.text, s.completion_tokens, stored.problem) for s in stored.samples]
        prediction = predict(stored.problem, samples, stored.usage)
        emit(encode(prediction))
        meter.add(prediction)
        yield prediction


def _stored(config: EvaluateConfig) -> Path:
    root = config.run_dir / "evaluations"
    names = sorted(path.parent.name for path in root.glob(f"*/{PREDICTIONS}"))
    subject = subject_name(config.run_dir, config.student)
    of_subject = [name for name in names if name.rpartition("--")[0] == subject]
    fitting = [name for name in of_subject if config.task in (None, name.rpartition("--")[2])]
    if len(fitting) == 1:
        return root / fitting[0]
    if fitting:
        raise UsageProblem(f"{subject} was evaluated on several tasks: {', '.join(fitting)}; give --task")
    wanted = f"{subject}--{config.task or 'TASK'}"
    raise DataProblem(f"no {wanted}/{PREDICTIONS} in {root}; there is: {', '.join(names) or 'nothing'}")


def _evaluation(folder: Path) -> Evaluation | None:
    path = folder / EVALUATION
    return decode(Evaluation, path.read_bytes(), str(path)) if path.exists() else None
