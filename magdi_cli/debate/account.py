"""What follows from a debate's record: who was right, who changed their mind, how the vote stood."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.problem import Answer
from magdi_cli.core.usage import Usage
from magdi_cli.core.voting import confidence_weight, group_answers
from magdi_cli.tasks.answers import equivalent, same_answer, verify

TENTHS = 10

Outcome = Literal["right", "wrong", "unreadable", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnReading:
    """What a turn came to."""

    outcome: Outcome
    shown_all: bool
    """Whether its seat was shown all that the round before had brought."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A seat's answer that is not the one it gave before."""

    turn: int
    """Index into the debate's turns."""
    agent: str
    round: int
    before: Answer
    after: Answer
    kind: Literal["corrected", "corrupted", "changed"]
    """From wrong to right, from right to wrong, or from one wrong answer to another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteGroup:
    """Seats whose answers are verified equal."""

    answer: Answer
    correct: bool
    agents: tuple[str, ...]
    weights: tuple[float, ...]
    """Each agent's recalibrated confidence."""
    weight: float
    """Their sum."""
    team: bool
    """Whether the team answered this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """How a debate's last full round stood."""

    round: int
    groups: tuple[VoteGroup, ...]
    """The heaviest first."""
    silent: tuple[str, ...]
    """Seats without a vote: their call failed, or no answer could be read."""
    judge: str | None
    """The seat that gave a verdict after the last full round; None where nobody did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DebateReading:
    """One debate and what follows from it."""

    schema: Literal["magdi.show/1"] = "magdi.show/1"
    shows: Literal["debate"] = "debate"
    run: str
    number: int
    debate: Debate
    correct: bool
    """Whether the team's answer is verified equal to gold."""
    readings: tuple[TurnReading, ...]
    """One for each turn of the debate."""
    changes: tuple[Change, ...]
    vote: Vote
    usage: Usage


def read_debate(debate: Debate, *, number: int, run: str) -> DebateReading:
    """A debate and what follows from it."""
    return DebateReading(
        run=run,
        number=number,
        debate=debate,
        correct=verify(debate.answer, debate.problem).correct,
        readings=tuple(
            TurnReading(outcome=_outcome(turn, debate), shown_all=_shown_all(turn, debate)) for turn in debate.turns
        ),
        changes=tuple(changes(debate)),
        vote=vote(debate),
        usage=debate.usage,
    )


def changes(debate: Debate) -> Iterator[Change]:
    """Every change of mind; a seat's readable answer is compared with its last readable one before."""
    before: dict[str, Answer] = {}
    for index, turn in enumerate(debate.turns):
        if turn.answer is None:
            continue
        old = before.get(turn.agent)
        if old is not None and not equivalent(old, turn.answer, debate.problem).correct:
            yield Change(
                turn=index,
                agent=turn.agent,
                round=turn.round,
                before=old,
                after=turn.answer,
                kind=_kind(verify(old, debate.problem).correct, verify(turn.answer, debate.problem).correct),
            )
        before[turn.agent] = turn.answer


def vote(debate: Debate) -> Vote:
    """The answers of the last full round, grouped and weighed."""
    last = debate.last_round
    groups = group_answers([turn.answer for turn in last], same_answer(debate.problem))
    shown = [_group([last[position] for position in group], debate) for group in groups]
    return Vote(
        round=last[0].round if last else 0,
        groups=tuple(sorted(shown, key=lambda group: (-group.weight, -len(group.agents)))),
        silent=tuple(turn.agent for turn in last if turn.answer is None),
        judge=debate.verdict.agent if debate.verdict else None,
    )


def _group(turns: Sequence[Turn], debate: Debate) -> VoteGroup:
    answer = turns[0].answer
    if answer is None:
        raise ValueError("a turn without an answer has no vote")
    tenths = [confidence_weight(turn.confidence) for turn in turns]
    return VoteGroup(
        answer=answer,
        correct=verify(answer, debate.problem).correct,
        agents=tuple(turn.agent for turn in turns),
        weights=tuple(weight / TENTHS for weight in tenths),
        weight=sum(tenths) / TENTHS,
        team=equivalent(answer, debate.answer, debate.problem).correct,
    )


def _kind(was_right: bool, is_right: bool) -> Literal["corrected", "corrupted", "changed"]:
    if was_right == is_right:
        return "changed"
    return "corrected" if is_right else "corrupted"


def _outcome(turn: Turn, debate: Debate) -> Outcome:
    if turn.error is not None:
        return "failed"
    if turn.answer is None:
        return "unreadable"
    return "right" if verify(turn.answer, debate.problem).correct else "wrong"


def _shown_all(turn: Turn, debate: Debate) -> bool:
    spoken = {i for i, other in enumerate(debate.turns) if other.round == turn.round - 1 and other.error is None}
    return spoken == set(turn.parents)
