"""Random problems, debates and graphs that are valid by construction."""

from typing import Any

from hypothesis import strategies as st

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.usage import Usage

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
words = st.text("abcdefgh", min_size=1, max_size=6)
numbers = st.integers(-99, 99).map(lambda n: Answer(str(n)))
usages = st.builds(
    Usage,
    calls=st.integers(0, 9),
    prompt_tokens=st.integers(0, 999),
    completion_tokens=st.integers(0, 999),
    seconds=st.integers(0, 9).map(float),
    cost_usd=st.none() | st.integers(0, 9).map(float),
)


def problem(id: str = "p1", gold: str = "4", **changes: Any) -> Problem:
    """A problem about numbers."""
    return Problem(id=id, task="toy", question="What is 2 + 2?", gold=Answer(gold), **changes)


problems = st.builds(problem, id=words, gold=numbers)


@st.composite
def debates(draw: st.DrawFn) -> Debate:
    """A full round table, with failed calls and unreadable answers strewn in."""
    agents = draw(st.lists(words, min_size=2, max_size=4, unique=True))
    rounds = draw(st.integers(0, 3))
    turns: list[Turn] = []
    for number in range(rounds + 1):
        heard = tuple(i for i, turn in enumerate(turns) if turn.round == number - 1 and turn.error is None)
        turns += [draw(_turn(agent, number, heard)) for agent in agents]
    return Debate(
        problem=draw(problems),
        agents=tuple(agents),
        turns=tuple(turns),
        stopped="rounds",
        answer=draw(st.none() | numbers),
    )


@st.composite
def _turn(draw: st.DrawFn, agent: str, number: int, heard: tuple[int, ...]) -> Turn:
    failed = draw(st.integers(0, 9)) == 0
    return Turn(
        agent=agent,
        round=number,
        text="" if failed else draw(texts),
        answer=None if failed else draw(st.none() | numbers),
        confidence=None if failed else draw(st.none() | st.floats(0, 1)),
        parents=heard,
        usage=draw(usages),
        error="timeout" if failed else None,
    )


@st.composite
def graphs(draw: st.DrawFn) -> InteractionGraph:
    """A full interaction graph with random verdicts."""
    agents = draw(st.lists(words, min_size=1, max_size=4, unique=True))
    rounds = draw(st.integers(1, 4))
    nodes = [
        Node(agent=agent, round=number, text=f"{agent} says {number}", answer=Answer("4"), correct=draw(st.booleans()))
        for number in range(rounds)
        for agent in agents
    ]
    edges = [(i, j) for i, a in enumerate(nodes) for j, b in enumerate(nodes) if b.round == a.round + 1]
    return InteractionGraph(problem=draw(problems), nodes=tuple(nodes), edges=tuple(edges))
