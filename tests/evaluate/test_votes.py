from collections.abc import Sequence
from itertools import combinations
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.evaluate.votes import Shape, shape_of
from tests.strategies import problem

NUMBER = problem(gold="4")
answers = st.lists(st.sampled_from(["4", "4.0", "5", "6", "7", None]), min_size=1, max_size=8)


def shape(given: Sequence[str | None]) -> Shape:
    return shape_of(given, NUMBER)  # type: ignore[arg-type]


def by_hand(given: Sequence[str | None], k: int) -> tuple[float, float]:
    """maj@k and pass@k, subset by subset."""
    drawn = [[None if one is None else float(one) for one in subset] for subset in combinations(given, k)]
    right = 0.0
    for subset in drawn:
        votes = {one: subset.count(one) for one in subset if one is not None}
        leaders = [one for one, count in votes.items() if count == max(votes.values())]
        right += (4.0 in leaders) / len(leaders) if leaders else 0.0
    return right / len(drawn), sum(4.0 in subset for subset in drawn) / len(drawn)


@given(answers)
def test_both_expectations_are_those_over_all_subsets(given: list[str | None]) -> None:
    found = shape(given)
    expected = [by_hand(given, k) for k in range(1, len(given) + 1)]
    assert found.maj_at == pytest.approx([maj for maj, _ in expected])
    assert found.pass_at == pytest.approx([passed for _, passed in expected])


@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_samples_says_nothing(given: list[str | None], random: object) -> None:
    shuffled = list(given)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert shape(shuffled).maj_at == shape(given).maj_at
    assert shape(shuffled).entropy == pytest.approx(shape(given).entropy)


@given(answers)
def test_one_vote_is_one_sample_and_passing_never_gets_harder(given: list[str | None]) -> None:
    found = shape(given)
    assert found.maj_at[0] == found.pass_at[0] == pytest.approx(found.correct / found.samples)
    assert list(found.pass_at) == sorted(found.pass_at)
    assert all(maj <= passed + 1e-12 for maj, passed in zip(found.maj_at, found.pass_at, strict=True))


@pytest.mark.parametrize(
    ("given", "maj_at", "tied", "distinct", "bits"),
    [
        (["4", "4", "5"], [2 / 3, 1 / 3 + 2 / 3 * 0.5, 1.0], False, 2, log2(3) - 2 / 3),
        (["4", "5"], [0.5, 0.5], True, 2, 1.0),
        (["4", None], [0.5, 1.0], False, 1, 1.0),
        ([None, None], [0.0, 0.0], False, 0, 0.0),
        (["4"], [1.0], False, 1, 0.0),
    ],
)
def test_small_votes_by_hand(
    given: list[str | None], maj_at: list[float], tied: bool, distinct: int, bits: float
) -> None:
    found = shape(given)
    assert found.maj_at == pytest.approx(maj_at)
    assert (found.tied, found.distinct) == (tied, distinct)
    assert found.entropy == pytest.approx(bits)


@given(answers)
def test_entropy_is_zero_only_for_one_answer(given: list[str | None]) -> None:
    entropy = shape(given).entropy
    assert 0 <= entropy <= log2(len(given)) + 1e-9
    assert (entropy == 0) == (len({None if one is None else float(one) for one in given}) == 1)


def test_a_problem_without_samples_has_a_shape_too() -> None:
    assert shape([]) == Shape(right=(), wrong=(), unread=0)
    assert (shape([]).maj_at, shape([]).pass_at, shape([]).entropy, shape([]).tied) == ((), (), 0.0, False)


def test_many_samples_are_exact_too() -> None:
    found = Shape(right=(40,), wrong=(40, 20), unread=28)
    assert found.maj_at[0] == 40 / 128
    assert found.maj_at[-1] == 0.5
    assert found.pass_at[-1] == 1.0
