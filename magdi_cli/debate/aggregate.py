"""How a table's turns become the team's answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from magdi_cli.core.debate import Turn
from magdi_cli.core.errors import UnknownName, UsageProblem
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.voting import CONFIDENCE_STEPS, confidence_weight, weighted_vote
from magdi_cli.tasks.answers import same_answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballot:
    """What a vote weighs."""

    weight: Callable[[Turn], int]
    full: int
    """The most that one vote can weigh."""


BY_CONFIDENCE = Ballot(weight=lambda turn: confidence_weight(turn.confidence), full=CONFIDENCE_STEPS[0][1])
BY_HEAD = Ballot(weight=lambda _: 1, full=1)

BALLOTS: Mapping[str, Ballot] = MappingProxyType({"confidence": BY_CONFIDENCE, "majority": BY_HEAD, "judge": BY_HEAD})
"""How votes count while a debate goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Aggregate:
    """The rule that makes the team's answer."""

    kind: Literal["confidence", "majority", "judge"]
    judge: str | None = None
    """The seat that has the last word; None where votes decide."""

    @property
    def ballot(self) -> Ballot:
        """What each vote weighs while the debate goes on."""
        return BALLOTS[self.kind]


VOTES: Mapping[str, Aggregate] = MappingProxyType(
    {"confidence": Aggregate(kind="confidence"), "majority": Aggregate(kind="majority")}
)
"""The rules that need no judge."""


def parse_aggregate(text: str, seats: Sequence[str]) -> Aggregate:
    """The rule of `--aggregate`; `seats` are the names a judge may have."""
    name = text.strip()
    if vote := VOTES.get(name):
        return vote
    if not name:
        raise UsageProblem("--aggregate is empty; give confidence, majority or judge:SEAT")
    if name.partition(":")[0] != "judge":
        raise UnknownName("aggregate", name, [*VOTES, "judge:SEAT"])
    seat = name.removeprefix("judge").removeprefix(":").strip()
    if not seat:
        raise UsageProblem(f"--aggregate {name} names no seat; give judge:SEAT, SEAT being one of {', '.join(seats)}")
    if seat not in seats:
        raise UnknownName("seat to judge", seat, seats)
    return Aggregate(kind="judge", judge=seat)


def team_answer(last: Sequence[Turn], verdict: Turn | None, problem: Problem, aggregate: Aggregate) -> Answer | None:
    """The team's answer after the last round and, where a judge spoke, its verdict; None when nobody answered.

    A verdict decides if its answer can be read. Without one, because the panel agreed, the call
    failed or the reply was unreadable, the votes of the last round do.
    """
    if verdict is not None and verdict.answer is not None:
        return verdict.answer
    ballot = BY_HEAD if aggregate.kind == "majority" else BY_CONFIDENCE
    return weighted_vote([turn.answer for turn in last], [ballot.weight(turn) for turn in last], same_answer(problem))
