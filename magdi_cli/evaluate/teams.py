"""The debates of a run, judged as any model is: the team, and each teacher as it answered alone."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

from magdi_cli.core.artifact import DEBATES, Artifact
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.errors import DataProblem
from magdi_cli.core.evaluate_config import EvaluateConfig
from magdi_cli.core.evaluation import Evaluation, Prediction, Sample
from magdi_cli.core.flow import Emit
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import encode, read_unfinished, replacing
from magdi_cli.evaluate.asked import tasks_named
from magdi_cli.evaluate.evaluated import PREDICTIONS, Evaluated
from magdi_cli.evaluate.metrics import Meter
from magdi_cli.evaluate.results import evaluation_folder, write_evaluation
from magdi_cli.tasks.answers import verify
from magdi_cli.tasks.catalog import is_out_of_domain

DEBATES_ENGINE = "debates"
"""The engine of evaluations that come from debates."""
TEAM = "debate"
"""The subject whose answers are the debates' own."""
REPLY = "reply"
"""The rule by which a turn's answer was read: from the reply's own field, when the debate was held."""


def judged_debates(config: EvaluateConfig, report: Report, emit: Emit) -> list[Evaluated]:
    """The evaluations of the run's debates, and of each seat's answers in round 0; no model is asked."""
    path = config.run_dir / "debates" / DEBATES
    if not path.exists():
        raise DataProblem(f"no {path}; run magdi debate first")
    wanted = tasks_named(config)
    scripts: dict[tuple[str, str], Script] = {}
    with ExitStack() as stack:
        for debate in read_unfinished(path, Debate, report.warn):
            task = debate.problem.task
            if wanted is not None and task not in wanted:
                continue
            for subject, prediction in _predictions(debate):
                if (subject, task) not in scripts:
                    folder = evaluation_folder(config.run_dir, subject, task)
                    scripts[subject, task] = Script(folder=folder, handle=_opened(folder, stack))
                scripts[subject, task].add(prediction, emit)
    if not scripts:
        raise DataProblem(f"{path} holds no debates" + (f" on {', '.join(wanted)}" if wanted else ""))
    split = _split_of(path.parent)
    return [
        _complete(script, script.evaluation(subject, task, split=split, seed=config.seed), path, config)
        for (subject, task), script in scripts.items()
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """The predictions of one subject on one task, as they are written."""

    folder: Path
    handle: IO[bytes]
    meter: Meter = field(default_factory=Meter)

    def add(self, prediction: Prediction, emit: Emit) -> None:
        """Write one more."""
        line = encode(prediction)
        self.handle.write(line)
        self.meter.add(prediction)
        emit(line)

    def evaluation(self, subject: str, task: str, *, split: str, seed: int) -> Evaluation:
        """What they add up to."""
        return self.meter.evaluation(
            subject=subject,
            task=task,
            split=split,
            seed=seed,
            engine=DEBATES_ENGINE,
            out_of_domain=is_out_of_domain(task, None),
        )


def _predictions(debate: Debate) -> Iterator[tuple[str, Prediction]]:
    """The team's and then every seat's; the team's samples are the last words of its seats."""
    problem = debate.problem
    last_words = [turn for turn in debate.last_round if turn.error is None]
    if debate.verdict is not None and debate.verdict.error is None:
        last_words.append(debate.verdict)
    yield (
        TEAM,
        Prediction(
            problem=problem,
            samples=tuple(_sample(turn, problem) for turn in last_words),
            answer=debate.answer,
            correct=verify(debate.answer, problem).correct,
            rule=None if debate.answer is None else REPLY,
            method=verify(debate.answer, problem).method,
            usage=debate.usage,
        ),
    )
    for turn in debate.turns:
        if turn.round == 0:
            yield f"teacher--{quote(turn.agent, safe='')}", _alone(turn, problem)


def _alone(turn: Turn, problem: Problem) -> Prediction:
    """What a seat answered before it heard anybody; no sample where its call failed."""
    sample = _sample(turn, problem)
    return Prediction(
        problem=problem,
        samples=() if turn.error is not None else (sample,),
        answer=turn.answer,
        correct=verify(turn.answer, problem).correct,
        rule=sample.rule,
        method=sample.method,
        usage=turn.usage,
    )


def _sample(turn: Turn, problem: Problem) -> Sample:
    return Sample(
        text=turn.text,
        answer=turn.answer,
        completion_tokens=turn.usage.completion_tokens,
        rule=None if turn.answer is None else REPLY,
        method=verify(turn.answer, problem).method,
    )


def _opened(folder: Path, stack: ExitStack) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    stack.enter_context(Artifact(kind="evaluation", path=folder).locked())
    return stack.enter_context(replacing(folder / PREDICTIONS))


def _complete(script: Script, evaluation: Evaluation, source: Path, config: EvaluateConfig) -> Evaluated:
    write_evaluation(script.folder, evaluation)
    artifact = Artifact(kind="evaluation", path=script.folder)
    artifact.complete(config, inputs=[source], counts=script.meter.counts(), task_answered=evaluation.task)
    return Evaluated(folder=script.folder, evaluation=evaluation)


def _split_of(debates: Path) -> str:
    manifest = Artifact(kind="debates", path=debates).manifest()
    return str(manifest["config"]["split"]) if manifest else "unknown"
