"""Turns in one line."""

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Answer


def turn(
    agent: str,
    answer: str | None,
    confidence: float | None = 0.8,
    *,
    round: int = 0,
    error: str | None = None,
    parents: tuple[int, ...] = (),
) -> Turn:
    """What an agent said, or that its call failed."""
    return Turn(
        agent=agent,
        round=round,
        text="" if error else f"I reasoned to {answer}.",
        answer=None if answer is None else Answer(answer),
        confidence=None if error else confidence,
        parents=parents,
        error=error,
    )


def spoken(*answers: str | None, round: int = 0, confidences: tuple[float, ...] = ()) -> list[Turn]:
    """A round in which seats a, b, c, ... give these answers; `!` is a failed call."""
    sure = confidences or (0.8,) * len(answers)
    return [
        turn(agent, None if answer == "!" else answer, sureness, round=round, error="500" if answer == "!" else None)
        for agent, answer, sureness in zip("abcdefgh", answers, sure, strict=False)
    ]
