"""A debate as it happened: who said what in which round, having been shown which turns."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.usage import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One agent's reply in one round; a failed call is a turn with `error` and nothing else."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    agent: str
    """The seat that spoke."""
    round: int
    """0 for the answer given alone, then 1, 2, ... for the discussion."""
    text: str
    """The reasoning, as the agent gave it."""
    answer: Answer | None
    """The answer read from the reply; None where none could be read."""
    confidence: float | None
    """The agent's own estimate of being right, 0 to 1; None where it gave none."""
    parents: tuple[int, ...] = ()
    """The turns shown in this turn's prompt, as indices into `Debate.turns`."""
    usage: Usage = field(default_factory=Usage)
    """What the call cost."""
    error: str | None = None
    """Why the call failed; None when it did not."""

    def __post_init__(self) -> None:
        if self.round < 0:
            raise ValueError(f"round {self.round} is negative")
        if self.error is not None and (self.answer is not None or self.text):
            raise ValueError("a failed call has neither text nor answer")
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence {self.confidence} is not between 0 and 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Debate:
    """All turns about one problem; every parent spoke in an earlier round than its child."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    schema: Literal["magdi.debate/1"] = "magdi.debate/1"
    problem: Problem
    agents: tuple[str, ...]
    """The seats, in the order they were given."""
    turns: tuple[Turn, ...]
    """Round by round, within a round in seat order; a last round of one turn is a judge's verdict."""
    stopped: Literal["agreement", "stable", "rounds"]
    """Whether all agreed, no open vote could change the result any more, or the rounds were used up."""
    answer: Answer | None
    """The team's answer: its vote, or its judge's verdict; None when nobody answered."""

    def __post_init__(self) -> None:
        where = f"problem {self.problem.id!r}"
        if len(set(self.agents)) != len(self.agents):
            raise ValueError(f"{where}: two agents share a name in {list(self.agents)}")
        seen: set[tuple[str, int]] = set()
        for index, turn in enumerate(self.turns):
            if turn.agent not in self.agents:
                raise ValueError(f"{where}: turn {index} is by {turn.agent!r}, who has no seat")
            if (turn.agent, turn.round) in seen:
                raise ValueError(f"{where}: {turn.agent!r} speaks twice in round {turn.round}")
            seen.add((turn.agent, turn.round))
            for parent in turn.parents:
                if not 0 <= parent < len(self.turns):
                    raise ValueError(f"{where}: turn {index} heard turn {parent}, which does not exist")
                if self.turns[parent].round >= turn.round:
                    loop = " (a cycle)" if index in self.turns[parent].parents else ""
                    raise ValueError(
                        f"{where}: turn {index} of round {turn.round} heard turn {parent} "
                        f"of round {self.turns[parent].round}{loop}; a turn hears earlier rounds only"
                    )

    @property
    def verdict(self) -> Turn | None:
        """The turn of a judge, who alone spoke after a round of all seats; None where nobody judged."""
        last = self._of_round(max((turn.round for turn in self.turns), default=0))
        if len(last) != 1 or len(self.agents) < 2 or last[0].round == 0:
            return None
        return last[0] if len(self._of_round(last[0].round - 1)) == len(self.agents) else None

    @property
    def last_round(self) -> tuple[Turn, ...]:
        """The turns of the last round of the discussion; a judge's verdict comes after it."""
        last = max((turn.round for turn in self.turns), default=0)
        return self._of_round(last if self.verdict is None else last - 1)

    def _of_round(self, number: int) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.round == number)

    @property
    def usage(self) -> Usage:
        """What the whole debate cost."""
        return sum((turn.usage for turn in self.turns), Usage())
