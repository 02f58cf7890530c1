"""What a student reads of a graph at a level: pure, and free of torch."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from magdi_cli.core.errors import DataProblem
from magdi_cli.core.graph import Edge, InteractionGraph
from magdi_cli.core.level import Level
from magdi_cli.core.problem import Problem
from magdi_cli.tasks.material import Pair, node_pairs, node_text


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """The part of one graph that a student learns from; every index points into its own nodes."""

    problem: Problem
    texts: tuple[str, ...]
    """What the student should write, or tell from what it should: one text a node."""
    correct: tuple[bool, ...]
    targets: tuple[int, ...]
    """The correct nodes, whose tokens the student learns to write."""
    pairs: tuple[Pair, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        size, where = len(self.texts), f"example {self.problem.id!r}"
        if size == 0 or len(self.correct) != size:
            raise ValueError(f"{where}: {size} texts, {len(self.correct)} verdicts")
        if not all(0 <= index < size for index in chain(self.targets, *self.pairs, *self.edges)):
            raise ValueError(f"{where}: an index leaves its {size} nodes")
        if not all(self.correct[index] for index in self.targets):
            raise ValueError(f"{where}: a target is incorrect")
        if not all(self.correct[chosen] and not self.correct[rejected] for chosen, rejected in self.pairs):
            raise ValueError(f"{where}: a pair does not join a correct node to an incorrect one")

    def keeping(self, nodes: Sequence[int]) -> "Example":
        """The example reduced to some of its nodes and to what joins them."""
        place = {node: index for index, node in enumerate(nodes)}
        return Example(
            problem=self.problem,
            texts=tuple(self.texts[node] for node in nodes),
            correct=tuple(self.correct[node] for node in nodes),
            targets=tuple(place[node] for node in self.targets if node in place),
            pairs=tuple((place[a], place[b]) for a, b in self.pairs if a in place and b in place),
            edges=tuple((place[a], place[b]) for a, b in self.edges if a in place and b in place),
        )


READS: Mapping[str, Callable[[Example], Iterable[int]]] = MappingProxyType(
    {
        "next-token": lambda example: example.targets,
        "margin": lambda example: chain(*example.pairs),
        "node": lambda example: range(len(example.texts)),
    }
)
"""Which nodes of an example each objective reads."""

NEEDS: Mapping[str, frozenset[bool]] = MappingProxyType(
    {"next-token": frozenset({True}), "margin": frozenset({True, False}), "node": frozenset({True, False})}
)
"""Which verdicts must occur somewhere in the graphs for an objective to teach anything."""


def example_from(graph: InteractionGraph, level: Level, *, teacher: str | None) -> Example | None:
    """What the level reads of a graph; None where the graph holds nothing for the level's objectives."""
    seen = [i for i in visible(graph, level, teacher=teacher) if level.nodes == "all" or graph.nodes[i].correct]
    if not seen:
        return None
    whole = _whole(graph).keeping(seen)
    read = nodes_read(whole, active(level))
    return whole.keeping(read) if read else None


def visible(graph: InteractionGraph, level: Level, *, teacher: str | None) -> list[int]:
    """The nodes of the level's teachers and rounds, whatever their verdict."""
    return [
        index
        for index, node in enumerate(graph.nodes)
        if (level.rounds == "all" or node.round == 0) and (level.teachers == "all" or node.agent == teacher)
    ]


def active(level: Level) -> tuple[str, ...]:
    """The objectives that the level gives any weight."""
    return tuple(name for name, weight in level.objectives.items() if weight > 0)


def nodes_read(example: Example, objectives: Iterable[str]) -> list[int]:
    """The nodes that some of these objectives read, in order; the others need no encoding."""
    return sorted(set(chain.from_iterable(READS[name](example) for name in objectives)))


def best_teacher(graphs: Sequence[InteractionGraph]) -> str:
    """The seat that is right most often when it answers alone; the earlier seat wins a tie.

    A call that failed is not right, so that a seat cannot win by rarely answering.
    """
    alone = [node for graph in graphs for node in graph.nodes if node.round == 0]
    seats = list(dict.fromkeys(node.agent for node in alone))
    if not seats:
        raise DataProblem("no graph has a node in round 0; there is no single teacher to learn from")
    right = Counter(node.agent for node in alone if node.correct)
    return max(seats, key=lambda seat: (right[seat], -seats.index(seat)))


def require_material(graphs: Sequence[InteractionGraph], level: Level, *, teacher: str | None) -> None:
    """Raise `DataProblem` where the level's objectives need a kind of node that no graph has."""
    verdicts = [graph.nodes[i].correct for graph in graphs for i in visible(graph, level, teacher=teacher)]
    needed = frozenset[bool]().union(*(NEEDS[name] for name in active(level)))
    for verdict, (kind, way_out) in _WAYS_OUT.items():
        if verdict in needed and verdict not in verdicts:
            raise DataProblem(f"level {level.name} needs {kind} nodes; 0 of {len(verdicts)} found. {way_out}")


_WAYS_OUT: Mapping[bool, tuple[str, str]] = MappingProxyType(
    {
        True: ("correct", "Debate more problems or with stronger teachers, and check that golds and answers match"),
        False: ("incorrect", "Use --level correct-nodes or raise --temperature in debate"),
    }
)


def _whole(graph: InteractionGraph) -> Example:
    return Example(
        problem=graph.problem,
        texts=tuple(node_text(node) for node in graph.nodes),
        correct=tuple(node.correct for node in graph.nodes),
        targets=tuple(index for index, node in enumerate(graph.nodes) if node.correct),
        pairs=node_pairs(graph),
        edges=graph.edges,
    )
