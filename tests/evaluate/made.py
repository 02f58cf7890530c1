"""Evaluations on disk, as `magdi evaluate` leaves them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from magdi_cli.core.evaluation import Evaluation, Prediction, Sample
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import write_records
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.usage import Usage
from magdi_cli.evaluate.evaluated import EVALUATION, PREDICTIONS, Evaluated
from tests.strategies import problem


def evaluation(correct: int = 1, n: int = 3, subject: str = "graph", task: str = "toy", **changes: Any) -> Evaluation:
    """An evaluation of one sample a problem."""
    share = correct / n if n else 0.0
    facts: dict[str, Any] = {
        "split": "test",
        "unanswered": 0,
        "interval": wilson_interval(correct, n),
        "self_consistency": 1,
        "sample_accuracy": share,
        "pass_at_k": share,
        "vote_entropy": 0.0,
        "tokens_per_question": 5.0,
        "usage": Usage(calls=n, completion_tokens=5 * n, seconds=0.5 * n),
        "seed": 0,
        "engine": "vllm",
    }
    return Evaluation(subject=subject, task=task, n=n, correct=correct, accuracy=share, **(facts | changes))


def prediction(answer: str | None = "4", *texts: str, id: str = "p1", of: Problem | None = None) -> Prediction:
    """An answer to a problem whose gold is 4, or its own; the texts are the samples that gave it."""
    asked = of or problem(id=id)
    given = None if answer is None else Answer(answer)
    return Prediction(
        problem=asked,
        samples=tuple(Sample(text=text, answer=given, completion_tokens=5) for text in texts or (f"It is {answer}.",)),
        answer=given,
        correct=given == asked.gold,
        usage=Usage(calls=1, completion_tokens=5, seconds=0.5),
    )


def stored(
    root: Path, predictions: Sequence[Prediction], subject: str = "graph", task: str = "toy", **changes: Any
) -> Evaluated:
    """The predictions and their evaluation in `root/SUBJECT--TASK`."""
    figures = evaluation(
        correct=sum(one.correct for one in predictions),
        n=len(predictions),
        subject=subject,
        task=task,
        **({"unanswered": sum(one.answer is None for one in predictions)} | changes),
    )
    folder = root / f"{subject}--{task}"
    write_records(folder / PREDICTIONS, predictions)
    write_records(folder / EVALUATION, [figures])
    return Evaluated(folder=folder, evaluation=figures)


def some(answers: Iterable[str | None] = ("4", "5", None)) -> list[Prediction]:
    """A prediction for each answer; gold is 4."""
    return [prediction(answer, id=f"p{i}") for i, answer in enumerate(answers)]
