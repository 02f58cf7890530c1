"""What one side of a comparison has answered: a subject of the run with all its seeds, or files of predictions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from magdi_cli.core.errors import DataProblem, UnknownName
from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.records import read_records
from magdi_cli.evaluate.evaluated import PREDICTIONS
from magdi_cli.evaluate.results import evaluations_folder, predicted_folders, subject_and_task

_SEED = re.compile(r"--seed-[0-9]+\Z")
"""How a further seed of a student is told apart from the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The verdict on one problem."""

    asked: tuple[str, tuple[str, ...], str]
    """Question, choices and gold answer: what makes it the same problem elsewhere."""
    correct: bool


Seed = Mapping[str, Mapping[str, Judged]]
"""Verdicts by problem, by task."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of two that are compared."""

    name: str
    seeds: tuple[Seed, ...]

    @property
    def tasks(self) -> list[str]:
        """The tasks that at least one seed has answered."""
        return list(dict.fromkeys(task for seed in self.seeds for task in seed))

    def on(self, task: str) -> Sequence[Mapping[str, Judged]]:
        """The verdicts of each seed that has answered the task."""
        return [seed[task] for seed in self.seeds if task in seed]


def read_side(text: str, run_dir: Path) -> Side:
    """The side that a word on the command line stands for."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    seeds = [seed for name in names for seed in _seeds(name, run_dir)]
    return Side(name=_side_name(names), seeds=tuple(seeds))


def _side_name(names: Sequence[str]) -> str:
    """What to call it: a file of predictions goes by its folder's name."""
    paths = [Path(name) for name in names]
    return ", ".join(path.parent.name if path.name == PREDICTIONS else path.name for path in paths)


def _seeds(name: str, run_dir: Path) -> list[Seed]:
    path = Path(name)
    if path.is_file():
        return [_verdicts([path])]
    if (path / PREDICTIONS).is_file():
        return [_verdicts([path / PREDICTIONS])]
    return _seeds_of_run(name, run_dir)


def _seeds_of_run(name: str, run_dir: Path) -> list[Seed]:
    """The seeds of a subject of the run, each with all its tasks."""
    root = evaluations_folder(run_dir)
    files: dict[str, list[Path]] = {}
    for folder in predicted_folders(run_dir):
        files.setdefault(subject_and_task(folder)[0], []).append(folder / PREDICTIONS)
    chosen = [subject for subject in files if subject == name or (_SEED.sub("", subject) == name)]
    if not chosen:
        if not files:
            raise DataProblem(f"no evaluation in {root}; run magdi evaluate first, or name a predictions.jsonl")
        raise UnknownName(f"evaluation in {root}", name, files)
    return [_verdicts(files[subject]) for subject in chosen]


def _verdicts(paths: Sequence[Path]) -> Seed:
    found: dict[str, dict[str, Judged]] = {}
    for path in paths:
        for prediction in read_records(path, Prediction):
            problem = prediction.problem
            asked = (problem.question, problem.choices, problem.gold)
            found.setdefault(problem.task, {})[problem.id] = Judged(asked=asked, correct=prediction.correct)
    if not found:
        raise DataProblem(f"{', '.join(map(str, paths))} holds no predictions")
    return found
