"""`--format mermaid`: `graphs.md`, a flowchart a problem for whatever renders Mermaid in Markdown.

Rounds are columns, seats keep their order within them, edges lead to who heard. A node says who answered what, and is
right or wrong by its mark and by its class.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from magdi_cli.build_graph.exporting import Write
from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.core.printable import one_line
from magdi_cli.core.records import replacing
from magdi_cli.tasks.prompts import question_text

LONGEST_NAME = 30
LONGEST_ANSWER = 40
LONGEST_TITLE = 80
LONGEST_QUESTION = 400
MOST_EDGES = 500
"""Mermaid draws no chart of more, unless its page is told to."""
MOST_CHARACTERS = 50_000
"""The same, for the chart's text."""

_INTRODUCTION = (
    "# Interaction graphs\n\n"
    "A column is a round, an arrow leads from a turn to one that heard it. ✓ solid: right. ✗ dashed: wrong.\n"
)
_CLASSES = ("classDef right stroke:#1a7f37,stroke-width:2px", "classDef wrong stroke:#cf222e,stroke-dasharray:4")
# a full stop within a number is read by nobody as the start of a list or an address
_SPECIAL = re.compile(r"[^\w ,.+=/%()-]|_|\.(?![0-9])")
_MARKUP = re.compile(r"([!-/:-@\[-`{-~])")


@contextmanager
def open_mermaid(folder: Path) -> Iterator[Write]:
    """A writer of `graphs.md`."""
    with replacing(folder / "graphs.md") as handle:
        handle.write(_INTRODUCTION.encode())

        def write(graph: InteractionGraph) -> None:
            handle.write(_section(graph).encode())

        yield write


def chart(graph: InteractionGraph) -> str:
    """The graph as a Mermaid flowchart; the nodes of a round in the order in which their agents first spoke."""
    seat = {agent: place for place, agent in enumerate(dict.fromkeys(node.agent for node in graph.nodes))}
    turns = sorted(enumerate(graph.nodes), key=lambda turn: (turn[1].round, seat[turn[1].agent]))
    lines = ["flowchart LR"]
    for number, spoke in groupby(turns, key=lambda turn: turn[1].round):
        boxes = [_box(index, node) for index, node in spoke]
        # without its own direction a round that nobody heard would lie across
        lines += [f'subgraph r{number}["round {number}"]', "direction LR", *boxes, "end"]
    lines += [f"n{start} --> n{end}" for start, end in graph.edges]
    return "\n".join([*lines, *_CLASSES])


def _box(index: int, node: Node) -> str:
    mark, name = ("✓", "right") if node.correct else ("✗", "wrong")
    answer = "no answer" if node.answer is None else _label(node.answer, most=LONGEST_ANSWER)
    return f'n{index}["{mark} {_label(node.agent, most=LONGEST_NAME)}: {answer}"]:::{name}'


def _label(text: str, *, most: int) -> str:
    """The text as Mermaid shows it literally: whatever means something to its parsers stands as a number."""
    return _SPECIAL.sub(lambda special: f"#{ord(special[0])};", one_line(text, most=most))


def _section(graph: InteractionGraph) -> str:
    title = _plain(graph.problem.id, most=LONGEST_TITLE)
    question = _plain(question_text(graph.problem), most=LONGEST_QUESTION)
    gold = _plain(graph.problem.gold, most=LONGEST_ANSWER)
    return f"\n## {title}\n\n{question}\n\nGold: {gold}\n\n{_drawn(graph)}\n"


def _drawn(graph: InteractionGraph) -> str:
    if len(graph.edges) <= MOST_EDGES and len(drawn := chart(graph)) <= MOST_CHARACTERS:
        return f"```mermaid\n{drawn}\n```"
    return f"{len(graph.nodes)} nodes and {len(graph.edges)} edges are more than Mermaid draws."


def _plain(text: str, *, most: int) -> str:
    """The text as Markdown shows it literally."""
    return _MARKUP.sub(r"\\\1", one_line(text, most=most))
