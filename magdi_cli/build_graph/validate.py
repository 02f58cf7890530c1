"""What is wrong with a graph that its type alone does not rule out, found with networkx."""

from typing import TYPE_CHECKING, Any

from magdi_cli.core.graph import InteractionGraph

if TYPE_CHECKING:
    import networkx


def to_networkx(graph: InteractionGraph) -> "networkx.DiGraph[int]":
    """The graph for networkx: node attributes `agent`, `round`, `correct`, `answer`, `text`."""
    import networkx

    made: networkx.DiGraph[Any] = networkx.DiGraph()
    for index, node in enumerate(graph.nodes):
        made.add_node(
            index, agent=node.agent, round=node.round, correct=node.correct, answer=node.answer, text=node.text
        )
    made.add_edges_from(graph.edges)
    return made


def faults(graph: InteractionGraph) -> list[str]:
    """Every fault of a graph, in words; none for a valid one."""
    import networkx

    if not graph.nodes:
        return ["no agent said anything"]
    made = to_networkx(graph)
    found = []
    if not networkx.is_directed_acyclic_graph(made):
        found.append(f"cycle {networkx.find_cycle(made)}")
    for index, node in enumerate(graph.nodes):
        who = f"{node.agent!r} in round {node.round}"
        if not node.text.strip() and node.answer is None:
            found.append(f"{who} has neither text nor answer")
        if node.round > 0 and made.in_degree(index) == 0 and _spoke(graph, node.round - 1):
            found.append(f"{who} heard nobody, though round {node.round - 1} spoke")
    return found


def _spoke(graph: InteractionGraph, number: int) -> bool:
    return any(node.round == number for node in graph.nodes)
