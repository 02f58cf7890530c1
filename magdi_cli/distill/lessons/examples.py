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
from magdi_cli.tasks.material import Pair, by_verdict, node_pairs, node_text, own_edges


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
    """What the graph encoder hears: from a turn to one that was shown it."""
    flips: tuple[Edge, ...]
    """A turn and the latest of its own seat that it was shown, `(earlier, later)`: one of three classes by verdicts."""

    def __post_init__(self) -> None:
        size, where = len(self.texts), f"example {self.problem.id!r}"
        if size == 0 or len(self.correct) != size:
            raise ValueError(f"{where}: {size} texts, {len(self.correct)} verdicts")
        if not all(0 <= index < size for index in chain(self.targets, *self.pairs, *self.edges, *self.flips)):
            raise ValueError(f"{where}: an index leaves its {size} nodes")
        if not all(self.correct[index] for index in self.targets):
            raise ValueError(f"{where}: a target is incorrect")
        if not all(self.correct[chosen] and not self.correct[rejected] for chosen, rejected in self.pairs):
            raise ValueError(f"{where}: a pair does not join a correct node to an incorrect one")
        ends = [later for _, later in self.flips]
        if len(set(ends)) != len(ends) or any(earlier == later for earlier, later in self.flips):
            raise ValueError(f"{where}: a node follows itself, or two nodes of its seat")

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
            flips=tuple((place[a], place[b]) for a, b in self.flips if a in place and b in place),
        )


READS: Mapping[str, Callable[[Example], Iterable[int]]] = MappingProxyType(
    {
        "next-token": lambda example: example.targets,
        "margin": lambda example: chain(*example.pairs),
        "node": lambda example: range(len(example.texts)),
        "flip": lambda example: chain(*example.flips),
    }
)
"""Which nodes of an example each objective reads."""

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "next-token": ("correct",),
        "margin": ("correct", "incorrect"),
        "node": ("correct", "incorrect"),
        "flip": ("correct", "incorrect", "following"),
    }
)
"""Which kinds of nodes, of those in `KINDS`, must occur somewhere in the graphs for an objective to teach anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of node, and what to do where a run has none."""

    words: str
    nodes: Callable[[InteractionGraph], Iterable[int]]
    way_out: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "correct": Kind(
            words="correct nodes",
            nodes=lambda graph: by_verdict([node.correct for node in graph.nodes])[0],
            way_out="Debate more problems or with stronger teachers, and check that golds and answers match",
        ),
        "incorrect": Kind(
            words="incorrect nodes",
            nodes=lambda graph: by_verdict([node.correct for node in graph.nodes])[1],
            way_out="Use --level correct-nodes or raise --temperature in debate",
        ),
        "following": Kind(
            words="nodes that were shown an earlier one of their seat",
            nodes=lambda graph: (later for _, later in own_edges(graph)),
            way_out="Leave out --weight flip, or debate with --rounds 1 or more",
        ),
    }
)


def example_from(graph: InteractionGraph, level: Level, *, teacher: str | None) -> Example | None:
    """What the level reads of a graph; None where the graph holds nothing for the level's objectives."""
    seen = part_of_level(graph, level, teacher=teacher)
    read = nodes_read(seen, active(level)) if seen else []
    return seen.keeping(read) if seen and read else None


def part_of_level(graph: InteractionGraph, level: Level, *, teacher: str | None) -> Example | None:
    """The nodes of the level's teachers, rounds and verdicts, and what joins them; None where there are none."""
    seen = [i for i in visible(graph, level, teacher=teacher) if level.nodes == "all" or graph.nodes[i].correct]
    return _whole(graph).keeping(seen) if seen else None


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
    seen = [(graph, set(visible(graph, level, teacher=teacher))) for graph in graphs]
    for name in dict.fromkeys(chain.from_iterable(NEEDS[objective] for objective in active(level))):
        kind = KINDS[name]
        if not any(node in nodes for graph, nodes in seen for node in kind.nodes(graph)):
            count = sum(len(nodes) for _, nodes in seen)
            raise DataProblem(f"level {level.name} needs {kind.words}; 0 of {count} found. {kind.way_out}")


def _whole(graph: InteractionGraph) -> Example:
    return Example(
        problem=graph.problem,
        texts=tuple(node_text(node) for node in graph.nodes),
        correct=tuple(node.correct for node in graph.nodes),
        targets=tuple(index for index, node in enumerate(graph.nodes) if node.correct),
        pairs=node_pairs(graph),
        edges=graph.edges,
        flips=own_edges(graph),
    )
