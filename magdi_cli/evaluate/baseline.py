"""`--fail-regression OLD.json:DROP`: earlier evaluations, and which of them a new one is compared with."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.evaluation import Evaluation, Evaluations
from magdi_cli.core.records import decode
from magdi_cli.evaluate.drawn import Drawn, how_drawn
from magdi_cli.evaluate.evaluated import EVALUATION

OPTION = "--fail-regression"
FOLDERS = (EVALUATION, f"*/{EVALUATION}", f"evaluations/*/{EVALUATION}")
"""What a folder may hold: an evaluation, a run's evaluations, a whole run."""

Pair = tuple[str, str]
"""A subject and a task."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """An earlier evaluation."""

    evaluation: Evaluation
    folder: Path | None = None
    """Where it lies, if it lies in a folder of its own."""
    drawn: Drawn | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """Earlier evaluations, and how far a new accuracy may be below theirs."""

    name: str
    """The file or folder, as it was given."""
    drop: float
    earlier: tuple[Earlier, ...]

    def like(self, subject: str, task: str, now: Sequence[Pair]) -> Earlier | None:
        """The earlier evaluation to compare a new one with; None where there is none.

        That is the one of the same subject. Where the baseline has one evaluation of the task alone, it serves
        for any subject, unless its own subject is among those evaluated `now`.
        """
        on_task = [one for one in self.earlier if one.evaluation.task == task and one.evaluation.n]
        for one in on_task:
            if one.evaluation.subject == subject:
                return one
        if len(on_task) == 1 and (on_task[0].evaluation.subject, task) not in now:
            return on_task[0]
        return None

    def check_comparable(self, now: Sequence[Pair]) -> None:
        """Refuse a baseline that says nothing about any of the new evaluations: the gate could never fail."""
        if not any(self.like(*pair, now) for pair in now):
            there = ", ".join(f"{one.evaluation.subject} on {one.evaluation.task}" for one in self.earlier)
            here = ", ".join(f"{subject} on {task}" for subject, task in now)
            raise DataProblem(
                f"{OPTION}: {self.name} holds {there}; there is nothing to compare {here or 'nothing'} with"
            )


def read_baseline(text: str | None) -> Baseline | None:
    """The baseline that `OLD.json:DROP` names; None where nothing is named."""
    if text is None:
        return None
    path, drop = _parts(text)
    earlier = tuple(_in_folder(path) if path.is_dir() else _in_file(path))
    if not earlier:
        raise DataProblem(f"{OPTION}: there is no evaluation in {path}")
    return Baseline(name=str(path), drop=drop, earlier=earlier)


def _parts(text: str) -> tuple[Path, float]:
    """Path and drop; the last colon parts them, and a path may hold further ones."""
    path, colon, drop = text.rpartition(":")
    only_whole = Path(text).exists() and not Path(path).exists()
    if not colon or only_whole or "/" in drop or drop.endswith(".json"):
        path, drop = text, ""
    if not path.strip():
        raise UsageProblem(f"{OPTION} {text!r} names no file; write OLD.json:DROP")
    return Path(path), _drop(text, drop.strip())


def _drop(text: str, drop: str) -> float:
    if drop.endswith("%"):
        raise UsageProblem(f"{OPTION} {text!r}: the drop is a share; write 0.01 instead of 1%")
    try:
        share = float(drop or 0)
    except ValueError:
        raise UsageProblem(f"{OPTION} {text!r}: {drop!r} is not a number; write OLD.json:DROP") from None
    if not isfinite(share) or not 0 <= share <= 1:
        raise UsageProblem(f"{OPTION} {text!r}: a drop is a share from 0 to 1, such as 0.01")
    return share


def _in_folder(folder: Path) -> Iterator[Earlier]:
    for pattern in FOLDERS:
        if paths := sorted(folder.glob(pattern)):
            for path in paths:
                yield from _in_file(path)
            return


def _in_file(path: Path) -> Iterator[Earlier]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataProblem(f"{OPTION}: cannot read {path}: {error.strerror}") from None
    folder = path.parent if path.name == EVALUATION else None
    drawn = how_drawn(folder) if folder else None
    for evaluation in _evaluations(content, str(path)):
        yield Earlier(evaluation=evaluation, folder=folder, drawn=drawn)


def _evaluations(content: bytes, where: str) -> tuple[Evaluation, ...]:
    document = _document(content, where)
    if document.get("schema") == "magdi.evaluation/1":
        return (decode(Evaluation, content, where),)
    if isinstance(document.get("magdi"), dict):  # the results of --lm-eval
        document = document["magdi"]
        content = json.dumps(document).encode()
    if document.get("schema") == "magdi.evaluations/1":
        return decode(Evaluations, content, where).evaluations
    raise DataProblem(
        f"{OPTION}: {where} is not an evaluation of magdi's; give an {EVALUATION}, the output of "
        "magdi evaluate --json, a results_*.json of --lm-eval, or a folder of evaluations"
    )


def _document(content: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise DataProblem(f"{OPTION}: {where} is not one JSON document: {error}") from None
    return document if isinstance(document, dict) else {}
