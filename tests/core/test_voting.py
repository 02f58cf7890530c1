import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.problem import Answer
from magdi_cli.core.voting import confidence_vote, confidence_weight, group_answers, majority

answers = st.lists(st.none() | st.sampled_from("ABC").map(Answer), max_size=8)


def same(a: Answer, b: Answer) -> bool:
    return a == b


@pytest.mark.parametrize(
    ("confidence", "tenths"),
    [(None, 1), (0, 1), (0.6, 1), (0.61, 3), (0.79, 3), (0.8, 5), (0.89, 5), (0.9, 8), (0.99, 8), (1.0, 10)],
)
def test_confidence_weighs_as_in_reconcile(confidence: float | None, tenths: int) -> None:
    assert confidence_weight(confidence) == tenths


@pytest.mark.parametrize(
    ("votes", "winner"),
    [
        ([("A", 1.0), ("B", 0.8), ("B", 0.8)], "B"),  # 10 against 5 + 5: a tie, and B has more voices
        ([("A", 1.0), ("B", 0.8), ("B", 0.7)], "A"),
        ([("A", 0.9), ("B", 0.9)], "A"),  # a full tie: the first voice
        ([("A", None), ("B", 0.7)], "B"),
        ([(None, None), ("B", None)], "B"),
        ([(None, 1.0), (None, 1.0)], None),
        ([], None),
    ],
)
def test_the_confidence_vote_has_one_winner(votes: list[tuple[str | None, float | None]], winner: str | None) -> None:
    given_answers = [Answer(a) if a else None for a, _ in votes]
    assert confidence_vote(given_answers, [c for _, c in votes], same) == winner


def test_weights_are_summed_exactly() -> None:
    tenths = [0.7] * 3 + [0.9, None]  # 3 + 3 + 3 against 8 + 1: floats would break this tie
    assert confidence_vote([Answer("A")] * 3 + [Answer("B")] * 2, tenths, same) == "A"


@pytest.mark.parametrize(
    ("given_answers", "winner"),
    [(["2", "1", None], "2"), (["1", "2", "2"], "2"), ([None, None, "1"], "1"), ([None], None), ([], None)],
)
def test_the_majority_ignores_silence_and_the_earliest_wins_a_tie(
    given_answers: list[Answer | None], winner: str | None
) -> None:
    assert majority(given_answers, same) == winner


@given(answers)
def test_groups_partition_the_answers_given(given_answers: list[Answer | None]) -> None:
    groups = group_answers(given_answers, same)
    assert sorted(i for group in groups for i in group) == [i for i, a in enumerate(given_answers) if a is not None]
    assert all(given_answers[i] == given_answers[group[0]] for group in groups for i in group)
