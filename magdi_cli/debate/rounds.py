"""One problem's debate: ReConcile's round table (arXiv 2309.13007) and its variants, every round synchronous.

Each agent answers alone; then, round by round, each is shown the last turns that the topology gives it, its
own included. A reply in which no answer can be read is asked for once more. A failed call is a turn with an
error: nobody is shown it and it has no vote.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.flow import together
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Completion, Engine, Message, Request, Sampling
from magdi_cli.core.voting import group_answers
from magdi_cli.debate.aggregate import VOTES, Aggregate, team_answer
from magdi_cli.debate.demos import Demo, demos_for
from magdi_cli.debate.ending import STOPS, agree
from magdi_cli.debate.prompts import REPLY_SCHEMA, Templates
from magdi_cli.debate.reply import ReadReply, read_reply
from magdi_cli.debate.topology import TOPOLOGIES
from magdi_cli.tasks.answers import same_answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """An agent at the table."""

    name: str
    engine: Engine
    sampling: Sampling
    index: int = 0
    """Which of the seats with this very model it is; keeps their calls apart."""
    persona: str = ""
    """Who it was told to be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTable:
    """The protocol: who sits there, what they are asked, who hears whom, when they stop, who decides."""

    seats: tuple[Seat, ...]
    templates: Templates
    rounds: int
    """Discussion rounds after round 0."""
    stop: str = "agreement"
    """A name of `STOPS`."""
    topology: str = "full"
    """A name of `TOPOLOGIES`."""
    aggregate: Aggregate = VOTES["confidence"]
    demos: tuple[Demo, ...] = ()
    deadline_seconds: float | None = None
    """How long a debate may begin new calls."""

    async def debate(self, problem: Problem) -> Debate:
        """The debate about one problem, ended by the stop rule or by the last round."""
        floor = _Floor(self, problem, self._deadline())
        over = False
        for number in range(self.rounds + 1):
            await floor.hold_round(number)
            over = await asyncio.to_thread(floor.is_over)
            if over:
                break
        agreed = await asyncio.to_thread(agree, floor.last, problem)
        verdict = None if agreed or self.aggregate.judge is None else await floor.judge(self.aggregate.judge)
        return Debate(
            problem=problem,
            agents=tuple(seat.name for seat in self.seats),
            turns=tuple(floor.turns),
            stopped="agreement" if agreed else "stable" if over else "rounds",
            answer=await asyncio.to_thread(team_answer, floor.last, verdict, problem, self.aggregate),
        )

    def _deadline(self) -> float | None:
        if self.deadline_seconds is None:
            return None
        return asyncio.get_running_loop().time() + self.deadline_seconds


class _Floor:
    """One debate while it is held."""

    def __init__(self, table: RoundTable, problem: Problem, deadline: float | None) -> None:
        self.table, self.problem, self.deadline = table, problem, deadline
        self.turns: list[Turn] = []
        self.last: list[Turn] = []
        """The turns of the last round that every seat spoke in."""
        self._before: list[Turn] = []

    async def hold_round(self, number: int) -> None:
        """Every seat's turn of a round, all at once."""
        seats = enumerate(self.table.seats)
        speaking = [self._turn(seat, number, self._heard_by(position)) for position, seat in seats]
        self._before, self.last = self.last, await together(speaking)
        self.turns += self.last

    def is_over(self) -> bool:
        """Whether the stop rule ends the debate after the last round."""
        return STOPS[self.table.stop](self.last, self._before, self.problem, self.table.aggregate)

    async def judge(self, name: str) -> Turn | None:
        """A seat's verdict, given alone after it was shown the whole last round; None if nobody spoke there."""
        seat = next(seat for seat in self.table.seats if seat.name == name)
        heard = self._spoken(range(len(self.table.seats)))
        if not heard:
            return None
        self.turns.append(await self._turn(seat, self.last[0].round + 1, heard, verdict=True))
        return self.turns[-1]

    def _heard_by(self, position: int) -> tuple[int, ...]:
        """The turns of the last round that a seat is shown, as indices."""
        return self._spoken(TOPOLOGIES[self.table.topology](position, len(self.table.seats)))

    def _spoken(self, positions: Sequence[int] | frozenset[int]) -> tuple[int, ...]:
        first = len(self.turns) - len(self.last)
        return tuple(first + i for i, turn in enumerate(self.last) if i in positions and turn.error is None)

    async def _turn(self, seat: Seat, number: int, heard: tuple[int, ...], *, verdict: bool = False) -> Turn:
        shown = tuple(self.turns[i] for i in heard)
        # turns that were shown are compared, which may take long
        messages = await asyncio.to_thread(self._chat, seat, shown, verdict) if shown else self._chat(seat, (), verdict)
        ask = partial(self._ask, seat, number, shown)
        completion = await ask(messages)
        spoken = partial(Turn, agent=seat.name, round=number, parents=heard)
        if completion.error is not None:
            return spoken(text="", answer=None, confidence=None, usage=completion.usage, error=completion.error)
        read, usage = await self._read(completion), completion.usage
        if read.answer is None:
            again = await ask(self.table.templates.again(self.problem, messages, completion.replies[0].text))
            usage += again.usage
            if again.error is not None:
                return spoken(text="", answer=None, confidence=None, usage=usage, error=again.error)
            second = await self._read(again)
            read = second if second.answer is not None else read
        return spoken(text=read.text, answer=read.answer, confidence=read.confidence, usage=usage)

    async def _ask(self, seat: Seat, number: int, shown: tuple[Turn, ...], messages: tuple[Message, ...]) -> Completion:
        return await seat.engine.generate(
            Request(
                messages=messages,
                sampling=seat.sampling,
                problem=self.problem,
                agent=seat.name,
                round=number,
                heard=shown,
                # a round that hears what the round before heard is a new draw, not the same call again
                index=seat.index + number * len(self.table.seats),
                reply_schema=REPLY_SCHEMA,
                deadline=self.deadline,
                prompts=self.table.templates.fingerprint,
            )
        )

    async def _read(self, completion: Completion) -> ReadReply:
        return await asyncio.to_thread(read_reply, completion.replies[0].text, self.problem)

    def _chat(self, seat: Seat, shown: Sequence[Turn], verdict: bool) -> tuple[Message, ...]:
        """What a seat is asked: alone, after hearing others, or as the judge."""
        templates, problem = self.table.templates, self.problem
        persona, demos = seat.persona, demos_for(self.table.demos, seat.name, problem)
        if not shown:
            return templates.opening(problem, persona=persona, demos=demos)
        groups = by_answer(shown, problem)
        if verdict:
            return templates.verdict(problem, groups, persona=persona, demos=demos)
        own = next((turn for turn in shown if turn.agent == seat.name), None)
        peers = [others for group in groups if (others := [turn for turn in group if turn is not own])]
        return templates.revision(problem, own, peers, persona=persona, demos=demos)


def by_answer(turns: Sequence[Turn], problem: Problem) -> list[list[Turn]]:
    """The turns grouped by verified-equal answer, those without a readable answer last."""
    groups = group_answers([turn.answer for turn in turns], same_answer(problem))
    unread = [turn for turn in turns if turn.answer is None]
    return [[turns[i] for i in group] for group in groups] + ([unread] if unread else [])
