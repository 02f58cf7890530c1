"""Replies of others put together as a debate."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from magdi_cli.build_graph.importing.fields import ManyFaults
from magdi_cli.build_graph.importing.found import Imported
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.records import STDIN
from magdi_cli.core.voting import group_answers, heaviest
from magdi_cli.tasks.answers import canonical, extract, same_answer
from magdi_cli.tasks.catalog import TASKS

ANNOUNCED = frozenset({"boxed", "hashes", "answer-is", "option-is", "answer-colon"})
"""Rules that read an answer the text itself announces."""

TASK_NAMES: Mapping[str, str] = MappingProxyType(
    {"sqa": "strategyqa", "csqa": "commonsenseqa", "ecqa": "commonsenseqa", "arc": "arc-challenge"}
)
"""Names that others have for our tasks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """A reply in somebody else's record."""

    agent: str
    round: int
    text: str
    answer: Answer | None
    verdict: bool | None = None
    """Whether the source holds it right; None where it does not say."""
    source_answer: str | None = None
    """The answer as the source reads it."""


Hearing = Callable[[Sequence[Spoken]], Sequence[tuple[int, ...]]]
"""For each reply, in order of rounds, which earlier ones it was given after."""


def assembled(problem: Problem, replies: Sequence[Spoken], hearing: Hearing) -> Imported:
    """The debate that the replies make; its place and lines are the importer's to add. Raises `BadRow`."""
    ordered = sorted(replies, key=lambda reply: reply.round)
    often = Counter((reply.agent, reply.round) for reply in ordered)
    if twice := [f"{agent!r} speaks {times} times in round {n}" for (agent, n), times in often.items() if times > 1]:
        raise ManyFaults(twice)
    turns = tuple(
        Turn(agent=reply.agent, round=reply.round, text=reply.text, answer=reply.answer, confidence=None, parents=heard)
        for reply, heard in zip(ordered, hearing(ordered), strict=True)
    )
    last = list({turn.agent: turn.answer for turn in turns}.values())
    groups = group_answers(last, same_answer(problem))
    winner = heaviest(groups, [1] * len(last))
    agents = tuple(dict.fromkeys(turn.agent for turn in turns))
    agreed = len(groups) == 1 and len(groups[0]) == len(last)
    debate = Debate(
        problem=problem,
        agents=agents,
        turns=turns,
        stopped="agreement" if agreed else "rounds",
        answer=last[winner[0]] if winner else None,
    )
    judged = {index: reply for index, reply in enumerate(ordered) if reply.verdict is not None}
    return Imported(
        debate=debate,
        verdicts={index: bool(reply.verdict) for index, reply in judged.items()},
        answers={index: reply.source_answer for index, reply in judged.items()},
    )


def last_words_before(replies: Sequence[Spoken]) -> list[tuple[int, ...]]:
    """Each reply hears the last reply that every speaker, itself included, gave in an earlier round.

    In full rounds that is the round before; where speakers take turns, it is each one's latest word.
    """
    heard: list[tuple[int, ...]] = []
    last: dict[str, int] = {}
    for _, group in groupby(enumerate(replies), key=lambda pair: pair[1].round):
        spoken = list(group)
        heard += [tuple(last.values())] * len(spoken)
        last |= {reply.agent: index for index, reply in spoken}
    return heard


def round_before(replies: Sequence[Spoken]) -> list[tuple[int, ...]]:
    """Each reply hears all of the round before it, that is of the last earlier one in which somebody spoke."""
    heard: list[tuple[int, ...]] = []
    before: tuple[int, ...] = ()
    for _, group in groupby(enumerate(replies), key=lambda pair: pair[1].round):
        spoken = tuple(index for index, _ in group)
        heard += [before] * len(spoken)
        before = spoken
    return heard


def read_answer(text: str, recorded: str | None, problem: Problem, *, is_recorded: bool) -> Answer | None:
    """The answer of a reply: the one its text announces, else the one its source recorded.

    A source that recorded "none" is believed. Only where it recorded nothing at all is an unannounced
    answer looked for in the text.
    """
    found = extract(text, problem)
    if found is not None and (found.rule in ANNOUNCED or not is_recorded):
        return found.answer
    return None if recorded is None else canonical(recorded, problem)


def task_called(name: str) -> str:
    """Our name of a task that others spell their way; the name itself for any other task."""
    plain = name.lower().replace("_", "-")
    known = TASK_NAMES.get(plain, plain)
    return known if known in TASKS else name


def task_of_file(path: Path) -> str:
    """The task that a file's name begins with, as in `SQA_1000.json`; its stem where that names none of ours."""
    if path == STDIN:
        return "stdin"
    stem = path.name.partition(".")[0]
    first = task_called(stem.partition("_")[0])
    return first if first in TASKS else task_called(stem)
