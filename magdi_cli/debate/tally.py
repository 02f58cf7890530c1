"""What a set of debates adds up to, counted one debate at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from magdi_cli.core.debate import Debate
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.usage import Usage
from magdi_cli.tasks.answers import verify


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatScore:
    """How often a seat, or the team, was right."""

    agent: str
    first_round: float
    """Accuracy of the answers given alone."""
    last_round: float
    """Accuracy of the answers the debates ended with."""
    interval: tuple[float, float]
    """95 % Wilson interval of `last_round`."""
    unanswered: int
    """Turns, of all rounds, whose answer could not be read."""
    failed_calls: int


@dataclass(kw_only=True, slots=True)
class _Score:
    first: int = 0
    last: int = 0
    unanswered: int = 0
    failed: int = 0

    def shown(self, agent: str, debates: int) -> SeatScore:
        return SeatScore(
            agent=agent,
            first_round=self.first / debates if debates else 0.0,
            last_round=self.last / debates if debates else 0.0,
            interval=wilson_interval(self.last, debates),
            unanswered=self.unanswered,
            failed_calls=self.failed,
        )


@dataclass(kw_only=True, slots=True)
class Tally:
    """Counts that grow with each debate; memory does not."""

    debates: int = 0
    agreed: int = 0
    turns: int = 0
    failed: int = 0
    team_correct: int = 0
    usage: Usage = field(default_factory=Usage)
    seats: dict[str, _Score] = field(default_factory=dict)

    def add(self, debate: Debate) -> None:
        """Count one debate."""
        self.debates += 1
        self.agreed += debate.stopped == "agreement"
        self.turns += len(debate.turns)
        self.usage += debate.usage
        self.team_correct += verify(debate.answer, debate.problem).correct
        last = {id(turn) for turn in debate.last_round}
        for turn in debate.turns:
            score = self.seats.setdefault(turn.agent, _Score())
            score.failed += turn.error is not None
            score.unanswered += turn.error is None and turn.answer is None
            self.failed += turn.error is not None
            if turn.round == 0 or id(turn) in last:
                correct = verify(turn.answer, debate.problem).correct
                score.first += correct and turn.round == 0
                score.last += correct and id(turn) in last

    @property
    def failed_share(self) -> float:
        """Failed calls among all calls."""
        return self.failed / self.turns if self.turns else 0.0

    def scores(self) -> Sequence[SeatScore]:
        """Every seat's score, in seat order."""
        return tuple(score.shown(agent, self.debates) for agent, score in self.seats.items())
