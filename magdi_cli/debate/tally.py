"""What a set of debates adds up to, counted one debate at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.problem import Answer
from magdi_cli.core.stats import Share
from magdi_cli.core.usage import Usage
from magdi_cli.core.voting import majority
from magdi_cli.tasks.answers import equivalent, same_answer, verify


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatScore:
    """How often a seat was right, and how readily it gave way; failed calls count for neither."""

    agent: str
    alone: float | None
    """Accuracy of its answers in round 0; None where it gave none."""
    alone_interval: tuple[float, float]
    """95 % Wilson interval of `alone`."""
    alone_of: int
    """Answered calls in round 0."""
    last: float | None
    """Accuracy of its answers in the last round that all seats spoke in."""
    last_interval: tuple[float, float]
    """95 % Wilson interval of `last`."""
    outvoted: int
    """Answered discussion turns before which the majority of what the seat was shown was not its own last answer."""
    conformity: float | None
    """Share of `outvoted` turns that gave the majority's answer; None where there are none."""
    conformity_interval: tuple[float, float]
    """95 % Wilson interval of `conformity`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatCalls:
    """What a seat's calls came to, a judge's verdicts included."""

    agent: str
    turns: int
    failed_share: float | None
    """Share of `turns` whose call failed."""
    failed_interval: tuple[float, float]
    """95 % Wilson interval of `failed_share`."""
    unread: int
    """Turns whose answer could not be read."""
    calls: int
    """Requests that reached the model; more than `turns` where some were repeated."""
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """Dollars; None as soon as one call has no known price."""


@dataclass(kw_only=True, slots=True)
class _Seat:
    """What is counted of one seat."""

    alone: Share = field(default_factory=Share)
    last: Share = field(default_factory=Share)
    conformity: Share = field(default_factory=Share)
    failed: Share = field(default_factory=Share)
    unread: int = 0
    usage: Usage = field(default_factory=Usage)

    def score(self, agent: str) -> SeatScore:
        return SeatScore(
            agent=agent,
            alone=self.alone.value,
            alone_interval=self.alone.interval,
            alone_of=self.alone.of,
            last=self.last.value,
            last_interval=self.last.interval,
            outvoted=self.conformity.of,
            conformity=self.conformity.value,
            conformity_interval=self.conformity.interval,
        )

    def called(self, agent: str) -> SeatCalls:
        return SeatCalls(
            agent=agent,
            turns=self.failed.of,
            failed_share=self.failed.value,
            failed_interval=self.failed.interval,
            unread=self.unread,
            calls=self.usage.calls,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cost_usd=self.usage.cost_usd,
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
    seats: dict[str, _Seat] = field(default_factory=dict)

    def add(self, debate: Debate) -> None:
        """Count one debate."""
        self.debates += 1
        self.agreed += debate.stopped == "agreement"
        self.turns += len(debate.turns)
        self.usage += debate.usage
        self.team_correct += verify(debate.answer, debate.problem).correct
        last = max((turn.round for turn in debate.last_round), default=0)
        for turn in debate.turns:
            seat = self.seats.setdefault(turn.agent, _Seat())
            self.failed += turn.error is not None
            seat.failed.count(turn.error is not None)
            seat.unread += turn.error is None and turn.answer is None
            seat.usage += turn.usage
            if turn.error is None:
                _count_answer(seat, turn, debate, last)

    @property
    def failed_share(self) -> float:
        """Failed calls among all calls."""
        return self.failed / self.turns if self.turns else 0.0

    def scores(self) -> Sequence[SeatScore]:
        """Every seat's score, in seat order."""
        return tuple(seat.score(agent) for agent, seat in self.seats.items())

    def calls(self) -> Sequence[SeatCalls]:
        """Every seat's calls, in seat order."""
        return tuple(seat.called(agent) for agent, seat in self.seats.items())


def _count_answer(seat: _Seat, turn: Turn, debate: Debate, last: int) -> None:
    """Count what an answered call came to; a judge's verdict, which is in no full round, is none of it."""
    if turn.round in (0, last):
        correct = verify(turn.answer, debate.problem).correct
        if turn.round == 0:
            seat.alone.count(correct)
        if turn.round == last:
            seat.last.count(correct)
    if 0 < turn.round <= last and (winner := _other_majority(turn, debate)) is not None:
        seat.conformity.count(equivalent(turn.answer, winner, debate.problem).correct)


def _other_majority(turn: Turn, debate: Debate) -> Answer | None:
    """The majority's answer among the turns shown; None where it is the seat's own, or that is not known."""
    shown = [debate.turns[parent] for parent in turn.parents]
    latest = max((heard.round for heard in shown), default=-1)
    shown = [heard for heard in shown if heard.round == latest]
    own = next((heard.answer for heard in shown if heard.agent == turn.agent), None)
    winner = majority([heard.answer for heard in shown], same_answer(debate.problem))
    differs = own is not None and not equivalent(own, winner, debate.problem).correct
    return winner if differs else None
