"""What a graph offers for learning, whoever trains on it: the text of each node, and which nodes belong together."""

from collections.abc import Sequence
from itertools import product

from magdi_cli.core.graph import Edge, InteractionGraph, Node, latest_heard
from magdi_cli.tasks.prompts import clean_reasoning, completion_text

Pair = tuple[int, int]
"""`(chosen, rejected)`: a correct and an incorrect node, as indices into the nodes of one graph or example."""


def node_text(node: Node) -> str:
    """What the node says without its peers, and its answer in the one sentence a student learns, where it has one."""
    return clean_reasoning(node.text) if node.answer is None else completion_text(node.text, node.answer)


def node_pairs(graph: InteractionGraph) -> tuple[Pair, ...]:
    """Every correct node of the graph with every incorrect one."""
    return every_pair([node.correct for node in graph.nodes])


def every_pair(correct: Sequence[bool]) -> tuple[Pair, ...]:
    """Every correct node with every incorrect one, from the verdicts."""
    return tuple(product(*by_verdict(correct)))


def by_verdict(correct: Sequence[bool]) -> tuple[list[int], list[int]]:
    """The correct nodes, and the incorrect ones."""
    right = [node for node, verdict in enumerate(correct) if verdict]
    return right, [node for node, verdict in enumerate(correct) if not verdict]


def own_edges(graph: InteractionGraph) -> tuple[Edge, ...]:
    """Each node that was shown earlier turns of its own agent, joined to the latest of these: `(earlier, later)`."""
    heard = enumerate(latest_heard(graph))
    return tuple((latest[agent], end) for end, latest in heard if (agent := graph.nodes[end].agent) in latest)
