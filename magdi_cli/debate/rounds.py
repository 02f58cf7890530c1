"""One problem's debate: ReConcile's round table (arXiv 2309.13007), every round synchronous.

Each agent answers alone; then, round by round, each is shown all turns of the round before, its own
included. A failed call is a turn with an error: nobody is shown it and it has no vote.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Engine, Request, Sampling
from magdi_cli.core.voting import Same, confidence_vote, group_answers
from magdi_cli.debate.prompts import REPLY_SCHEMA, opening, revision
from magdi_cli.debate.reply import read_reply
from magdi_cli.tasks.answers import equivalent


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """An agent at the table."""

    name: str
    engine: Engine
    sampling: Sampling
    index: int = 0
    """Which of the seats with this very model it is; keeps their calls apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTable:
    """The protocol: who sits there, how long they talk, when they stop."""

    seats: tuple[Seat, ...]
    rounds: int
    """Discussion rounds after round 0."""
    stop: Literal["agreement", "never"]

    async def debate(self, problem: Problem) -> Debate:
        """The debate about one problem, ended by agreement or by the last round."""
        turns: list[Turn] = []
        agreed = False
        for number in range(self.rounds + 1):
            turns += await self._round(problem, number, turns)
            agreed = await asyncio.to_thread(agree, turns[-len(self.seats) :], problem)
            if agreed and self.stop == "agreement":
                break
        last = turns[-len(self.seats) :]
        return Debate(
            problem=problem,
            agents=tuple(seat.name for seat in self.seats),
            turns=tuple(turns),
            stopped="agreement" if agreed else "rounds",
            answer=await asyncio.to_thread(team_answer, last, problem),
        )

    async def _round(self, problem: Problem, number: int, turns: Sequence[Turn]) -> list[Turn]:
        heard = [i for i, turn in enumerate(turns) if turn.round == number - 1 and turn.error is None]
        groups = await asyncio.to_thread(by_answer, [turns[i] for i in heard], problem)
        return await asyncio.gather(*(_turn(seat, problem, number, tuple(heard), turns, groups) for seat in self.seats))


async def _turn(
    seat: Seat,
    problem: Problem,
    number: int,
    heard: tuple[int, ...],
    turns: Sequence[Turn],
    groups: Sequence[Sequence[Turn]],
) -> Turn:
    own = next((turns[i] for i in heard if turns[i].agent == seat.name), None)
    peer_groups = [peers for group in groups if (peers := [turn for turn in group if turn is not own])]
    completion = await seat.engine.generate(
        Request(
            messages=revision(problem, own, peer_groups) if heard else opening(problem),
            sampling=seat.sampling,
            problem=problem,
            agent=seat.name,
            round=number,
            heard=tuple(turns[i] for i in heard),
            index=seat.index,
            reply_schema=REPLY_SCHEMA,
        )
    )
    spoken = partial(Turn, agent=seat.name, round=number, parents=heard, usage=completion.usage)
    if completion.error is not None:
        return spoken(text="", answer=None, confidence=None, error=completion.error)
    read = await asyncio.to_thread(read_reply, completion.replies[0].text, problem)
    return spoken(text=read.text, answer=read.answer, confidence=read.confidence)


def by_answer(turns: Sequence[Turn], problem: Problem) -> list[list[Turn]]:
    """The turns grouped by verified-equal answer, those without a readable answer last."""
    groups = group_answers([turn.answer for turn in turns], _same(problem))
    unread = [turn for turn in turns if turn.answer is None]
    return [[turns[i] for i in group] for group in groups] + ([unread] if unread else [])


def agree(turns: Sequence[Turn], problem: Problem) -> bool:
    """Whether every agent answered, and all answers are verified equal."""
    answered = all(turn.answer is not None for turn in turns)
    return answered and len(group_answers([turn.answer for turn in turns], _same(problem))) == 1


def team_answer(turns: Sequence[Turn], problem: Problem) -> Answer | None:
    """The confidence-weighted vote of a round."""
    return confidence_vote([turn.answer for turn in turns], [turn.confidence for turn in turns], _same(problem))


def _same(problem: Problem) -> Same:
    return lambda a, b: equivalent(a, b, problem).correct
