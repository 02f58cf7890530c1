"""How often seats and rounds are right, and how often a round agrees."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from magdi_cli.build_graph.flips import RIGHT, Group
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.stats import wilson_interval


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentScore:
    """The nodes of one seat, a judge's verdicts included."""

    agent: str
    nodes: int
    """Turns that were spoken; a failed call is none."""
    correct: int
    accuracy: float
    """`correct` over `nodes`: a node without a readable answer counts as wrong."""
    interval: tuple[float, float]
    """95 % Wilson interval of `accuracy`."""
    unanswered: int
    """Nodes whose answer could not be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundScore:
    """The nodes of one round, counted as in `AgentScore`."""

    round: int
    nodes: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    unanswered: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentRoundScore:
    """The nodes of one seat in one round, counted as in `AgentScore`."""

    agent: str
    round: int
    nodes: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    unanswered: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundAgreement:
    """How far the seats of one round agree.

    Only rounds in which at least two seats spoke count: not a judge's verdict, nor a turn in a debate
    that goes turn by turn. Debates that ended earlier are not among the `graphs` of later rounds.
    """

    round: int
    graphs: int
    """Graphs in which at least two seats spoke in this round."""
    agreed: int
    """Those in which all that spoke gave an answer, and all answers are verified equal."""
    agreement: float
    """`agreed` over `graphs`."""
    agreed_right: int
    """Those of `agreed` whose answer is correct."""
    majority_correct: int
    """Graphs whose most common answer of the round is correct; the earliest wins a tie, no answer is wrong."""
    majority_accuracy: float
    """`majority_correct` over `graphs`."""
    interval: tuple[float, float]
    """95 % Wilson interval of `majority_accuracy`."""


class _Figures(TypedDict):
    nodes: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    unanswered: int


_Cell = tuple[str, int]
"""A seat and a round."""


@dataclass(kw_only=True, slots=True)
class ScoreTally:
    """Right, wrong and unanswered nodes of each seat in each round."""

    nodes: Counter[_Cell] = field(default_factory=Counter)
    correct: Counter[_Cell] = field(default_factory=Counter)
    unanswered: Counter[_Cell] = field(default_factory=Counter)

    def add(self, graph: InteractionGraph) -> None:
        """Count the nodes of one graph."""
        for node in graph.nodes:
            cell = node.agent, node.round
            self.nodes[cell] += 1
            self.correct[cell] += node.correct
            self.unanswered[cell] += node.answer is None

    def agents(self) -> tuple[AgentScore, ...]:
        """A row for each seat, by name."""
        names = sorted({agent for agent, _ in self.nodes})
        return tuple(AgentScore(agent=name, **self._figures(c for c in self.nodes if c[0] == name)) for name in names)

    def rounds(self) -> tuple[RoundScore, ...]:
        """A row for each round."""
        numbers = sorted({number for _, number in self.nodes})
        return tuple(RoundScore(round=n, **self._figures(c for c in self.nodes if c[1] == n)) for n in numbers)

    def agent_rounds(self) -> tuple[AgentRoundScore, ...]:
        """A row for each round of each seat, seat by seat."""
        return tuple(
            AgentRoundScore(agent=cell[0], round=cell[1], **self._figures([cell])) for cell in sorted(self.nodes)
        )

    def _figures(self, cells: Iterable[_Cell]) -> _Figures:
        chosen = list(cells)
        nodes, correct = (sum(count[cell] for cell in chosen) for count in (self.nodes, self.correct))
        return _Figures(
            nodes=nodes,
            correct=correct,
            accuracy=correct / nodes,
            interval=wilson_interval(correct, nodes),
            unanswered=sum(self.unanswered[cell] for cell in chosen),
        )


@dataclass(kw_only=True, slots=True)
class AgreementTally:
    """How often each round agreed, and on what."""

    graphs: Counter[int] = field(default_factory=Counter)
    agreed: Counter[int] = field(default_factory=Counter)
    agreed_right: Counter[int] = field(default_factory=Counter)
    majority_correct: Counter[int] = field(default_factory=Counter)

    def add(self, graph: InteractionGraph, groups: Sequence[Group]) -> None:
        """Count the rounds of one graph."""
        said: dict[int, list[Group]] = {}
        for node, group in zip(graph.nodes, groups, strict=True):
            said.setdefault(node.round, []).append(group)
        for number, answers in said.items():
            if len(answers) > 1:
                self._count(number, answers)

    def _count(self, number: int, answers: Sequence[Group]) -> None:
        votes = Counter(answer for answer in answers if answer is not None)
        winner = max(votes, key=votes.__getitem__, default=None)
        agreed = winner is not None and votes[winner] == len(answers)
        self.graphs[number] += 1
        self.agreed[number] += agreed
        self.agreed_right[number] += agreed and winner == RIGHT
        self.majority_correct[number] += winner == RIGHT

    def rounds(self) -> tuple[RoundAgreement, ...]:
        """A row for each round."""
        return tuple(
            RoundAgreement(
                round=number,
                graphs=graphs,
                agreed=self.agreed[number],
                agreement=self.agreed[number] / graphs,
                agreed_right=self.agreed_right[number],
                majority_correct=self.majority_correct[number],
                majority_accuracy=self.majority_correct[number] / graphs,
                interval=wilson_interval(self.majority_correct[number], graphs),
            )
            for number, graphs in sorted(self.graphs.items())
        )
