"""What is to be answered, by whom, and how samples are drawn."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.errors import DataProblem, UsageProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Sampling
from magdi_cli.engines.subject import BASE, students_of
from magdi_cli.engines.vllm_settings import engine_settings
from magdi_cli.evaluate.drawn import temperature_of
from magdi_cli.tasks.catalog import TASKS
from magdi_cli.tasks.loading import load_file, load_problems

ALL = "all"

Tasks = Mapping[str, Mapping[str, Problem]]
"""Problems by id, by task."""


def check_combination(config: EvaluateConfig) -> None:
    """Refuse options that contradict each other before anything is read."""
    if config.debates:
        others = {"--rescore": config.rescore, "--student": config.student, "a file of problems": config.problems}
        for name, given in others.items():
            if given:
                raise UsageProblem(f"--debates judges the run's own debates; leave out {name}")
    if config.api_base is not None and config.engine not in ("auto", "api"):
        raise UsageProblem(f"--api-base is for --engine api, not {config.engine}")
    if config.engine == "api" and (config.engine_arg or config.tensor_parallel > 1 or config.data_parallel > 1):
        raise UsageProblem("--engine-arg, --tensor-parallel and --data-parallel are for vLLM, not for --engine api")


def sampling_of(config: EvaluateConfig) -> Sampling:
    """How to draw samples: greedy once, or at 0.7 several times; several greedy samples are refused."""
    k = config.self_consistency
    temperature = temperature_of(config.temperature, k)
    if k > 1 and temperature == 0:
        raise UsageProblem(f"--self-consistency {k} at --temperature 0 draws {k} equal samples; raise --temperature")
    return Sampling(temperature=temperature, max_tokens=config.max_tokens, n=k)


def settings_of(config: EvaluateConfig) -> dict[str, Any]:
    """What vLLM's engine is told besides."""
    parallel = {"tensor_parallel_size": config.tensor_parallel, "data_parallel_size": config.data_parallel}
    own = {name: count for name, count in parallel.items() if count > 1}
    return own | (engine_settings(config.engine_arg) if config.engine_arg else {})


def subjects_asked(config: EvaluateConfig) -> list[str | None]:
    """The names given to `--student`; None for the newest student."""
    if config.student is None:
        return [None]
    names = _listed("--student", config.student)
    return [BASE, *students_of(config.run_dir)] if names == [ALL] else [*names]


def tasks_named(config: EvaluateConfig) -> list[str] | None:
    """The names given to `--task`; None where it was not given."""
    if config.task is None:
        return None
    names = _listed("--task", config.task)
    return [task.name for task in TASKS.values() if task.hub] if names == [ALL] else names


def problems_asked(config: EvaluateConfig) -> Tasks:
    """The problems to answer; those of a file may be of several tasks."""
    tasks: dict[str, dict[str, Problem]] = {}
    for problem in _problems(config, limit=config.limit):
        tasks.setdefault(problem.task, {})[problem.id] = problem
    if not tasks:
        raise DataProblem("there is no problem to answer")
    return tasks


def problems_known(config: EvaluateConfig, task: str) -> Mapping[str, Problem]:
    """All problems of a task, whatever `--limit` says."""
    if config.limit == 0:
        return {}  # those asked for are all there are
    return {problem.id: problem for problem in _problems(config, limit=0, task=task) if problem.task == task}


def _problems(config: EvaluateConfig, *, limit: int, task: str | None = None) -> Iterator[Problem]:
    if config.problems is not None:
        yield from load_file(config.problems, limit=limit)
        return
    for name in [task] if task else tasks_named(config) or [_task_of_run(config.run_dir)]:
        yield from load_problems(name, config.split, data_dir=config.data_dir, limit=limit)


def _listed(option: str, text: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(names):
        raise UsageProblem(f"{option} {text!r} has an empty name in it")
    return names


def _task_of_run(run_dir: Path) -> str:
    manifest = Artifact(kind="debates", path=run_dir / "debates").manifest()
    if manifest is None or manifest["config"]["problems"] is not None:
        raise UsageProblem(f"{run_dir} does not say what to answer; give --task, or a file of problems")
    task: str = manifest["config"]["task"]
    return task
