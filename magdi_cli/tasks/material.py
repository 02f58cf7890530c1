"""What a graph offers for learning, whoever trains on it: the text of each node, and which nodes make a pair."""

from itertools import product

from magdi_cli.core.graph import InteractionGraph, Node
from magdi_cli.tasks.prompts import clean_reasoning, completion_text

Pair = tuple[int, int]
"""`(chosen, rejected)`: a correct and an incorrect node, as indices into the nodes of one graph or example."""


def node_text(node: Node) -> str:
    """What the node says without its peers, and its answer in the one sentence a student learns, where it has one."""
    return clean_reasoning(node.text) if node.answer is None else completion_text(node.text, node.answer)


def node_pairs(graph: InteractionGraph) -> tuple[Pair, ...]:
    """Every correct node of the graph with every incorrect one."""
    correct = [index for index, node in enumerate(graph.nodes) if node.correct]
    incorrect = [index for index, node in enumerate(graph.nodes) if not node.correct]
    return tuple(product(correct, incorrect))
