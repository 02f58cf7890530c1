"""A debate as its interaction graph: nodes labelled, edges as recorded."""

from collections.abc import Callable

from magdi_cli.core.debate import Debate
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer, Problem

Judge = Callable[[Answer | None, Problem], bool]
"""Whether an answer is verified equal to the problem's gold."""


def build_graph(debate: Debate, judge: Judge) -> InteractionGraph:
    """The interaction graph of a debate: a node for each turn that was spoken, an edge for each that was heard.

    A failed call leaves neither node nor edge; a turn whose answer could not be read is an incorrect node.
    """
    spoken = [index for index, turn in enumerate(debate.turns) if turn.error is None]
    position = {turn: node for node, turn in enumerate(spoken)}
    turns = [debate.turns[index] for index in spoken]
    return InteractionGraph(
        problem=debate.problem,
        nodes=tuple(
            Node(
                agent=turn.agent,
                round=turn.round,
                text=turn.text,
                answer=turn.answer,
                correct=judge(turn.answer, debate.problem),
            )
            for turn in turns
        ),
        edges=tuple(
            (position[parent], node) for node, turn in enumerate(turns) for parent in turn.parents if parent in position
        ),
    )
