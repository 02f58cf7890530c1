"""Interaction graphs for the tests of this folder: made by hand, and drawn by hypothesis."""

from collections.abc import Sequence

from hypothesis import strategies as st

from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.problem import Answer, Problem

SEATS = ("ada", "bob", "cyd")


def graph(verdicts: Sequence[str], *, number: int = 1, texts: Sequence[str] | None = None) -> InteractionGraph:
    """A full round-table graph: one string a round, one letter a seat: `+` correct, `-` incorrect, `?` unanswered.

    A space is a failed call, which leaves no node.
    """
    nodes = []
    for round_, letters in enumerate(verdicts):
        for seat, letter in zip(SEATS, letters, strict=False):
            if letter != " ":
                nodes.append(_node(seat, round_, letter, number, texts[len(nodes)] if texts else None))
    edges = tuple(
        (start, end)
        for start, speaker in enumerate(nodes)
        for end, listener in enumerate(nodes)
        if listener.round == speaker.round + 1
    )
    return InteractionGraph(problem=problem(number), nodes=tuple(nodes), edges=edges)


def problem(number: int) -> Problem:
    return Problem(id=f"p{number}", task="arithmetic", question=f"What is {number} + 1?", gold=Answer(str(number + 1)))


def _node(seat: str, round_: int, letter: str, number: int, text: str | None) -> Node:
    answer = {"+": Answer(str(number + 1)), "-": Answer(str(number + 5)), "?": None}[letter]
    text = f"{seat} adds in round {round_}." if text is None else text
    return Node(agent=seat, round=round_, text=text, answer=answer, correct=letter == "+")


def graphs() -> st.SearchStrategy[InteractionGraph]:
    """Any full round-table graph of three seats, failed calls included."""
    letters = st.text(alphabet="+-? ", min_size=3, max_size=3)
    return st.builds(graph, st.lists(letters, min_size=1, max_size=4), number=st.integers(min_value=1, max_value=99))
