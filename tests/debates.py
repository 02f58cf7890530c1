"""Debates written down in a line or two, for tests of what reads them."""

from typing import Any

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.usage import Usage

PLUMS = Problem(id="plums", task="arithmetic", question="How many plums are 4 + 4?", gold=Answer("8"))


def turn(agent: str, round: int, answer: str | None, confidence: float | None = 0.8, **also: Any) -> Turn:
    spoken = {"text": f"{agent} in round {round}", "usage": Usage(calls=1, prompt_tokens=1000, completion_tokens=10)}
    read = None if answer is None else Answer(answer)
    return Turn(agent=agent, round=round, answer=read, confidence=confidence, **(spoken | also))


def failed(agent: str, round: int, error: str = "timeout after 120 s", **also: Any) -> Turn:
    return turn(agent, round, None, None, text="", error=error, **also)


def debate(*turns: Turn, answer: str | None, problem: Problem = PLUMS, **also: Any) -> Debate:
    agents = tuple(dict.fromkeys(turn.agent for turn in turns))
    team = None if answer is None else Answer(answer)
    return Debate(problem=problem, **({"agents": agents, "turns": turns, "stopped": "rounds", "answer": team} | also))


PERSUADED = debate(
    turn("ada", 0, "8", 1.0),
    turn("ben", 0, "7"),
    turn("cyd", 0, "9"),
    turn("ada", 1, "7", parents=(0, 1, 2)),
    turn("ben", 1, "8.0", 0.9, parents=(0, 1, 2)),
    turn("cyd", 1, "5", 0.3, parents=(0, 1, 2)),
    answer="8.0",
)
"""ada is corrupted, ben corrected, cyd goes from one wrong answer to another."""

RING = debate(
    turn("ada", 0, "8"),
    turn("ben", 0, "8"),
    turn("cyd", 0, "7"),
    failed("dan", 0),
    turn("ada", 1, None, parents=(0, 1)),
    failed("ben", 1, parents=(0, 1, 2)),
    turn("cyd", 1, "8", parents=(1, 2)),
    turn("dan", 1, "8", parents=()),
    answer="8",
)

JUDGED = debate(
    turn("ada", 0, "8", 1.0),
    turn("ben", 0, "7", 0.8),
    turn("cyd", 0, "7", 0.8),
    turn("ada", 1, "8", 1.0, parents=(0, 1, 2)),
    turn("ben", 1, "7", 0.8, parents=(0, 1, 2)),
    turn("cyd", 1, "7", 0.8, parents=(0, 1, 2)),
    turn("ben", 2, "8", 0.8, parents=(3, 4, 5)),
    answer="8",
)
"""ben is the judge."""
