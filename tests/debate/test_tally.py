"""What a run adds up to, and that what was planted can be found again in it."""

import asyncio
import json
from dataclasses import replace
from itertools import cycle, islice

import pytest

from magdi_cli.cli.console import PLAIN_WIDTH, rendered
from magdi_cli.core.debate import Debate, Turn
from magdi_cli.core.problem import Problem
from magdi_cli.core.protocols import Request, Sampling
from magdi_cli.core.records import encode
from magdi_cli.core.stats import wilson_interval
from magdi_cli.core.usage import Usage
from magdi_cli.debate.reply import read_reply
from magdi_cli.debate.tally import SeatScore, Tally
from magdi_cli.engines.simulated import SimulatedTeacher
from magdi_cli.tasks.arithmetic import problems
from tests.debate.turns import spoken, turn
from tests.strategies import problem

Z999 = 3.2905267314919255
"""The normal quantile of a two-sided 99.9 % interval."""


def debate(*turns: Turn, about: Problem | None = None) -> Debate:
    agents = tuple(dict.fromkeys(t.agent for t in turns))
    return Debate(problem=about or problem(), agents=agents, turns=turns, stopped="rounds", answer=None)


def full(*rounds: list[Turn]) -> list[Turn]:
    """The turns of a full round table: each has heard those of the round before that did not fail."""
    turns: list[Turn] = []
    for number, said in enumerate(rounds):
        heard = tuple(i for i, t in enumerate(turns) if t.round == number - 1 and t.error is None)
        turns += [replace(t, round=number, parents=heard) for t in said]
    return turns


def scores(*turns: Turn) -> dict[str, SeatScore]:
    tally = Tally()
    tally.add(debate(*turns))
    return {score.agent: score for score in tally.scores()}


def test_a_failed_call_is_no_wrong_answer_and_an_unreadable_one_is() -> None:
    seats = scores(*spoken("4", "!", None))
    assert [(s.alone, s.alone_of) for s in seats.values()] == [(1.0, 1), (None, 0), (0.0, 1)]
    assert [(s.last, s.conformity) for s in seats.values()] == [(1.0, None), (None, None), (0.0, None)]


@pytest.mark.parametrize(
    ("before", "after", "conformity", "of"),
    [
        (("4", "4", "5"), ("4", "4", "4"), 1.0, 1),
        (("4", "4", "5"), ("4", "4", "4.0"), 1.0, 1),
        (("4", "4", "5"), ("4", "4", "5"), 0.0, 1),
        (("4", "4", "5"), ("4", "4", "6"), 0.0, 1),
        (("4", "4", "5"), ("4", "4", None), 0.0, 1),
        (("4", "4", "5"), ("4", "4", "!"), None, 0),
        (("4", "4", "4"), ("4", "4", "5"), None, 0),
        (("4", "4", None), ("4", "4", "4"), None, 0),
        (("4", "4", "!"), ("4", "4", "4"), None, 0),
        (("4", "!", "5"), ("4", "4", "4"), 1.0, 1),  # a tie: the earliest answer is the majority's
    ],
)
def test_conformity_is_counted_where_the_majority_differed(
    before: tuple[str | None, ...], after: tuple[str | None, ...], conformity: float | None, of: int
) -> None:
    seat = scores(*full(spoken(*before), spoken(*after)))["c"]
    assert (seat.conformity, seat.outvoted) == (conformity, of)


def test_a_seat_that_was_shown_no_majority_cannot_conform_to_it() -> None:
    turns = [*spoken("4", "4", "5"), turn("a", "5", round=1, parents=(0,)), turn("b", "5", round=1, parents=(1,))]
    turns.append(turn("c", "4", round=1, parents=(2,)))
    assert [s.outvoted for s in scores(*turns).values()] == [0, 0, 0]


def test_a_verdict_costs_and_is_no_answer_of_its_seat() -> None:
    ruling = turn("b", "4", round=2, parents=(3, 4, 5))
    turns = [
        *full(spoken("4", "5", "6"), spoken("4", "5", "6")),
        replace(ruling, usage=Usage(calls=1, prompt_tokens=9)),
    ]
    tally = Tally()
    tally.add(debate(*turns))
    _, judge, _ = tally.scores()
    assert (judge.alone, judge.last, judge.outvoted) == (0.0, 0.0, 1)
    assert [(c.turns, c.calls, c.prompt_tokens) for c in tally.calls()] == [(2, 0, 0), (3, 1, 9), (2, 0, 0)]


def test_calls_add_up_and_an_unknown_price_stays_unknown() -> None:
    paid = Usage(calls=2, prompt_tokens=10, completion_tokens=5, cost_usd=0.5)
    first, second = spoken("4", "!")
    tally = Tally()
    for _ in range(2):
        tally.add(debate(replace(first, usage=paid), replace(second, usage=replace(paid, cost_usd=None))))
    known, unknown = tally.calls()
    assert (known.turns, known.calls, known.prompt_tokens, known.completion_tokens, known.cost_usd) == (
        2,
        4,
        20,
        10,
        1.0,
    )
    assert (unknown.failed_share, unknown.unread, unknown.cost_usd) == (1.0, 0, None)


def test_both_tables_fit_into_a_pipe() -> None:
    tally = Tally()
    said = [
        replace(t, usage=Usage(prompt_tokens=123_456_789)) for t in full(spoken("4", "4", "5"), spoken("4", "4", "4"))
    ]
    tally.add(debate(*(replace(t, agent=f"claude-sonnet-{t.agent}"[-13:]) for t in said)))
    tables = {"seats": [as_json(s) for s in tally.scores()], "calls": [as_json(c) for c in tally.calls()]}
    lines = rendered(tables, terminal=False).decode().splitlines()
    assert max(map(len, lines)) <= PLAIN_WIDTH
    assert len([line for line in lines if "sonnet-" in line]) == 6


def as_json(row: object) -> dict[str, object]:
    fields: dict[str, object] = json.loads(encode(row))
    return fields


PLANTED = {
    "a": SimulatedTeacher(accuracy=0.85, conformity=0.1, failure=0.03, seed=1, seat="a"),
    "b": SimulatedTeacher(accuracy=0.6, conformity=0.45, failure=0.0, seed=1, seat="b"),
    "c": SimulatedTeacher(accuracy=0.35, conformity=0.8, failure=0.12, seed=1, seat="c"),
}


def test_what_is_planted_in_a_panel_is_found_again() -> None:
    tally = asyncio.run(held(2000))
    for score, called in zip(tally.scores(), tally.calls(), strict=True):
        teacher = PLANTED[score.agent]
        assert score.outvoted > 100
        for planted, share, of in (
            (teacher.accuracy, score.alone, score.alone_of),
            (teacher.conformity, score.conformity, score.outvoted),
            (teacher.failure, called.failed_share, called.turns),
        ):
            low, high = wilson_interval(round((share or 0.0) * of), of, z=Z999)
            assert low <= planted <= high, (score.agent, planted, share, of)


async def held(times: int) -> Tally:
    """The tally of debates of two rounds, each about a generated problem."""
    tally = Tally()
    for number, generated in enumerate(islice(cycle(problems("train")), times)):
        asked = replace(generated, id=f"p{number}")
        first = [await _turn(name, asked, 0, []) for name in PLANTED]
        heard = [t for t in first if t.error is None]
        tally.add(debate(*full(first, [await _turn(name, asked, 1, heard) for name in PLANTED]), about=asked))
    return tally


async def _turn(name: str, asked: Problem, number: int, heard: list[Turn]) -> Turn:
    request = Request(messages=(), sampling=Sampling(), problem=asked, agent=name, round=number, heard=tuple(heard))
    completion = await PLANTED[name].generate(request)
    if completion.error is not None:
        return Turn(agent=name, round=number, text="", answer=None, confidence=None, error=completion.error)
    read = read_reply(completion.replies[0].text, asked)
    return Turn(agent=name, round=number, text=read.text, answer=read.answer, confidence=read.confidence)
