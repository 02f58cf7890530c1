"""That a conformity which was planted in teachers is found again in the graphs of their debates."""

import asyncio

import pytest

from magdi_cli.build_graph.statistics import GraphStatistics, GraphTally
from magdi_cli.core.debate import Turn
from magdi_cli.core.problem import Answer, Problem
from magdi_cli.core.protocols import Request, Sampling
from magdi_cli.core.stats import wilson_interval
from magdi_cli.debate.reply import read_reply
from magdi_cli.engines.simulated import SimulatedTeacher
from tests.build_graph.panels import labelled
from tests.debates import debate

Z999 = 3.2905267314919255
"""The normal quantile of a two-sided 99.9 % interval."""

PLANTED = {
    name: SimulatedTeacher(accuracy=0.5, conformity=conformity, seed=3, seat=name)
    for name, conformity in (("ada", 0.1), ("ben", 0.45), ("cyd", 0.8))
}


@pytest.fixture(scope="module")
def found() -> GraphStatistics:
    return asyncio.run(held(600))


def test_planted_conformity_is_found_as_sycophancy_and_as_learning(found: GraphStatistics) -> None:
    for row in found.sycophancy:
        planted = PLANTED[row.agent].conformity
        for hits, of in ((row.gave_in, row.pressed), (row.learned, row.offered)):
            low, high = wilson_interval(hits, of, z=Z999)
            assert of > 50
            assert low <= planted <= high, (row.agent, planted, hits, of)


def test_the_more_a_seat_conforms_the_more_it_is_convinced(found: GraphStatistics) -> None:
    shares = [row.sycophancy or 0.0 for row in found.sycophancy]
    assert shares == sorted(shares)
    adopted = [sum(row.adopted for row in found.persuasion if row.listener == name) for name in PLANTED]
    assert adopted == sorted(adopted)


def test_nobody_who_only_keeps_or_conforms_invents(found: GraphStatistics) -> None:
    assert [(row.minority, row.nobody, row.unread) for row in found.flips] == [(0, 0, 0)] * 4


async def held(times: int) -> GraphStatistics:
    """What the graphs of debates with one round of discussion hold; each asks for yes or no."""
    tally = GraphTally()
    for number in range(times):
        asked = Problem(id=f"p{number}", task="strategyqa", question=f"Is {number} lucky?", gold=Answer("yes"))
        alone = [await said(name, asked, 0, ()) for name in PLANTED]
        after = [await said(name, asked, 1, tuple(alone)) for name in PLANTED]
        tally.add(labelled(debate(*alone, *after, problem=asked, answer=None)))
    return tally.summary()


async def said(name: str, asked: Problem, number: int, heard: tuple[Turn, ...]) -> Turn:
    request = Request(messages=(), sampling=Sampling(), problem=asked, agent=name, round=number, heard=heard)
    read = read_reply((await PLANTED[name].generate(request)).replies[0].text, asked)
    parents = tuple(range(len(heard)))
    return Turn(agent=name, round=number, text=read.text, answer=read.answer, confidence=None, parents=parents)
