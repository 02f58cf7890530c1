import pytest
from hypothesis import given

from magdi_cli.build_graph.build import build_graph
from magdi_cli.build_graph.validate import outline, to_networkx, violations
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer, Problem
from tests.strategies import debates, problem


def judge(answer: Answer | None, of: Problem) -> bool:
    return answer is not None and answer == of.gold


@given(debates())
def test_a_node_for_every_turn_that_was_spoken_and_none_for_a_failed_call(debate: Debate) -> None:
    graph = build_graph(debate, judge)
    spoken = [turn for turn in debate.turns if turn.error is None]
    assert [(n.agent, n.round, n.text, n.answer) for n in graph.nodes] == [
        (t.agent, t.round, t.text, t.answer) for t in spoken
    ]
    assert all(node.correct == (node.answer == debate.problem.gold) for node in graph.nodes)


@given(debates())
def test_every_edge_was_heard_and_leads_one_round_on(debate: Debate) -> None:
    graph = build_graph(debate, judge)
    assert all(graph.nodes[b].round == graph.nodes[a].round + 1 for a, b in graph.edges)
    assert len(graph.edges) == sum(len(turn.parents) for turn in debate.turns if turn.error is None)


@given(debates())
def test_graphs_of_real_debates_have_no_cycle_and_no_orphan(debate: Debate) -> None:
    if build_graph(debate, judge).nodes:
        assert [fault for fault in violations(outline(debate)) if "neither text" not in fault] == []


@pytest.mark.parametrize("last_round", range(4))
@pytest.mark.parametrize("agents", ["ab", "abc", "abcde"])
def test_an_early_end_leaves_a_node_an_agent_and_all_edges_a_round_and_no_placeholder(
    agents: str, last_round: int
) -> None:
    turns: list[Turn] = []
    for number in range(last_round + 1):
        heard = tuple(range(len(turns) - len(agents), len(turns))) if number else ()
        turns += [
            Turn(agent=a, round=number, text="t", answer=Answer("4"), confidence=None, parents=heard) for a in agents
        ]
    debate = Debate(
        problem=problem(), agents=tuple(agents), turns=tuple(turns), stopped="agreement", answer=Answer("4")
    )
    graph = build_graph(debate, judge)
    assert (len(graph.nodes), len(graph.edges)) == (len(agents) * (last_round + 1), len(agents) ** 2 * last_round)


def test_networkx_sees_what_we_see() -> None:
    nodes = tuple(Node(agent=a, round=r, text="t", answer=Answer("4"), correct=True) for r in (0, 1) for a in "ab")
    made = to_networkx(InteractionGraph(problem=problem(), nodes=nodes, edges=((0, 2), (1, 2), (0, 3), (1, 3))))
    assert sorted(made.edges) == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert made.nodes[2] == {"agent": "a", "round": 1, "correct": True, "answer": "4", "text": "t"}
