"""A model answers problems; every answer is judged and kept as it comes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.errors import TooManyFailures
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.flow import Emit, as_done
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Completion, Engine, Report, Request, Sampling
from magdi_cli.engines.panel import EngineName, engine_name, open_student
from magdi_cli.engines.subject import Subject, find_subject
from magdi_cli.evaluate.asked import problems_asked, problems_known, sampling_of, settings_of, subjects_asked
from magdi_cli.evaluate.baseline import Baseline
from magdi_cli.evaluate.evaluated import PREDICTIONS, Evaluated
from magdi_cli.evaluate.metrics import Meter, predict, read_sample
from magdi_cli.evaluate.results import evaluation_folder, stored_evaluation, write_evaluation
from magdi_cli.evaluate.store import Problems, Store
from magdi_cli.tasks.catalog import is_out_of_domain
from magdi_cli.tasks.prompts import student_messages

PROBLEMS_IN_FLIGHT = 256
FAILED_SHARE = 0.05
"""Share of requests without a reply above which a score would say more about failures than about answers."""


def answered(config: EvaluateConfig, baseline: Baseline | None, report: Report, emit: Emit) -> list[Evaluated]:
    """Let each subject answer each task's problems, going on where an earlier run of the same config stopped.

    A baseline that has nothing to compare with is refused before any model is asked.
    """
    sampling = sampling_of(config)
    tasks = problems_asked(config)
    engine = engine_name("api" if config.api_base else config.engine)
    if config.engine == "auto":
        report.note(f"engine: {engine}" + (", as vLLM is not installed (slower)" if engine == "transformers" else ""))
    names = subjects_asked(config)
    subjects = [find_subject(config.run_dir, name, hosted=engine == "api", api_base=config.api_base) for name in names]
    if baseline is not None:
        baseline.check_comparable([(subject.name, task) for subject in subjects for task in tasks])
    sittings = [
        Sitting(config=config, subject=subject, engine=engine, sampling=sampling, tasks=tasks, report=report, emit=emit)
        for subject in subjects
    ]
    return [evaluated for sitting in sittings for evaluated in asyncio.run(sitting.held())]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitting:
    """One subject, what it is to answer, and how."""

    config: EvaluateConfig
    subject: Subject
    engine: EngineName
    sampling: Sampling
    tasks: Mapping[str, Problems]
    report: Report
    emit: Emit

    async def held(self) -> list[Evaluated]:
        """The subject on each task; its model is loaded once, and only if a problem is left to answer."""
        async with AsyncExitStack() as stack:
            model = Model(sitting=self, stack=stack)
            return [await self._on(task, problems, model) for task, problems in self.tasks.items()]

    async def _on(self, task: str, problems: Problems, model: "Model") -> Evaluated:
        folder = evaluation_folder(self.config.run_dir, self.subject.name, task)
        facts = {"subject": self.subject.fingerprint(), "engine_used": self.engine, "task_answered": task}
        artifact = Artifact(kind="evaluation", path=folder)
        meter = Meter()
        with artifact.begin(self.config, **facts) as state:
            before = stored_evaluation(folder)
            store = Store(path=folder / PREDICTIONS, seen=meter.add, emit=self.emit)
            todo = self._left_to_answer(store, task, problems)
            if todo or state != "complete":
                artifact.reopen(self.config, **facts)
            if todo:
                await store.extend(self._predictions(todo, await model.ready(), f"{self.subject.name} on {task}"))
            else:
                self.report.note(f"all {len(problems)} predictions are in {store.path} already")
            store.put_in_order(problems)
            evaluation = meter.evaluation(
                subject=self.subject.name,
                task=task,
                split=self.config.split,
                seed=self.config.seed,
                engine=self.engine,
                out_of_domain=is_out_of_domain(task, self.subject.trained_on),
                start_seconds=model.start_seconds or (before.start_seconds if before else None),
            )
            write_evaluation(folder, evaluation)
            inputs = [self.config.problems] if self.config.problems else []
            artifact.complete(self.config, inputs=inputs, counts=meter.counts(), **facts)
        return Evaluated(folder=folder, evaluation=evaluation)

    def _left_to_answer(self, store: Store, task: str, problems: Problems) -> list[Problem]:
        torn, dropped = store.take_up(problems, partial(problems_known, self.config, task))
        if torn:
            self.report.warn(f"{store.path}: dropped a torn last line of {torn} bytes; its problem is answered again")
        if dropped:
            self.report.warn(
                f"{store.path}: dropped {dropped} predictions without a reply, or of problems that are not there "
                "any more as they were"
            )
        if beyond := len(store.answered - problems.keys()):
            self.report.note(f"{task}: {beyond} problems beyond these were answered before and are counted, too")
        return [problem for problem in problems.values() if problem.id not in store.answered]

    async def _predictions(
        self, problems: Sequence[Problem], engine: Engine, label: str
    ) -> AsyncGenerator[Prediction, None]:
        failed, since = 0, time.perf_counter()
        answers = as_done(problems, partial(_answer, engine, self.sampling), at_once=PROBLEMS_IN_FLIGHT)
        with self.report.progress(label, len(problems)) as advance:
            async with aclosing(answers) as coming:
                async for problem, completion in coming:
                    if completion.error is not None:
                        failed += 1
                        self.report.warn(f"problem {problem.id!r}: {completion.error}")
                        _check_failures(failed, len(problems))
                    now = time.perf_counter()
                    yield await asyncio.to_thread(_judge, problem, completion, now - since)
                    since = now
                    advance()


@dataclass(kw_only=True, slots=True)
class Model:
    """A subject's engine, started when the first problem needs it."""

    sitting: Sitting
    stack: AsyncExitStack
    start_seconds: float | None = None
    """How long it took to start; None as long as it is not."""
    engine: Engine | None = None

    async def ready(self) -> Engine:
        """The running engine."""
        if self.engine is None:
            started = time.perf_counter()
            config, subject = self.sitting.config, self.sitting.subject
            opening = open_student(
                subject.model,
                adapter=subject.adapter,
                engine=self.sitting.engine,
                seed=config.seed,
                max_tokens=config.max_tokens,
                settings=settings_of(config),
            )
            self.engine = await self.stack.enter_async_context(opening)
            self.start_seconds = time.perf_counter() - started
        return self.engine


async def _answer(engine: Engine, sampling: Sampling, problem: Problem) -> tuple[Problem, Completion]:
    request = Request(messages=student_messages(problem), sampling=sampling, problem=problem)
    return problem, await engine.generate(request)


def _judge(problem: Problem, completion: Completion, seconds: float) -> Prediction:
    """The prediction of a completion; its seconds are its share of the wall time, so that they add up."""
    samples = [read_sample(reply, problem) for reply in completion.replies]
    return predict(problem, samples, replace(completion.usage, seconds=seconds))


def _check_failures(failed: int, n: int) -> None:
    if failed > FAILED_SHARE * n:
        raise TooManyFailures(
            f"{failed} of {n} problems got no reply; the same command tries them again, what was answered is kept"
        )
