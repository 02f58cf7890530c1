"""How turns become the team's answer."""

import pytest

from magdi_cli.core.debate import Turn
from magdi_cli.core.errors import MagdiError, UnknownName, UsageProblem
from magdi_cli.debate.aggregate import Aggregate, parse_aggregate, team_answer
from tests.debate.turns import spoken, turn
from tests.strategies import problem

SEATS = ("ada", "gpt-4#1", "gpt-4#2")
CONFIDENCE, MAJORITY = Aggregate(kind="confidence"), Aggregate(kind="majority")
JUDGE = Aggregate(kind="judge", judge="b")
SPLIT = spoken("1", "1", "2", round=1, confidences=(0.5, 0.5, 1.0))
"""A last round in which heads favour 1, and confidences 2."""


@pytest.mark.parametrize(
    ("text", "aggregate"),
    [
        ("confidence", CONFIDENCE),
        (" majority ", MAJORITY),
        ("judge:gpt-4#2", Aggregate(kind="judge", judge="gpt-4#2")),
        ("judge: ada", Aggregate(kind="judge", judge="ada")),
    ],
)
def test_an_aggregate_is_parsed(text: str, aggregate: Aggregate) -> None:
    assert parse_aggregate(text, SEATS) == aggregate


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", UsageProblem, "give confidence, majority or judge:SEAT"),
        ("judge", UsageProblem, "names no seat; give judge:SEAT, SEAT being one of ada"),
        ("judge:", UsageProblem, "names no seat"),
        ("judge:adda", UnknownName, "no seat to judge named 'adda'; close: ada"),
        ("judge:gpt-4", UnknownName, "gpt-4#1"),
        ("majorty", UnknownName, "close: majority"),
        ("majority:ada", UnknownName, "no aggregate named"),
    ],
)
def test_an_aggregate_that_is_none_is_refused(text: str, error: type[MagdiError], said: str) -> None:
    with pytest.raises(error, match=said):
        parse_aggregate(text, SEATS)


@pytest.mark.parametrize(
    ("last", "verdict", "aggregate", "answer"),
    [
        (SPLIT, None, CONFIDENCE, "2"),
        (SPLIT, None, MAJORITY, "1"),
        (SPLIT, None, JUDGE, "2"),  # no verdict was asked for or given
        (SPLIT, turn("b", "7", round=2), JUDGE, "7"),
        (SPLIT, turn("b", None, round=2), JUDGE, "2"),
        (SPLIT, turn("b", None, round=2, error="500"), JUDGE, "2"),
        (spoken("!", "!", "!"), None, CONFIDENCE, None),
        (spoken(None, "!", "5"), None, MAJORITY, "5"),
        ([], None, CONFIDENCE, None),
    ],
)
def test_the_team_answers_by_its_rule(
    last: list[Turn], verdict: Turn | None, aggregate: Aggregate, answer: str | None
) -> None:
    assert team_answer(last, verdict, problem(), aggregate) == answer
