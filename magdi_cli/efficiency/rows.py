"""Tokens, accuracy and money by task and system: numbers in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

DEBATE = "debate"
"""The system that all others are compared with: the teachers' whole debate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What one system needs for an answer to one task."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    task: str
    """`average` for the mean over the tasks that a system was measured on."""
    n: int
    """Problems it was measured on."""
    system: str
    tokens_per_question: float
    """Generated tokens, over all agents, rounds and samples; prompts are not counted (arXiv 2402.01620, figure 4)."""
    accuracy: float
    cost_usd: float | None
    """Dollars a question; None where a price is not known."""
    ratio: float | None = None
    """Tokens of the debate over tokens of this system; None without debates on the task."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Efficiency:
    """What answers cost, by task and on average."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.efficiency/1"] = "magdi.efficiency/1"
    rows: tuple[Row, ...]
    average: dict[str, Row]
    """By system, the mean over its tasks."""


def efficiency(rows: Sequence[Row]) -> Efficiency:
    """The rows by task, the debate's first, each with its ratio to the debate on the same task; and averages."""
    debate = {row.task: row.tokens_per_question for row in rows if row.system == DEBATE}
    ordered = sorted(rows, key=lambda row: (row.task, row.system != DEBATE, row.system))
    systems = dict.fromkeys(row.system for row in ordered)
    return Efficiency(
        rows=tuple(replace(row, ratio=_ratio(debate.get(row.task), row.tokens_per_question)) for row in ordered),
        average={system: _average([row for row in ordered if row.system == system], debate) for system in systems},
    )


def _average(own: Sequence[Row], debate: dict[str, float]) -> Row:
    """A system's mean over its tasks; its ratio is taken over the tasks that were debated as well."""
    shared = [row for row in own if row.task in debate]
    costs = [row.cost_usd for row in own if row.cost_usd is not None]
    debated = sum(debate[row.task] for row in shared) if shared else None
    return Row(
        task="average",
        n=sum(row.n for row in own),
        system=own[0].system,
        tokens_per_question=_mean([row.tokens_per_question for row in own]),
        accuracy=_mean([row.accuracy for row in own]),
        cost_usd=_mean(costs) if len(costs) == len(own) else None,
        ratio=_ratio(debated, sum(row.tokens_per_question for row in shared)),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _ratio(of: float | None, over: float) -> float | None:
    return of / over if of is not None and over > 0 else None
