"""When a debate is over."""

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magdi_cli.core.debate import Turn
from magdi_cli.core.voting import weighted_vote
from magdi_cli.debate.aggregate import Aggregate
from magdi_cli.debate.ending import STOPS, agree, settled, stable
from magdi_cli.tasks.answers import same_answer
from tests.debate.turns import spoken, turn
from tests.strategies import problem

CONFIDENCE, MAJORITY = Aggregate(kind="confidence"), Aggregate(kind="majority")
JUDGE = Aggregate(kind="judge", judge="a")
NEW = "99"

rounds = st.integers(2, 4).flatmap(
    lambda seats: st.tuples(*(st.lists(st.sampled_from(["1", "2", "3", None]), min_size=seats, max_size=seats),) * 2)
)
confidences = st.lists(st.sampled_from([0.5, 0.7, 0.8, 0.9, 1.0]), min_size=4, max_size=4).map(tuple)
aggregates = st.sampled_from([CONFIDENCE, MAJORITY, JUDGE])


@pytest.mark.parametrize(
    ("answers", "over"),
    [(["4", "4.0", " 4"], True), (["4", "4", "5"], False), (["4", None, "4"], False), (["4", "!", "4"], False)],
)
def test_agreement_needs_a_readable_and_equal_answer_of_every_seat(answers: list[str | None], over: bool) -> None:
    assert agree(spoken(*answers), problem()) is over
    assert STOPS["agreement"](spoken(*answers), [], problem(), CONFIDENCE) is over
    assert STOPS["stable"](spoken(*answers), [], problem(), CONFIDENCE) is over
    assert STOPS["never"](spoken(*answers), [], problem(), CONFIDENCE) is False


@pytest.mark.parametrize(
    ("before", "now", "sure", "by_confidence", "by_head"),
    [
        (["1", "1", "2"], ["1", "1", "2"], (0.9, 0.9, 0.9), True, True),  # nobody moved, 16 against 8
        (["1", "1", "2"], ["1", "1", "2"], (0.5, 0.5, 1.0), True, True),  # 10 against 2: the confident one wins
        (["1", "1", "2"], ["1", "1", "3"], (0.9, 0.9, 0.1), True, True),  # 16 against 10 open
        (["1", "1", "2"], ["1", "1", "3"], (0.8, 0.8, 0.1), False, True),  # 10 against 10 open: a tie is not a win
        (["1", "2", "2"], ["1", "1", "2"], (1.0, 1.0, 0.5), False, False),  # b may go back
        (["1", "1", "1", "2"], ["1", "1", "1", None], (1.0,) * 4, True, True),  # unreadable: open, and alone
        (["1", "1", "!"], ["1", "1", "!"], (1.0,) * 3, True, True),  # a failed call is open, too
        (["1", "2"], ["1", "2"], (0.9, 0.9), False, False),  # nobody moved, and it is a tie
        (["1", "2"], ["2", "1"], (1.0, 1.0), False, False),
        ([], ["1", "1", "2"], (1.0,) * 3, False, False),  # round 0
    ],
)
def test_a_result_is_stable_once_no_open_vote_can_change_it(
    before: list[str | None], now: list[str | None], sure: tuple[float, ...], by_confidence: bool, by_head: bool
) -> None:
    turns, earlier = spoken(*now, round=1, confidences=sure), spoken(*before)
    assert stable(turns, earlier, problem(), CONFIDENCE) is by_confidence
    assert stable(turns, earlier, problem(), MAJORITY) is by_head
    assert stable(turns, earlier, problem(), JUDGE) is by_head


def test_a_seat_is_settled_by_equal_answers_however_they_are_written() -> None:
    assert [t.agent for t in settled(spoken("4.0", "5", None), spoken("4", "4", None), problem())] == ["a"]


def outcomes(
    now: Sequence[Turn], before: Sequence[Turn], aggregate: Aggregate
) -> Iterator[tuple[str | None, list[tuple[str, int]]]]:
    """The winner and the votes, for each way in which the open votes may be given."""
    closed = {t.agent for t in settled(now, before, problem())}
    existing = {t.answer for t in now if t.answer is not None}
    choices = [[t.answer] if t.agent in closed else [*sorted(existing), NEW] for t in now]
    for answers in product(*choices):
        given = [
            turn(t.agent, a, t.confidence if t.agent in closed else 1.0) for t, a in zip(now, answers, strict=True)
        ]
        weights = [aggregate.ballot.weight(t) for t in given]
        winner = weighted_vote([t.answer for t in given], weights, same_answer(problem()))
        yield winner, [(str(t.answer), w) for t, w in zip(given, weights, strict=True)]


@settings(max_examples=300)
@given(rounds, confidences, aggregates)
def test_no_open_vote_changes_a_stable_result(
    answers: tuple[list[str | None], list[str | None]], sure: tuple[float, ...], aggregate: Aggregate
) -> None:
    before, now = spoken(*answers[0]), spoken(*answers[1], round=1, confidences=sure)
    if stable(now, before, problem(), aggregate):
        winners = {winner for winner, _ in outcomes(now, before, aggregate)}
        assert len(winners) == 1 or agree(now, problem())


@settings(max_examples=300)
@given(rounds, confidences, aggregates)
def test_open_votes_can_catch_up_with_a_result_that_is_not_stable(
    answers: tuple[list[str | None], list[str | None]], sure: tuple[float, ...], aggregate: Aggregate
) -> None:
    before, now = spoken(*answers[0]), spoken(*answers[1], round=1, confidences=sure)
    if settled(now, before, problem()) and not stable(now, before, problem(), aggregate):
        given_votes = list(outcomes(now, before, aggregate))
        assert len({winner for winner, _ in given_votes}) > 1 or any(tied(votes) for _, votes in given_votes)


def tied(votes: list[tuple[str, int]]) -> bool:
    """Whether no answer weighs more than all others."""
    weights = sorted(sum(w for a, w in votes if a == answer) for answer in {a for a, _ in votes})
    return len(weights) > 1 and weights[-1] == weights[-2]
