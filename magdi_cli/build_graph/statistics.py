"""What a set of interaction graphs holds, counted one graph at a time."""

from dataclasses import dataclass, field
from typing import Literal

from magdi_cli.build_graph.accuracy import (
    AgentRoundScore,
    AgentScore,
    AgreementTally,
    RoundAgreement,
    RoundScore,
    ScoreTally,
)
from magdi_cli.build_graph.flips import answer_groups, flips
from magdi_cli.build_graph.persuasion import AgentFlips, FlipRow, FlipTally, Persuasion, RoundFlips, Sycophancy
from magdi_cli.build_graph.suspects import Suspect, SuspectTally
from magdi_cli.core.graph import InteractionGraph


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphStatistics:
    """Who was right, what the discussion changed, and where the gold may be wrong; the graphs' order is immaterial."""

    schema: Literal["magdi.graph-statistics/1"] = "magdi.graph-statistics/1"
    graphs: int
    nodes: int
    edges: int
    correct: int
    """Nodes whose answer is verified equal to the gold."""
    balance: float | None
    """`correct` over `nodes`; None without nodes."""
    unanswered: int
    """Nodes whose answer could not be read; none of them is correct."""
    only_right: int
    """Graphs with correct nodes only: they hold no pair to contrast."""
    only_wrong: int
    """Graphs with incorrect nodes only: they hold no pair to contrast, and nothing to imitate."""
    agents: tuple[AgentScore, ...]
    rounds: tuple[RoundScore, ...]
    agent_rounds: tuple[AgentRoundScore, ...]
    agreement: tuple[RoundAgreement, ...]
    flips: tuple[FlipRow, ...]
    """The flip ledger."""
    agent_flips: tuple[AgentFlips, ...]
    round_flips: tuple[RoundFlips, ...]
    persuasion: tuple[Persuasion, ...]
    """Who convinced whom: a row for each speaker and listener."""
    sycophancy: tuple[Sycophancy, ...]
    gold_suspects: int
    """All problems on which the seats agree against the gold."""
    suspects: tuple[Suspect, ...]
    """The strongest of them, at most 100."""


@dataclass(kw_only=True, slots=True)
class GraphTally:
    """Counts that grow with each graph; memory grows with the seats and rounds only."""

    graphs: int = 0
    edges: int = 0
    only_right: int = 0
    only_wrong: int = 0
    scores: ScoreTally = field(default_factory=ScoreTally)
    agreement: AgreementTally = field(default_factory=AgreementTally)
    flips: FlipTally = field(default_factory=FlipTally)
    suspects: SuspectTally = field(default_factory=SuspectTally)

    def add(self, graph: InteractionGraph) -> None:
        """Count one graph."""
        groups = answer_groups(graph)
        labels = {node.correct for node in graph.nodes}
        self.graphs += 1
        self.edges += len(graph.edges)
        self.only_right += labels == {True}
        self.only_wrong += labels == {False}
        self.scores.add(graph)
        self.agreement.add(graph, groups)
        self.suspects.add(graph, groups)
        for flip in flips(graph, groups):
            self.flips.add(flip)

    def summary(self) -> GraphStatistics:
        """What was counted so far."""
        nodes, correct = self.scores.nodes.total(), self.scores.correct.total()
        return GraphStatistics(
            graphs=self.graphs,
            nodes=nodes,
            edges=self.edges,
            correct=correct,
            balance=correct / nodes if nodes else None,
            unanswered=self.scores.unanswered.total(),
            only_right=self.only_right,
            only_wrong=self.only_wrong,
            agents=self.scores.agents(),
            rounds=self.scores.rounds(),
            agent_rounds=self.scores.agent_rounds(),
            agreement=self.agreement.rounds(),
            flips=self.flips.ledger(),
            agent_flips=self.flips.agents(),
            round_flips=self.flips.rounds(),
            persuasion=self.flips.persuasion(),
            sycophancy=self.flips.sycophancy(),
            gold_suspects=self.suspects.found,
            suspects=self.suspects.rows(),
        )
