"""Requests and problems for tests of engines."""

from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Message, Request, Sampling

APPLES = Problem(
    id="apples",
    task="arithmetic",
    question="Ann has 3 apples and buys 4. She eats 2. How many are left?",
    gold=Answer("5"),
    meta={
        "rationale": "Ann has 3. 3 + 4 = 7. 7 - 2 = 5.",
        "steps": [
            {"left": 3, "op": "+", "right": 4, "text": "Ann has 3. {left} + {right} = {result}."},
            {"left": 7, "op": "-", "right": 2, "text": "{left} - {right} = {result}."},
        ],
    },
)


def ask(
    text: str = "How many?",
    *,
    problem: Problem = APPLES,
    agent: str = "ann",
    round: int = 0,
    heard: tuple[Turn, ...] = (),
    index: int = 0,
    schema: dict[str, object] | None = None,
    **sampling: float,
) -> Request:
    """A request with one user message."""
    return Request(
        messages=(Message(role="user", content=text),),
        sampling=Sampling(**sampling),
        problem=problem,
        agent=agent,
        round=round,
        heard=heard,
        index=index,
        reply_schema=schema,
    )
