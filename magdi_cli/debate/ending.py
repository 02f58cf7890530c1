"""When a debate ends before its last round."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Problem
from magdi_cli.core.voting import group_answers
from magdi_cli.debate.aggregate import Aggregate
from magdi_cli.tasks.answers import same_answer

Stop = Callable[[Sequence[Turn], Sequence[Turn], Problem, Aggregate], bool]
"""From the turns of this round and of the round before (none in round 0) to whether the debate is over."""


def agree(turns: Sequence[Turn], problem: Problem) -> bool:
    """Whether every agent answered, and all answers are verified equal."""
    answers = [turn.answer for turn in turns]
    return None not in answers and len(group_answers(answers, same_answer(problem))) == 1


def settled(now: Sequence[Turn], before: Sequence[Turn], problem: Problem) -> list[Turn]:
    """The turns whose answer is readable and verified equal to their seat's answer in the round before."""
    same = same_answer(problem)
    earlier = {turn.agent: turn.answer for turn in before}
    return [
        turn
        for turn in now
        if turn.answer is not None and (held := earlier.get(turn.agent)) is not None and same(held, turn.answer)
    ]


def stable(now: Sequence[Turn], before: Sequence[Turn], problem: Problem, aggregate: Aggregate) -> bool:
    """Whether all agree, or no open vote can change the result.

    A seat is settled when its answer in this round is verified equal to its answer in the round
    before; all other votes are open: of seats that changed their mind, could not be read or failed.
    Settled votes weigh what the aggregate says: ReConcile's tenths under `confidence`, one each under
    `majority` and `judge`. All open votes are granted, at full weight (ten tenths, or one), to the
    strongest other settled answer, or to an answer that nobody settled on. The result is stable if the
    leading settled answer still weighs strictly more; a tie, which the tie rule would decide, leaves it
    open. Without settled votes, as in round 0, only agreement counts.
    """
    if agree(now, problem):
        return True
    votes = settled(now, before, problem)
    groups = group_answers([turn.answer for turn in votes], same_answer(problem))
    weights = sorted((sum(aggregate.ballot.weight(votes[i]) for i in group) for group in groups), reverse=True)
    open_weight = (len(now) - len(votes)) * aggregate.ballot.full
    leader, rival, *_ = [*weights, 0, 0]
    return leader > rival + open_weight


STOPS: Mapping[str, Stop] = MappingProxyType(
    {
        "agreement": lambda now, _before, problem, _aggregate: agree(now, problem),
        "stable": stable,
        "never": lambda _now, _before, _problem, _aggregate: False,
    }
)
"""The rules of `--stop`."""
