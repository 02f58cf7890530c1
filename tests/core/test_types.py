"""Wrong states cannot be written down."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.evaluation import Prediction
from magdi_cli.core.graph import InteractionGraph, Node, find_cycle
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.usage import Usage
from tests.strategies import debates, problem, usages


def turn(agent: str, round: int, parents: tuple[int, ...] = ()) -> Turn:
    return Turn(agent=agent, round=round, text="t", answer=Answer("4"), confidence=0.5, parents=parents)


def debate(*turns: Turn) -> Debate:
    return Debate(problem=problem(), agents=("a", "b"), turns=turns, stopped="rounds", answer=None)


def node(agent: str, round: int) -> Node:
    return Node(agent=agent, round=round, text="t", answer=Answer("4"), correct=True)


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ((turn("c", 0),), "who has no seat"),
        ((turn("a", 0), turn("a", 0)), "speaks twice in round 0"),
        ((turn("a", 0, (7,)),), "turn 7, which does not exist"),
        ((turn("a", 0), turn("b", 0, (0,))), "hears earlier rounds only"),
        ((turn("a", 0, (1,)), turn("b", 1, (0,))), "a cycle"),
    ],
)
def test_an_impossible_debate_is_refused(turns: tuple[Turn, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        debate(*turns)


def test_a_failed_call_has_no_answer() -> None:
    with pytest.raises(ValueError, match="neither text nor answer"):
        Turn(agent="a", round=0, text="", answer=Answer("4"), confidence=None, error="timeout")


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_lies_between_0_and_1(confidence: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        Turn(agent="a", round=0, text="t", answer=None, confidence=confidence)


@pytest.mark.parametrize("changes", [{"id": ""}, {"gold": " "}, {"question": "\n"}])
def test_a_problem_has_id_question_and_gold(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is empty"):
        Problem(**{"id": "p", "task": "t", "question": "q", "gold": Answer("1")} | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        (((0, 5),), "leaves the graph of 3 nodes"),
        (((0, 2), (0, 2)), "given twice"),
        (((2, 0),), "edges lead to later rounds"),
        (((0, 1),), "edges lead to later rounds"),
        (((0, 2), (2, 0)), "cycle (a@0 -> a@1 -> a@0|a@1 -> a@0 -> a@1)"),
    ],
)
def test_an_impossible_graph_is_refused(edges: tuple[tuple[int, int], ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        InteractionGraph(problem=problem(), nodes=(node("a", 0), node("b", 0), node("a", 1)), edges=edges)


def test_a_node_is_not_correct_without_an_answer() -> None:
    with pytest.raises(ValueError, match="correct without an answer"):
        Node(agent="a", round=0, text="t", answer=None, correct=True)


def test_a_prediction_is_not_correct_without_an_answer() -> None:
    with pytest.raises(ValueError, match="correct without an answer"):
        Prediction(problem=problem(), samples=(), answer=None, correct=True)


def test_a_cycle_is_found_and_named() -> None:
    assert find_cycle([(0, 1), (1, 2)]) is None
    cycle = find_cycle([(0, 1), (1, 2), (2, 0)])
    assert cycle is not None
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {0, 1, 2}


@given(debates())
def test_the_last_round_is_one_turn_per_agent(debate: Debate) -> None:
    assert [turn.agent for turn in debate.last_round] == list(debate.agents)
    assert debate.verdict is None


@given(debates())
def test_a_judges_verdict_comes_after_the_last_round_and_is_none_of_it(debate: Debate) -> None:
    before = debate.last_round
    spoken = replace(before[0], round=before[0].round + 1, parents=())
    judged = replace(debate, turns=(*debate.turns, spoken))
    assert judged.verdict == (spoken if len(debate.agents) > 1 else None)
    assert len(debate.agents) == 1 or judged.last_round == before


@given(st.lists(usages))
def test_usage_adds_up_in_any_order(parts: list[Usage]) -> None:
    assert sum(parts, Usage()) == sum(reversed(parts), Usage())


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    assert (Usage(cost_usd=1.0) + Usage(cost_usd=None)).cost_usd is None
