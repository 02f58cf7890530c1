"""Worked examples shown before the question: ReConcile's convincing samples (arXiv 2309.13007)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magdi_cli.core.problem import Problem
from magdi_cli.core.records import source_name
from magdi_cli.tasks.prompts import question_text
from magdi_cli.tasks.rows import BadRow, problem_from, question_id
from magdi_cli.tasks.sources import collect, read_rows

SEAT_KEYS = ("seat", "agent")


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """A question with reasoning that leads to its answer."""

    problem: Problem
    """The question, its gold answer, and the rationale in `meta`."""
    seat: str | None = None
    """The seat that this sample convinced; None where it names none."""

    @property
    def question(self) -> str:
        """The question as it is asked, options included."""
        return question_text(self.problem)

    @property
    def reply(self) -> str:
        """The JSON object that answers it; a sample states no confidence."""
        fields = {"reasoning": self.problem.meta["rationale"], "answer": self.problem.gold}
        return json.dumps(fields, ensure_ascii=False)


def read_demos(path: Path) -> tuple[Demo, ...]:
    """The examples of a file of any kind that problems may have; one `DataProblem` names all that is wrong."""
    return tuple(collect(read_rows(path), _demo, source=source_name(path), what="examples"))


def demos_for(demos: Sequence[Demo], seat: str, problem: Problem) -> tuple[Demo, ...]:
    """The examples a seat is shown: never the debated question itself, nor what convinced this very seat.

    A sample that names a seat is for the others; one that names none, or none of the panel, is for all.
    """
    asked = question_id(problem.question)
    return tuple(demo for demo in demos if demo.seat != seat and question_id(demo.problem.question) != asked)


def _demo(_place: str, row: Mapping[str, Any]) -> Demo:
    problem = problem_from(row, "demos")
    if not problem.meta.get("rationale"):
        raise BadRow("no 'rationale', the reasoning that an example is there to show")
    seats = {str(row[key]).strip() for key in SEAT_KEYS if row.get(key)}
    if len(seats) > 1:
        raise BadRow(f"names two seats: {' and '.join(sorted(seats))}")
    return Demo(problem=problem, seat=seats.pop() if seats else None)
