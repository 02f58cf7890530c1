"""`magdi evaluate`: a model answers problems, is judged, and every answer is kept."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.config import EvaluateConfig
from magdi_cli.core.errors import GateFailed, TooManyFailures, UsageProblem
from magdi_cli.core.evaluation import Evaluation, Prediction
from magdi_cli.core.flow import Emit, Journal, in_order
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Completion, Engine, Report, Request, Sampling
from magdi_cli.engines.panel import engine_name, open_student
from magdi_cli.engines.subject import Subject, find_subject
from magdi_cli.evaluate.metrics import Meter, predict, read_sample
from magdi_cli.evaluate.results import PREDICTIONS, evaluation_folder, rescore, write_evaluation
from magdi_cli.tasks.loading import load_file, load_problems
from magdi_cli.tasks.prompts import student_messages

PROBLEMS_IN_FLIGHT = 256
FAILED_SHARE = 0.05
"""Share of requests without a reply above which a score would say more about failures than about answers."""


def run(config: EvaluateConfig, report: Report, emit: Emit) -> Evaluation:
    """Evaluate a model into `RUN/evaluations/SUBJECT--TASK`; every prediction's line also goes to `emit`.

    Continues where an earlier run of the same config stopped. Raises `GateFailed` below `--fail-under`,
    after everything is written.
    """
    evaluation = rescore(config, emit) if config.rescore else _evaluate(config, report, emit)
    if config.fail_under is not None and evaluation.accuracy < config.fail_under:
        raise GateFailed(
            f"accuracy {evaluation.accuracy:.3f} of {evaluation.subject} on {evaluation.task} is below "
            f"--fail-under {config.fail_under}"
        )
    return evaluation


def _evaluate(config: EvaluateConfig, report: Report, emit: Emit) -> Evaluation:
    sampling = sampling_of(config)
    problems = _problems(config)
    task = problems[0].task
    subject = find_subject(config.run_dir, config.student, hosted=config.engine == "api")
    engine = engine_name(config.engine)
    facts = {"subject": subject.fingerprint(), "engine_used": engine, "task_answered": task}
    artifact = Artifact(kind="evaluation", path=evaluation_folder(config, subject.name, task))
    meter = Meter()
    with artifact.begin(config, **facts) as state:
        journal = Journal(path=artifact.path / PREDICTIONS, record_type=Prediction, seen=meter.add, emit=emit)
        done, torn = journal.replay(problems, _is_done)
        if torn:
            report.warn(f"{journal.path}: dropped a torn last line of {torn} bytes; its problem is answered again")
        if state == "complete" and done == len(problems):
            report.note(f"all {done} predictions are in {journal.path} already")
        else:
            artifact.reopen(config, **facts)
            asyncio.run(journal.extend(_predictions(config, subject, sampling, problems[done:], report)))
        evaluation = meter.evaluation(
            subject=subject.name, task=task, split=config.split, seed=config.seed, engine=engine
        )
        write_evaluation(artifact.path, evaluation)
        inputs = [config.problems] if config.problems else []
        artifact.complete(config, inputs=inputs, counts=meter.counts(), **facts)
    return evaluation


def sampling_of(config: EvaluateConfig) -> Sampling:
    """How to draw samples: greedy once, or at 0.7 several times; several greedy samples are refused."""
    k = config.self_consistency
    temperature = config.temperature if config.temperature is not None else (0.0 if k == 1 else 0.7)
    if k > 1 and temperature == 0:
        raise UsageProblem(f"--self-consistency {k} at --temperature 0 draws {k} equal samples; raise --temperature")
    return Sampling(temperature=temperature, max_tokens=config.max_tokens, n=k)


def _problems(config: EvaluateConfig) -> list[Problem]:
    if config.problems is not None:
        return list(load_file(config.problems, limit=config.limit))
    task = config.task or _task_of_run(config)
    return list(load_problems(task, config.split, data_dir=config.data_dir, limit=config.limit))


def _task_of_run(config: EvaluateConfig) -> str:
    manifest = Artifact(kind="debates", path=config.run_dir / "debates").manifest()
    if manifest is None or manifest["config"]["problems"] is not None:
        raise UsageProblem(f"{config.run_dir} does not say what to answer; give --task, or a file of problems")
    task: str = manifest["config"]["task"]
    return task


def _is_done(prediction: Prediction, problem: Problem) -> bool:
    return prediction.problem == problem and bool(prediction.samples)


async def _predictions(
    config: EvaluateConfig, subject: Subject, sampling: Sampling, problems: list[Problem], report: Report
) -> AsyncGenerator[Prediction, None]:
    async with open_student(
        subject.model,
        adapter=subject.adapter,
        engine=config.engine,
        seed=config.seed,
        max_tokens=config.max_tokens,
        report=report,
    ) as engine:
        failed, since = 0, time.perf_counter()
        answer = partial(_answer, engine, sampling)
        answers = in_order(problems, answer, at_once=PROBLEMS_IN_FLIGHT, window=2 * PROBLEMS_IN_FLIGHT)
        with report.progress(f"{subject.name} answers", len(problems)) as advance:
            async with aclosing(answers) as coming:
                async for problem, completion in coming:
                    if completion.error is not None:
                        failed += 1
                        report.warn(f"problem {problem.id!r}: {completion.error}")
                        _check_failures(failed, len(problems))
                    now = time.perf_counter()
                    yield await asyncio.to_thread(_judge, problem, completion, now - since)
                    since = now
                    advance()


async def _answer(engine: Engine, sampling: Sampling, problem: Problem) -> tuple[Problem, Completion]:
    request = Request(messages=student_messages(problem), sampling=sampling, problem=problem)
    return problem, await engine.generate(request)


def _judge(problem: Problem, completion: Completion, seconds: float) -> Prediction:
    """The prediction of a completion; its seconds are its share of the wall time, so that they add up."""
    samples = [read_sample(reply.text, reply.completion_tokens, problem) for reply in completion.replies]
    return predict(problem, samples, replace(completion.usage, seconds=seconds))


def _check_failures(failed: int, n: int) -> None:
    if failed > FAILED_SHARE * n:
        raise TooManyFailures(
            f"{failed} of {n} problems got no reply; the same command tries them again, what was answered is kept"
        )
