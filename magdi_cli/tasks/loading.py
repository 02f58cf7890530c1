"""Problems from a benchmark or from a user's file, all checked before the first is handed out."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from magdi_cli.core.errors import DataProblem, EnvironmentProblem, UsageProblem
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import STDIN, source_name
from magdi_cli.tasks import arithmetic
from magdi_cli.tasks.catalog import HubDataset, task_named
from magdi_cli.tasks.rows import BadRow, problem_from
from magdi_cli.tasks.sources import NumberedRow, collect, read_rows


def load_problems(task: str, split: str, *, data_dir: Path | None, limit: int) -> Iterator[Problem]:
    """The first `limit` problems of a task's split (0: all), from `data_dir` or else the Hugging Face hub."""
    known = task_named(task)
    if known.hub is None:
        return islice(arithmetic.problems(split), limit or None)
    if data_dir is not None:
        path = _split_file(data_dir, known.name, split)
        return _checked(read_rows(path), known.name, str(path), limit)
    rows = _hub_rows(known.hub, known.name, split)
    return _checked(rows, known.name, f"{known.hub.name} {split}", limit)


def load_file(path: Path, *, limit: int) -> Iterator[Problem]:
    """The first `limit` problems of a file (0: all); its stem is the task of rows that name none."""
    task = "stdin" if path == STDIN else path.stem
    return _checked(read_rows(path), task, source_name(path), limit)


def _checked(rows: Iterable[NumberedRow], task: str, source: str, limit: int) -> Iterator[Problem]:
    """The problems of the rows; one `DataProblem` names everything that is wrong with them."""
    if limit < 0:
        raise UsageProblem(f"a limit of {limit} problems; 0 means all")
    places: dict[str, str] = {}

    def problem_at(place: str, row: Mapping[str, Any]) -> Problem:
        problem = problem_from(row, task)
        if problem.id in places:
            raise BadRow(f"id {problem.id!r} repeats {places[problem.id]}")
        places[problem.id] = place.strip()
        return problem

    return iter(collect(rows, problem_at, source=source, what="problems", limit=limit))


def _split_file(data_dir: Path, task: str, split: str) -> Path:
    path = data_dir / task / f"{split}.jsonl"
    if path.is_file():
        return path
    splits = sorted(found.stem for found in (data_dir / task).glob("*.jsonl"))
    if splits:
        raise DataProblem(f"no {path}; {task} has {', '.join(splits)} there: give --split {splits[0]}")
    tasks = sorted({found.parent.name for found in data_dir.glob("*/*.jsonl")})
    there = f"it holds {', '.join(tasks)}" if tasks else "it holds no TASK/SPLIT.jsonl at all"
    raise DataProblem(f"no {path}; {there}. Without --data-dir, the Hugging Face hub is asked")


def _hub_rows(hub: HubDataset, task: str, split: str) -> Iterator[NumberedRow]:
    """The rows of a hub dataset in the layout of problem files."""
    if split not in hub.splits:
        raise DataProblem(f"{task} has no split {split!r} on the Hugging Face hub; it has {', '.join(hub.splits)}")
    number = 0
    for config in hub.configs:
        for row in _downloaded(hub.name, config, hub.splits[split]):
            number += 1
            yield f" row {number}", _translated(hub, row)


def _translated(hub: HubDataset, row: Mapping[str, Any]) -> Mapping[str, Any] | BadRow:
    try:
        return hub.row(row)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return BadRow(f"is not laid out as {hub.name} used to be ({type(error).__name__}: {error})")


def _downloaded(name: str, config: str | None, split: str) -> Iterable[Mapping[str, Any]]:
    try:
        from datasets import load_dataset
        from datasets.exceptions import DatasetsError
    except ImportError:
        raise EnvironmentProblem("reading the Hugging Face hub needs datasets: pip install datasets") from None
    try:
        rows: Iterable[Mapping[str, Any]] = load_dataset(name, config, split=split)
    except (DatasetsError, OSError, ValueError, RuntimeError) as error:
        first_line = str(error).partition("\n")[0]
        raise EnvironmentProblem(
            f"cannot load {name} from the Hugging Face hub ({first_line}). Give --data-dir DIR with "
            "TASK/SPLIT.jsonl in it, or let the hub be reached: unset HF_HUB_OFFLINE, check the network"
        ) from None
    return rows
