"""`--lm-eval DIR`: results and samples as lm-evaluation-harness leaves them, so that what reads those reads ours.

`DIR/SUBJECT/results_DATE.json` holds a subject's tasks, `samples_TASK_DATE.jsonl` beside it a line for each problem.
What the harness has no place for is in the block `magdi`: our own evaluations, whole. An accuracy is `exact_match`,
judged by magdi; with several samples it is the vote's. Layout of lm_eval 0.4.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from math import sqrt
from pathlib import Path
from typing import Any

from magdi_cli import __version__
from magdi_cli.core.evaluation import Evaluation, Evaluations, Prediction
from magdi_cli.core.problem import Problem
from magdi_cli.core.records import encode, replacing
from magdi_cli.evaluate.drawn import Drawn, how_drawn
from magdi_cli.evaluate.evaluated import Evaluated
from magdi_cli.evaluate.reports.wrong import predictions
from magdi_cli.tasks.catalog import TASKS
from magdi_cli.tasks.prompts import question_text, student_messages

FILTER = "flexible"
METRIC = "exact_match"
INVALID = "[invalid]"
"""The harness's word for an answer that could not be read."""
NOT_MEASURED = "N/A"
"""The harness's word for a figure that there is not."""

_UNFIT = re.compile(r'["<>:/|\\?*\[\]]+')


def write_lm_eval(folder: Path, evaluated: Sequence[Evaluated], now: datetime) -> list[Path]:
    """Write results and samples of each subject beside those of earlier times; where the results are."""
    subjects: dict[str, list[Sheet]] = {}
    for one in evaluated:
        sheet = Sheet(evaluation=one.evaluation, folder=one.folder, drawn=how_drawn(one.folder))
        subjects.setdefault(one.evaluation.subject, []).append(sheet)
    return [_write_subject(folder / fit(subject), sheets, now) for subject, sheets in subjects.items()]


def fit(name: str) -> str:
    """The name as the harness writes it into a path."""
    return _UNFIT.sub("__", name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A subject on one task."""

    evaluation: Evaluation
    folder: Path
    drawn: Drawn | None

    @property
    def sampling(self) -> dict[str, Any]:
        """The harness's words for how samples were drawn, as far as anybody knows."""
        if self.drawn is None:
            return {"until": []}
        temperature = self.drawn.temperature
        return {
            "until": [],
            "do_sample": temperature > 0,
            "temperature": temperature,
            "max_gen_toks": self.drawn.max_tokens,
        }

    @property
    def model(self) -> str:
        """The harness's `model_args`."""
        if self.drawn is None or self.drawn.model is None:
            return f"model={self.evaluation.subject}"
        name, plus, adapter = self.drawn.model.partition("+")
        return f"pretrained={name}" + (f",peft={self.evaluation.subject},peft_sha256={adapter}" if plus else "")

    def prompt(self, problem: Problem) -> str:
        """What was asked; the bare question where it was not we who asked."""
        if self.drawn is None:
            return question_text(problem)
        return "\n\n".join(message.content for message in student_messages(problem))


def _write_subject(folder: Path, sheets: Sequence[Sheet], now: datetime) -> Path:
    date = now.isoformat().replace(":", "-")
    hashes = {}
    for sheet in sheets:
        task = sheet.evaluation.task
        hashes[task] = _write_samples(folder / f"samples_{fit(task)}_{date}.jsonl", sheet)
    path = folder / f"results_{date}.json"
    with replacing(path) as handle:
        results = _results(sheets, hashes, now)
        handle.write(json.dumps(results, indent=2, ensure_ascii=False).encode() + b"\n")
    return path


def _write_samples(path: Path, sheet: Sheet) -> str:
    """Write a line for each problem; the digest over all of them."""
    total = sha256()
    with replacing(path) as handle:
        for number, prediction in enumerate(predictions(sheet.folder)):
            sample = _sample(number, prediction, sheet)
            total.update("".join(sample[f"{part}_hash"] for part in ("doc", "prompt", "target")).encode())
            handle.write(json.dumps(sample, ensure_ascii=False).encode() + b"\n")
    return total.hexdigest()


def _sample(number: int, prediction: Prediction, sheet: Sheet) -> dict[str, Any]:
    problem = prediction.problem
    document, prompt = _document(problem), sheet.prompt(problem)
    return {
        "doc_id": number,
        "doc": document,
        "target": problem.gold,
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": sheet.sampling}},
        "resps": [[sample.text for sample in prediction.samples]],
        "filtered_resps": [INVALID if prediction.answer is None else prediction.answer],
        "filter": FILTER,
        "metrics": [METRIC],
        "doc_hash": _digest(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": _digest(prompt),
        "target_hash": _digest(problem.gold),
        METRIC: float(prediction.correct),
    }


def _document(problem: Problem) -> dict[str, Any]:
    """The problem without what its source carried besides: every line of a file has the same keys."""
    document: dict[str, Any] = json.loads(encode(problem))
    del document["meta"]
    return document


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _results(sheets: Sequence[Sheet], hashes: Mapping[str, str], now: datetime) -> dict[str, Any]:
    evaluations = tuple(sheet.evaluation for sheet in sheets)
    tasks = {sheet.evaluation.task: sheet for sheet in sheets}
    figures = {task: _figures(sheet.evaluation) for task, sheet in tasks.items()}
    first = sheets[0]
    return {
        "results": {task: {"alias": task} | _with_errors(values, tasks[task]) for task, values in figures.items()},
        "group_subtasks": {task: [] for task in tasks},
        "configs": {task: _task_config(sheet) for task, sheet in tasks.items()},
        "versions": dict.fromkeys(tasks, __version__),
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: dict.fromkeys(values, True) for task, values in figures.items()},
        "n-samples": {task: _counts(sheet) for task, sheet in tasks.items()},
        "config": _run_config(first),
        "git_hash": _git_hash(),
        "date": now.timestamp(),
        "task_hashes": dict(hashes),
        "model_source": first.evaluation.engine,
        "model_name": first.evaluation.subject,
        "model_name_sanitized": fit(first.evaluation.subject),
        "total_evaluation_time_seconds": str(sum(one.usage.seconds for one in evaluations)),
        "magdi": json.loads(encode(Evaluations(evaluations=evaluations))),
    }


def _figures(evaluation: Evaluation) -> dict[str, float]:
    """A task's figures by the harness's names of metrics."""
    figures = {METRIC: evaluation.accuracy}
    if evaluation.self_consistency > 1:
        for name, curve in (("maj", evaluation.maj_at), ("pass", evaluation.pass_at)):
            figures |= {f"{name}@{k}": value for k, value in _told(curve)}
    return figures


def _told(curve: Sequence[float]) -> Iterator[tuple[int, float]]:
    """The points at 1, 2, 4, 8, ... and the last."""
    for k, value in enumerate(curve, start=1):
        if k & (k - 1) == 0 or k == len(curve):
            yield k, value


def _with_errors(figures: Mapping[str, float], sheet: Sheet) -> dict[str, float | str]:
    """The figures and their standard errors under the harness's keys; only that of an accuracy is known."""
    keyed: dict[str, float | str] = {}
    for name, value in figures.items():
        keyed[f"{name},{FILTER}"] = value
        keyed[f"{name}_stderr,{FILTER}"] = _standard_error(sheet.evaluation) if name == METRIC else NOT_MEASURED
    return keyed


def _standard_error(evaluation: Evaluation) -> float | str:
    if evaluation.n < 2:
        return NOT_MEASURED
    return sqrt(evaluation.accuracy * max(0.0, 1 - evaluation.accuracy) / (evaluation.n - 1))


def _task_config(sheet: Sheet) -> dict[str, Any]:
    evaluation = sheet.evaluation
    hub = TASKS[evaluation.task].hub if evaluation.task in TASKS else None
    return {
        "task": evaluation.task,
        "dataset_path": hub.name if hub else None,
        "test_split": evaluation.split,
        "num_fewshot": 0,
        "output_type": "generate_until",
        "generation_kwargs": sheet.sampling,
        "repeats": evaluation.self_consistency,
        "filter_list": [{"name": FILTER, "filter": [{"function": "magdi"}]}],
        "metric_list": [{"metric": METRIC, "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": __version__},
    }


def _counts(sheet: Sheet) -> dict[str, int | None]:
    """Problems of the split, where all were asked, and those that were answered."""
    whole = sheet.drawn is not None and sheet.drawn.limit == 0
    return {"original": sheet.evaluation.n if whole else None, "effective": sheet.evaluation.n}


def _run_config(sheet: Sheet) -> dict[str, Any]:
    seed = sheet.evaluation.seed
    return {
        "model": sheet.evaluation.engine,
        "model_args": sheet.model,
        "batch_size": None,
        "batch_sizes": [],
        "device": None,
        "use_cache": None,
        "limit": sheet.drawn.limit or None if sheet.drawn else None,
        "bootstrap_iters": 0,
        "gen_kwargs": sheet.sampling,
        "random_seed": seed,
        "numpy_seed": seed,
        "torch_seed": seed,
        "fewshot_seed": seed,
    }


def _git_hash() -> str | None:
    """The commit of the folder that the command runs in; None where there is none."""
    try:
        done = subprocess.run(["git", "describe", "--always"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
