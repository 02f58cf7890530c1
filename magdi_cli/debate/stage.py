"""`magdi debate`: problems in, debates out, nothing paid twice."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from magdi_cli.core.artifact import Artifact
from magdi_cli.core.config import DebateConfig
from magdi_cli.core.debate import Debate
from magdi_cli.core.errors import DataProblem, TooManyFailures
from magdi_cli.core.flow import Emit, Journal, in_order
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Engine, Report, Sampling
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.usage import Usage
from magdi_cli.debate.prompts import fingerprint
from magdi_cli.debate.rounds import RoundTable, Seat
from magdi_cli.debate.tally import SeatScore, Tally
from magdi_cli.engines.panel import open_panel
from magdi_cli.engines.preflight import preflight
from magdi_cli.engines.recorded import open_ledger
from magdi_cli.engines.teachers import Teacher, parse_teachers
from magdi_cli.tasks.loading import load_file, load_problems

RECORDS = "debates.jsonl"
CALLS = "calls.jsonl"
ENOUGH_CALLS_TO_JUDGE = 20
"""Calls after which a run whose failures exceed --fail-on-error is ended early."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DebateSummary:
    """What a debate run came to."""

    schema: Literal["magdi.debate-summary/1"] = "magdi.debate-summary/1"
    folder: str
    debates: int
    agreed: int
    """Debates that ended in agreement."""
    team_accuracy: float
    """Accuracy of the confidence-weighted votes."""
    interval: tuple[float, float]
    """95 % Wilson interval of `team_accuracy`."""
    usage: Usage
    seats: tuple[SeatScore, ...]


def run(config: DebateConfig, report: Report, emit: Emit) -> DebateSummary:
    """Debate the problems of a config into `RUN/debates`; every record's line is also handed to `emit`.

    Continues where an earlier run of the same config stopped. Raises `AccessProblem` before the first
    call if a seat cannot be called, `TooManyFailures` once calls fail too often.
    """
    teachers = parse_teachers(config.teachers)
    for note in preflight(teachers):
        report.note(note)
    problems = _problems(config, report)
    artifact = Artifact(kind="debates", path=config.run_dir / "debates")
    prompts = fingerprint()
    tally = Tally()
    with artifact.begin(config, prompts=prompts) as state:
        journal = Journal(path=artifact.path / RECORDS, record_type=Debate, seen=tally.add, emit=emit)
        done, torn = journal.replay(problems, _is_done)
        if torn:
            report.warn(f"{journal.path}: dropped a torn last line of {torn} bytes; its problem is debated again")
        if state == "complete" and done == len(problems):
            report.note(f"all {done} debates are in {journal.path} already")
        else:
            artifact.reopen(config, prompts=prompts)
            asyncio.run(journal.extend(_debates(config, teachers, problems[done:], artifact.path, tally, report)))
            counts = {"debates": tally.debates, "turns": tally.turns, "failed_calls": tally.failed}
            inputs = [config.problems] if config.problems else []
            artifact.complete(config, inputs=inputs, counts=counts, prompts=prompts)
    _check_failures(tally, config)
    return _summary(artifact.path, tally)


def _problems(config: DebateConfig, report: Report) -> list[Problem]:
    if config.problems is not None:
        problems = list(load_file(config.problems, limit=config.limit))
    else:
        problems = list(load_problems(config.task, config.split, data_dir=config.data_dir, limit=config.limit))
    if not problems:
        raise DataProblem(f"no problems in {config.problems or f'{config.task} {config.split}'}")
    if len(problems) == config.limit:
        report.note(f"debating the first {config.limit} problems; --limit 0 takes all")
    return problems


def _is_done(debate: Debate, problem: Problem) -> bool:
    return debate.problem == problem and all(turn.error is None for turn in debate.turns)


async def _debates(
    config: DebateConfig,
    teachers: tuple[Teacher, ...],
    problems: list[Problem],
    folder: Path,
    tally: Tally,
    report: Report,
) -> AsyncGenerator[Debate, None]:
    with open_ledger(folder / CALLS, report=report) as ledger:
        async with open_panel(
            teachers,
            seed=config.seed,
            concurrency=config.concurrency,
            timeout=config.timeout,
            max_retries=config.max_retries,
            ledger=ledger,
            report=report,
        ) as panel:
            table = RoundTable(seats=_seats(panel, config), rounds=config.rounds, stop=config.stop)
            debates = in_order(problems, table.debate, at_once=config.concurrency, window=4 * config.concurrency)
            with report.progress("debates", len(problems)) as advance:
                async with aclosing(debates) as held:
                    async for debate in held:
                        yield debate
                        advance(_status(tally))
                        if tally.turns >= ENOUGH_CALLS_TO_JUDGE:
                            _check_failures(tally, config)


def _seats(panel: Mapping[str, Engine], config: DebateConfig) -> tuple[Seat, ...]:
    sampling = Sampling(temperature=config.temperature, max_tokens=config.max_tokens)
    before: list[str] = []
    seats = []
    for name, engine in panel.items():
        seats.append(Seat(name=name, engine=engine, sampling=sampling, index=before.count(engine.model)))
        before.append(engine.model)
    return tuple(seats)


def _status(tally: Tally) -> str:
    cost = "unknown $" if tally.usage.cost_usd is None else f"{tally.usage.cost_usd:.2f} $"
    return f"{tally.usage.calls} calls, {tally.usage.prompt_tokens + tally.usage.completion_tokens} tokens, {cost}"


def _check_failures(tally: Tally, config: DebateConfig) -> None:
    if tally.failed_share > config.fail_on_error:
        raise TooManyFailures(
            f"{tally.failed} of {tally.turns} calls failed, more than --fail-on-error {config.fail_on_error} allows; "
            f"what succeeded is in {config.run_dir / 'debates'}, the same command tries the rest again"
        )


def _summary(folder: Path, tally: Tally) -> DebateSummary:
    return DebateSummary(
        folder=str(folder),
        debates=tally.debates,
        agreed=tally.agreed,
        team_accuracy=tally.team_correct / tally.debates,
        interval=wilson_interval(tally.team_correct, tally.debates),
        usage=tally.usage,
        seats=tuple(tally.scores()),
    )
