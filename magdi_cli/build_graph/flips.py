"""What hearing others did to a seat: each of its turns beside the turn before it that it was shown."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from magdi_cli.core.graph import InteractionGraph, latest_heard
from magdi_cli.core.problem import Answer
from magdi_cli.core.voting import group_answers
from magdi_cli.tasks.answers import same_answer

FlipKind = Literal["kept-right", "corrected", "corrupted", "kept-wrong"]
"""What became of an answer; `kept-wrong` may have gone from one wrong answer to another."""

FLIP_KINDS: Mapping[tuple[bool, bool], FlipKind] = MappingProxyType(
    {
        (True, True): "kept-right",
        (False, True): "corrected",
        (True, False): "corrupted",
        (False, False): "kept-wrong",
    }
)
"""From whether the earlier and the later turn are correct to the kind; no answer is not correct."""

Followed = Literal["majority", "minority", "nobody", "unread"]
"""Where a changed answer came from.

majority: more than half of the heard peers that answered gave it; minority: at least one did, but no
more than half; nobody: none did; unread: the seat's answer could not be read any more.
"""

Group = int | None
"""A number that verified equal answers of a graph share; None for no answer, which equals nothing."""

RIGHT = 0
"""The group of the correct answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A peer's turn that a seat was shown before it spoke; of several by one peer, the latest."""

    agent: str
    node: int
    """Index into the graph's nodes."""
    answer: Answer | None
    correct: bool
    backs_old: bool
    """Whether it gives the answer that the listener had."""
    backs_new: bool
    """Whether it gives the answer that the listener has now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flip:
    """An edge of a seat to itself, from the latest of its own turns that it was shown, and who else was heard."""

    problem: str
    """The problem's id."""
    agent: str
    round: int
    """The round of the later node."""
    start: int
    """The earlier node."""
    end: int
    """The later node."""
    kind: FlipKind
    followed: Followed | None
    """Whose answer the changed answer is; None where the answer is verified equal, or could be read neither time."""
    heard: tuple[Heard, ...]
    """The peers that were heard, those of the latest round first, within a round in node order."""
    majority_right: bool | None
    """Whether more than half of the heard peers that answered agree on the right or on one wrong answer; else None."""


def answer_groups(graph: InteractionGraph) -> tuple[Group, ...]:
    """Each node's group of equal answers: correct ones equal the gold and so each other, wrong ones are compared."""
    wrong = list(dict.fromkeys(n.answer for n in graph.nodes if n.answer is not None and not n.correct))
    groups = group_answers(wrong, same_answer(graph.problem))
    number = {wrong[position]: number for number, group in enumerate(groups, start=1) for position in group}
    return tuple(
        RIGHT if node.correct else None if node.answer is None else number[node.answer] for node in graph.nodes
    )


def flips(graph: InteractionGraph, groups: Sequence[Group] | None = None) -> Iterator[Flip]:
    """A flip for every node that has an edge from an earlier node of its own agent, in node order.

    `groups` are those of `answer_groups`, for callers that have them already.
    """
    groups = answer_groups(graph) if groups is None else groups
    for end, latest in enumerate(latest_heard(graph)):
        own = latest.pop(graph.nodes[end].agent, None)
        if own is not None:
            yield _flip(graph, groups, own, end, list(latest.values()))


def _flip(graph: InteractionGraph, groups: Sequence[Group], start: int, end: int, peers: Sequence[int]) -> Flip:
    votes = Counter(group for peer in peers if (group := groups[peer]) is not None)
    majority = next((group for group, voices in votes.items() if 2 * voices > votes.total()), None)
    old, new = groups[start], groups[end]
    return Flip(
        problem=graph.problem.id,
        agent=graph.nodes[end].agent,
        round=graph.nodes[end].round,
        start=start,
        end=end,
        kind=FLIP_KINDS[graph.nodes[start].correct, graph.nodes[end].correct],
        followed=None if new == old else _followed(new, votes, majority),
        heard=tuple(
            Heard(
                agent=graph.nodes[peer].agent,
                node=peer,
                answer=graph.nodes[peer].answer,
                correct=graph.nodes[peer].correct,
                backs_old=groups[peer] is not None and groups[peer] == old,
                backs_new=groups[peer] is not None and groups[peer] == new,
            )
            for peer in peers
        ),
        majority_right=None if majority is None else majority == RIGHT,
    )


def _followed(new: Group, votes: Mapping[int, int], majority: Group) -> Followed:
    if new is None:
        return "unread"
    if new == majority:
        return "majority"
    return "minority" if new in votes else "nobody"
