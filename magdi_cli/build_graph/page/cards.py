"""What the page embeds of a graph: one line of JSON that no HTML parser can mistake for markup."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from magdi_cli.build_graph.flips import RIGHT, Group, answer_groups, flips
from magdi_cli.core.graph import InteractionGraph, Node

# a script element of JSON ends at "</script" and changes its parser at "<!--", wherever they stand
ESCAPES: Mapping[int, str] = MappingProxyType({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"})

ANSWER_CHARACTERS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A graph as the page shows it."""

    content: bytes
    """The graph as one line of ASCII JSON, without its newline."""
    cut: int
    """How many of its texts were cut."""


def embedded(document: object) -> bytes:
    """A document as ASCII JSON for a script element: without `<`, `>`, `&` and without line separators."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).translate(ESCAPES).encode()


def card(graph: InteractionGraph, most_characters: int) -> Card:
    """A graph for the page; a text of more than `most_characters` is cut and says so."""
    problem, groups = graph.problem, answer_groups(graph)
    texts = [problem.question, *problem.choices, *(node.text for node in graph.nodes)]
    document = {
        "id": problem.id,
        "task": problem.task,
        "question": _cut(problem.question, most_characters),
        "choices": [_cut(choice, most_characters) for choice in problem.choices],
        "gold": _cut(problem.gold, ANSWER_CHARACTERS),
        "team": _team(graph, groups),
        "nodes": [_node(node, most_characters) for node in graph.nodes],
        "edges": graph.edges,
        "flips": [(flip.start, flip.end, flip.kind, flip.followed) for flip in flips(graph, groups)],
    }
    return Card(content=embedded(document), cut=sum(len(text) > most_characters for text in texts))


def _node(node: Node, most_characters: int) -> dict[str, Any]:
    return {
        "agent": node.agent,
        "round": node.round,
        "text": _cut(node.text, most_characters),
        "answer": None if node.answer is None else _cut(node.answer, ANSWER_CHARACTERS),
        "correct": node.correct,
    }


def _team(graph: InteractionGraph, groups: Sequence[Group]) -> bool | None:
    """Whether the most common of the seats' last answers is right; the first seat's wins a tie; None for no answer."""
    spoken = sorted(range(len(graph.nodes)), key=lambda index: graph.nodes[index].round)
    last = {graph.nodes[index].agent: groups[index] for index in spoken}
    votes = Counter(group for group in last.values() if group is not None)
    return max(votes, key=votes.__getitem__) == RIGHT if votes else None


def _cut(text: str, most_characters: int) -> str:
    if len(text) <= most_characters:
        return text
    return f"{text[:most_characters]} … [cut: {len(text):,} characters in all]"
