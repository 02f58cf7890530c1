"""What stored calls and debates tell about a panel: how much it reads and writes, how soon it stops."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from magdi_cli.core.debate import Debate
from magdi_cli.engines.recorded import Call
from magdi_cli.engines.tokens import count_tokens

REPLY_TOKENS = 200
"""Length of a reply as long as nothing is known of a teacher's."""
GOES_ON = 0.5
"""Share of debates that go on after a round as long as nothing is known of the panel."""
ENOUGH_TO_KNOW = 10
"""Stored turns, or debates, from which the two are known."""
LOOKED_AT = 50
"""Calls of a seat in a round whose texts are counted; all are too many to wait for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatHabit:
    """How a seat takes a turn."""

    asks: float = 1.0
    """Calls; more than 1 where replies were unreadable and asked for again."""
    reads: float = 1.0
    """Tokens of a prompt by the provider's count, for each token that is counted here."""
    writes: float = REPLY_TOKENS
    """Tokens of a reply by the provider's count: thoughts that it keeps to itself are among them."""
    shows: float = REPLY_TOKENS
    """Tokens of a reply's text, which its peers are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """What is known of a panel; empty as long as too little is stored."""

    seats: Mapping[str, SeatHabit] = field(default_factory=dict)
    reached: Sequence[float] = ()
    """Share of the debates that came to each round; last, of those that a judge decided."""

    def of(self, seat: str) -> SeatHabit:
        """A seat's habit, or what is assumed of it."""
        return self.seats.get(seat, SeatHabit())

    def share(self, number: int, stop: str) -> float:
        """Share of the debates that come to a round."""
        if self.reached:
            return self.reached[number]
        return 1.0 if stop == "never" else GOES_ON**number

    def described(self, seats: Iterable[str], stop: str) -> str:
        """The expectation in words."""
        return f"{self._lengths(list(seats))}; {self._rounds(stop)}"

    def _lengths(self, seats: Sequence[str]) -> str:
        guessed = [seat for seat in seats if seat not in self.seats]
        if not guessed:
            return "replies as long as those stored"
        if len(guessed) == len(seats):
            return f"replies of {REPLY_TOKENS} tokens"
        return f"replies as long as those stored, of {REPLY_TOKENS} tokens for {', '.join(guessed)}"

    def _rounds(self, stop: str) -> str:
        if stop == "never":
            return "every debate uses all rounds"
        if self.reached:
            return "debates go on as long as those stored"
        return f"{GOES_ON:.0%} of debates go on after a round"


@dataclass(kw_only=True, slots=True)
class _Heard:
    """Sums over the stored calls of a seat."""

    turns: int = 0
    calls: int = 0
    written: int = 0
    looked_at: Counter[int] = field(default_factory=Counter)
    read: int = 0
    counted: int = 0
    shown: int = 0

    def add(self, call: Call) -> None:
        usage = call.completion.usage
        self.calls += 1
        self.written += usage.completion_tokens
        if any(message.role == "assistant" for message in call.messages):
            return
        self.turns += 1
        if self.looked_at[call.round] < LOOKED_AT:
            self.looked_at[call.round] += 1
            self.read += usage.prompt_tokens
            self.counted += sum(count_tokens(message.content) for message in call.messages)
            self.shown += count_tokens(call.completion.replies[0].text)

    def habit(self) -> SeatHabit:
        return SeatHabit(
            asks=self.calls / self.turns,
            reads=self.read / self.counted,
            writes=self.written / self.calls,
            shows=self.shown / self.looked_at.total(),
        )


def habits_of(calls: Iterable[Call], debates: Iterable[Debate], rounds: int) -> Habits:
    """What the calls tell of each seat and the debates of the panel, where there are enough of them."""
    heard: dict[str, _Heard] = defaultdict(_Heard)
    for call in calls:
        if call.completion.error is None:
            heard[call.agent].add(call)
    return Habits(
        seats={name: sums.habit() for name, sums in heard.items() if sums.turns >= ENOUGH_TO_KNOW},
        reached=_reached(debates, rounds),
    )


def _reached(debates: Iterable[Debate], rounds: int) -> Sequence[float]:
    held, judged, ends = 0, 0, Counter[int]()
    for debate in debates:
        last = debate.last_round[0].round
        held += 1
        judged += any(turn.round > last for turn in debate.turns)
        ends[last] += 1
    if held < ENOUGH_TO_KNOW:
        return ()
    came_to = [sum(count for last, count in ends.items() if last >= number) for number in range(rounds + 1)]
    return tuple(count / held for count in (*came_to, judged))
