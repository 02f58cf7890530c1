"""What is wrong with a debate as a graph, all of it, found with networkx."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from magdi_cli.core.debate import Debate
from magdi_cli.core.graph import Edge, InteractionGraph

if TYPE_CHECKING:
    import networkx

NAME_SHOWN = 60
"""Characters of an agent's name that a fault repeats."""


def cut(text: str, most: int = NAME_SHOWN) -> str:
    """An agent's name, or another text, at a length that can be read."""
    return text if len(text) <= most else f"{text[:most]}..."


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoke:
    """What validation asks of a turn."""

    agent: str
    round: int
    empty: bool = False
    """Whether it has neither text nor answer."""
    failed: bool = False
    """Whether the call failed: there will be no node."""

    def __str__(self) -> str:
        return f"{cut(self.agent)}@{self.round}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """Who spoke and who heard whom, before anybody vouches for it."""

    turns: Sequence[Spoke]
    edges: Sequence[Edge]
    """`(from, to)`; `to` exists, whether `from` does is to be seen."""


def outline(debate: Debate) -> Outline:
    """The outline of a debate."""
    return Outline(
        turns=[
            Spoke(
                agent=turn.agent,
                round=turn.round,
                empty=turn.answer is None and not turn.text.strip(),
                failed=turn.error is not None,
            )
            for turn in debate.turns
        ],
        edges=[(parent, index) for index, turn in enumerate(debate.turns) for parent in turn.parents],
    )


def violations(found: Outline) -> list[str]:
    """Every fault of an outline, in words; none for one that makes a valid graph."""
    import networkx

    if all(turn.failed for turn in found.turns):
        return ["no agent said anything"]
    known = [edge for edge in found.edges if 0 <= edge[0] < len(found.turns)]
    made: networkx.DiGraph[Any] = networkx.DiGraph()
    made.add_nodes_from(range(len(found.turns)))
    made.add_edges_from(known)
    cycles = [] if networkx.is_directed_acyclic_graph(made) else list(_cycles(made))
    return [
        *_repeated(found.turns),
        *(_missing(found) if len(known) < len(found.edges) else ()),
        *(_heard_twice(found.turns, known) if len(set(known)) < len(known) else ()),
        *(f"cycle {' -> '.join(str(found.turns[index]) for index in cycle)}" for cycle in cycles),
        *_not_later(found.turns, known, cycles),
        *_empty(found.turns),
        *_orphans(found.turns, known),
    ]


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


def _repeated(turns: Sequence[Spoke]) -> Iterator[str]:
    seen: set[tuple[str, int]] = set()
    for turn in turns:
        if (turn.agent, turn.round) in seen:
            yield f"{turn} speaks twice in that round"
        seen.add((turn.agent, turn.round))


def _missing(found: Outline) -> Iterator[str]:
    there = range(len(found.turns))
    for start, end in found.edges:
        if start not in there:
            yield f"{found.turns[end]} heard turn {start}, which does not exist; there are {len(there)}"


def _heard_twice(turns: Sequence[Spoke], edges: Sequence[Edge]) -> Iterator[str]:
    for (start, end), times in Counter(edges).items():
        if times > 1:
            yield f"{turns[end]} heard {turns[start]} {times} times"


def _cycles(made: "networkx.DiGraph[int]") -> Iterator[list[int]]:
    """One cycle of each knot of turns that heard each other, its first turn repeated at the end."""
    import networkx

    for knot in networkx.strongly_connected_components(made):
        part = made.subgraph(knot)
        if part.number_of_edges():
            cycle = [start for start, _ in networkx.find_cycle(part)]
            first = cycle.index(min(cycle))
            yield [*cycle[first:], *cycle[:first], cycle[first]]


def _not_later(turns: Sequence[Spoke], edges: Sequence[Edge], cycles: Sequence[Sequence[int]]) -> Iterator[str]:
    told = {edge for cycle in cycles for edge in pairwise(cycle)}
    for start, end in edges:
        if turns[start].round >= turns[end].round and (start, end) not in told:
            yield f"{turns[end]} heard {turns[start]}, which is not of an earlier round"


def _empty(turns: Sequence[Spoke]) -> Iterator[str]:
    for turn in turns:
        if turn.empty and not turn.failed:
            yield f"{turn} has neither text nor answer"


def _orphans(turns: Sequence[Spoke], edges: Sequence[Edge]) -> Iterator[str]:
    """Turns that heard nobody though the round before spoke; a seat whose own turn there failed may have."""
    reached = {end for start, end in edges if not turns[start].failed}
    spoke = {turn.round for turn in turns if not turn.failed}
    failed = {(turn.agent, turn.round) for turn in turns if turn.failed}
    for index, turn in enumerate(turns):
        excused = turn.failed or turn.round == 0 or (turn.agent, turn.round - 1) in failed
        if not excused and index not in reached and turn.round - 1 in spoke:
            yield f"{turn} heard nobody, though round {turn.round - 1} spoke"
