"""Problems whose gold may be wrong: everybody's last word is the same other answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from textwrap import shorten

from magdi_cli.build_graph.flips import RIGHT, Group
from magdi_cli.core.graph import InteractionGraph
from magdi_cli.core.problem import Answer

KEPT = 100
"""Suspects that are listed; the rest are counted."""

QUESTION_WIDTH = 80
"""Characters of a question that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """A problem on which all seats with an answer, at least two, end in agreement against the gold.

    A seat's word is its latest turn: it stands through rounds in which the seat does not speak or its
    call fails, and a turn whose answer cannot be read takes it back.
    """

    problem: str
    """The problem's id."""
    question: str
    """The beginning of the question."""
    gold: Answer
    answer: Answer | None
    """The seats' answer, as it was written in the last round that gave it."""
    seats: int
    """Seats whose last word it is."""
    since: int
    """The first round after which, and after every later one, the seats were unanimous on this answer."""
    rounds: int
    """Rounds from `since` to the last in which anybody spoke."""


@dataclass(kw_only=True, slots=True)
class SuspectTally:
    """All suspects counted and the strongest kept: `seats` times `rounds`, then `seats`, then the id decide."""

    found: int = 0
    _kept: list[Suspect] = field(default_factory=list)

    def add(self, graph: InteractionGraph, groups: Sequence[Group]) -> None:
        """Count the graph's problem if it is a suspect."""
        if found := suspect(graph, groups):
            self.found += 1
            self._kept.append(found)
            if len(self._kept) >= 2 * KEPT:
                self._kept = self._strongest()

    def rows(self) -> tuple[Suspect, ...]:
        """The strongest suspects, strongest first."""
        return tuple(self._strongest())

    def _strongest(self) -> list[Suspect]:
        return sorted(self._kept, key=lambda s: (-s.seats * s.rounds, -s.seats, s.problem))[:KEPT]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """How things stand after a round."""

    round: int
    seats: int
    """Seats that have an answer."""
    answer: Group
    """The answer of them all; None unless they agree and are at least two."""


def suspect(graph: InteractionGraph, groups: Sequence[Group]) -> Suspect | None:
    """The graph's problem if its gold is suspect, else None; `groups` are those of `answer_groups`."""
    history = list(_history(graph, groups))
    if not history or history[-1].answer in (None, RIGHT):
        return None
    last = history[-1]
    lasting = list(takewhile(lambda standing: standing.answer == last.answer, reversed(history)))
    said = [node for node, group in zip(graph.nodes, groups, strict=True) if group == last.answer]
    return Suspect(
        problem=graph.problem.id,
        question=shorten(graph.problem.question, QUESTION_WIDTH, placeholder=" ..."),
        gold=graph.problem.gold,
        answer=max(said, key=lambda node: node.round).answer,
        seats=last.seats,
        since=lasting[-1].round,
        rounds=len(lasting),
    )


def _history(graph: InteractionGraph, groups: Sequence[Group]) -> Iterator[_Standing]:
    words: dict[str, Group] = {}
    spoken = sorted(zip(graph.nodes, groups, strict=True), key=lambda pair: pair[0].round)
    for number, turns in groupby(spoken, key=lambda pair: pair[0].round):
        words |= {node.agent: group for node, group in turns}
        answers = [group for group in words.values() if group is not None]
        unanimous = len(answers) > 1 and len(set(answers)) == 1
        yield _Standing(round=number, seats=len(answers), answer=answers[0] if unanimous else None)
