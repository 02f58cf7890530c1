"""Debates held with teachers who say nothing, to see what they would read and write."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Completion, Reply, Request
from magdi_cli.core.usage import Usage
from magdi_cli.debate.habits import SeatHabit
from magdi_cli.debate.plan import Plan
from magdi_cli.engines.teachers import Teacher
from magdi_cli.engines.tokens import count_tokens

SAMPLE = 24
"""Problems that are rehearsed; the others are taken to be like them."""
FILLER = " word"
"""One token of a reply."""
ANSWER = {"answer": "0", "confidence_level": 0.8}


@dataclass(kw_only=True, slots=True)
class Load:
    """Calls and tokens, possibly a share of a call."""

    calls: float = 0.0
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0

    def add(self, other: "Load", times: float = 1.0) -> None:
        """Add another load, so many times."""
        self.calls += times * other.calls
        self.prompt_tokens += times * other.prompt_tokens
        self.completion_tokens += times * other.completion_tokens

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return round(self.prompt_tokens + self.completion_tokens)


Loads = Mapping[tuple[str, int], Load]
"""By seat and round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mute:
    """A teacher whose replies have a length and an answer, and say nothing."""

    model: str
    right: bool
    """Whether it answers with the gold: a panel of both kinds never agrees."""
    habit: SeatHabit
    stubborn: bool
    """Whether it has to be asked twice for a readable answer."""
    loads: dict[tuple[str, int], Load]

    async def generate(self, request: Request) -> Completion:
        """A reply of the length that is usual for the seat."""
        asked = 1.0 if self.stubborn else self.habit.asks
        counted = sum(count_tokens(message.content) for message in request.messages)
        load = Load(calls=1, prompt_tokens=counted * self.habit.reads, completion_tokens=self.habit.writes)
        self.loads[request.agent, request.round].add(load, asked)
        reply = Reply(text=self._text(request), completion_tokens=round(self.habit.writes))
        return Completion(replies=(reply,), usage=Usage(calls=1))

    def _text(self, request: Request) -> str:
        if self.stubborn and not any(message.role == "assistant" for message in request.messages):
            return FILLER * round(self.habit.shows)
        answer = request.problem.gold if self.right else another_answer(request.problem)
        frame = json.dumps({"reasoning": "", **ANSWER, "answer": answer})
        words = FILLER * max(0, round(self.habit.shows) - count_tokens(frame))
        return frame.replace('""', f'"{words}"', 1)


def rehearse(
    plan: Plan, problems: Sequence[Problem], habit: Callable[[Teacher], SeatHabit], *, stubborn: bool = False
) -> Loads:
    """The mean load of one debate held to its last round, by seat and round."""
    sample = _spread(problems)
    loads: dict[tuple[str, int], Load] = defaultdict(Load)
    panel = {
        teacher.name: Mute(
            model=teacher.model, right=position == 0, habit=habit(teacher), stubborn=stubborn, loads=loads
        )
        for position, teacher in enumerate(plan.teachers)
    }
    table = replace(plan.table(panel), stop="never", deadline_seconds=None)

    async def hold() -> None:
        for problem in sample:
            await table.debate(problem)

    asyncio.run(hold())
    means: dict[tuple[str, int], Load] = defaultdict(Load)
    for place, load in loads.items():
        means[place].add(load, 1 / len(sample))
    return means


def _spread(problems: Sequence[Problem]) -> list[Problem]:
    """Up to `SAMPLE` problems from all over the list."""
    size = min(SAMPLE, len(problems))
    return [problems[position * len(problems) // size] for position in range(size)]


def another_answer(problem: Problem) -> str:
    """An answer of the right form that is not the gold."""
    options = ["yes", "no"] if problem.gold in ("yes", "no") else ["A", "B"] if problem.choices else ["0", "1"]
    return next(option for option in options if option != problem.gold)
