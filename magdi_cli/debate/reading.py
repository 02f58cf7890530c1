"""`magdi show`: debates read back, all of a run as a list or one from question to vote."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from magdi_cli.core.artifact import DEBATES
from magdi_cli.core.config import ShowConfig
from magdi_cli.core.debate import Debate
from magdi_cli.core.errors import DataProblem, UnknownName, UsageProblem
from magdi_cli.core.problem import Answer
from magdi_cli.core.protocols import Report
from magdi_cli.core.records import STDIN, read_unfinished
from magdi_cli.debate.account import DebateReading, changes, read_debate
from magdi_cli.tasks.answers import verify

FOLDER = "debates"
_NUMBER = re.compile(r"#(\d{1,18})")


@dataclass(frozen=True, kw_only=True, slots=True)
class DebateRow:
    """One debate in a line."""

    number: int
    """Its place in the file, from 1."""
    id: str
    question: str
    rounds: int
    """Discussion rounds held after round 0, a judge's verdict not counted."""
    stopped: str
    answer: Answer | None
    """The team's answer."""
    gold: Answer
    correct: bool
    changed: int
    """Seats that changed their mind at least once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DebateList:
    """All debates of a run, or those that were asked for."""

    schema: Literal["magdi.show/1"] = "magdi.show/1"
    shows: Literal["debates"] = "debates"
    run: str
    debates: int
    right: int
    agreed: int
    filters: tuple[str, ...]
    """What a debate must be to have a row; counts are of all debates."""
    rows: tuple[DebateRow, ...]


def run(config: ShowConfig, report: Report) -> DebateList | DebateReading:
    """The list of a run's debates, or one of them; a run that is still being written can be read, too."""
    debates = enumerate(read_unfinished(_source(config.run), Debate, report.warn), start=1)
    filters = tuple(name for name in ("wrong", "changed") if getattr(config, name))
    if config.problem is None:
        return _listed(debates, filters, config.run)
    if filters:
        raise UsageProblem(f"--{filters[0]} chooses among debates; leave it out to read the one about a problem")
    number, debate = _found(debates, config.problem)
    return read_debate(debate, number=number, run=str(config.run))


def _row(number: int, debate: Debate) -> DebateRow:
    last = debate.last_round
    return DebateRow(
        number=number,
        id=debate.problem.id,
        question=debate.problem.question,
        rounds=last[0].round if last else 0,
        stopped=debate.stopped,
        answer=debate.answer,
        gold=debate.problem.gold,
        correct=verify(debate.answer, debate.problem).correct,
        changed=len({change.agent for change in changes(debate)}),
    )


def _listed(debates: Iterator[tuple[int, Debate]], filters: tuple[str, ...], run: Path) -> DebateList:
    rows = [_row(number, debate) for number, debate in debates]
    if not rows:
        raise DataProblem(f"no debate in {run} is finished yet; run magdi debate first, or wait for it")
    asked_for = [
        row
        for row in rows
        if not ("wrong" in filters and row.correct) and not ("changed" in filters and not row.changed)
    ]
    return DebateList(
        run=str(run),
        debates=len(rows),
        right=sum(row.correct for row in rows),
        agreed=sum(row.stopped == "agreement" for row in rows),
        filters=filters,
        rows=tuple(asked_for),
    )


def _found(debates: Iterator[tuple[int, Debate]], problem: str) -> tuple[int, Debate]:
    """The debate about the problem with that id, or with that number."""
    wanted = _NUMBER.fullmatch(problem)
    ids = []
    for number, debate in debates:
        if number == int(wanted[1]) if wanted else debate.problem.id == problem:
            return number, debate
        ids.append(debate.problem.id)
    if wanted:
        raise UsageProblem(f"no debate {problem}; the last one is #{len(ids)}")
    raise UnknownName("problem", problem, ids)


def _source(run: Path) -> Path:
    """The file of debates that a run directory, its folder of debates or the file itself stands for."""
    if run == STDIN or run.is_file():
        return run
    for path in (run / FOLDER / DEBATES, run / DEBATES):
        if path.is_file():
            return path
    raise DataProblem(f"no debates in {run}; run magdi debate first, or name another run: magdi show RUN [PROBLEM]")
