"""Graphs of debates that were written down or drawn, labelled by the real judge."""

from dataclasses import replace

from hypothesis import strategies as st

from magdi_cli.build_graph.build import build_graph
from magdi_cli.build_graph.statistics import GraphStatistics, GraphTally
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.tasks.answers import verify
from tests.debates import debate, failed, turn
from tests.strategies import debates


def judge(answer: Answer | None, of: Problem) -> bool:
    return verify(answer, of).correct


def labelled(of: Debate) -> InteractionGraph:
    return build_graph(of, judge)


def table(*rounds: dict[str, str | None]) -> InteractionGraph:
    """A full round table about PLUMS (gold 8): in each round the seats' answers, None unreadable, `!` a failed call."""
    turns: list[Turn] = []
    for number, answers in enumerate(rounds):
        heard = tuple(i for i, said in enumerate(turns) if said.round == number - 1 and said.error is None)
        turns += [
            failed(agent, number) if answer == "!" else turn(agent, number, answer, parents=heard)
            for agent, answer in answers.items()
        ]
    return labelled(debate(*turns, answer=None))


def statistics(*graphs: InteractionGraph) -> GraphStatistics:
    tally = GraphTally()
    for graph in graphs:
        tally.add(graph)
    return tally.summary()


@st.composite
def crowded(draw: st.DrawFn) -> InteractionGraph:
    """A graph with few different answers in several spellings, in which seats heard any earlier turns."""
    drawn = draw(debates())
    answers = st.sampled_from(["1", "1.0", "2", "2.00", "3", None])
    turns: list[Turn] = []
    for said in drawn.turns:
        earlier = [i for i, heard in enumerate(turns) if heard.round < said.round]
        parents = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        spoken = draw(answers) if said.error is None else None
        turns.append(replace(said, answer=None if spoken is None else Answer(spoken), parents=tuple(parents)))
    problem = replace(drawn.problem, gold=Answer(draw(st.sampled_from(["1", "2"]))))
    return labelled(replace(drawn, problem=problem, turns=tuple(turns)))
