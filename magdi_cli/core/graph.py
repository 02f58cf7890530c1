"""The multi-agent interaction graph (MAG, arXiv 2402.01620 section 1): a debate, labelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar, Literal

from magdi_cli.core.problem import Answer, Problem

Edge = tuple[int, int]
"""`(from, to)`: the turn that was heard, and the turn that heard it; indices into `nodes`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A turn that was really spoken, with its verdict; there are no placeholder nodes."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    agent: str
    round: int
    text: str
    answer: Answer | None
    """None where no answer could be read; such a node is incorrect."""
    correct: bool
    """Whether `answer` is verified equal to the problem's gold."""

    def __post_init__(self) -> None:
        if self.correct and self.answer is None:
            raise ValueError(f"the node of {self.agent!r} in round {self.round} is correct without an answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class InteractionGraph:
    """A directed acyclic graph of turns; every edge leads from a round to a later one."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.graph/1"] = "magdi.graph/1"
    problem: Problem
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        where = f"problem {self.problem.id!r}"
        seats = {(node.agent, node.round) for node in self.nodes}
        if len(seats) != len(self.nodes):
            raise ValueError(f"{where}: an agent has two nodes in one round")
        if len(set(self.edges)) != len(self.edges):
            raise ValueError(f"{where}: an edge is given twice")
        for start, end in self.edges:
            if not (0 <= start < len(self.nodes) and 0 <= end < len(self.nodes)):
                raise ValueError(f"{where}: edge {start}->{end} leaves the graph of {len(self.nodes)} nodes")
        if cycle := find_cycle(self.edges):
            path = " -> ".join(f"{self.nodes[i].agent}@{self.nodes[i].round}" for i in cycle)
            raise ValueError(f"{where}: cycle {path}")
        for start, end in self.edges:
            if self.nodes[start].round >= self.nodes[end].round:
                raise ValueError(
                    f"{where}: edge {start}->{end} leads from round {self.nodes[start].round} "
                    f"to round {self.nodes[end].round}; edges lead to later rounds"
                )


def latest_heard(graph: InteractionGraph) -> Iterator[dict[str, int]]:
    """For each node, the latest turn of every agent that it was shown: later rounds first, then in node order."""
    shown: list[list[int]] = [[] for _ in graph.nodes]
    for start, end in graph.edges:
        shown[end].append(start)
    for parents in shown:
        latest: dict[str, int] = {}
        for parent in sorted(parents, key=lambda parent: (-graph.nodes[parent].round, parent)):
            latest.setdefault(graph.nodes[parent].agent, parent)
        yield latest


def find_cycle(edges: Sequence[Edge]) -> list[int] | None:
    """A cycle as the nodes it passes, first and last the same; None when there is none."""
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for start, end in edges:
        sorter.add(end, start)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle: list[int] = error.args[1]
        return cycle
    return None
