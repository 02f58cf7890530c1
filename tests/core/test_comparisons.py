"""Tests of paired shares: McNemar's, its power, and several of them together."""

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magdi_cli.core.stats import holm, mcnemar, problems_needed, smallest_shown

counts = st.integers(0, 60)


@pytest.mark.parametrize(
    ("one", "other", "p_value"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (1, 9, 22 / 1024), (6, 16, 0.05248)],
)
def test_mcnemar_is_the_exact_binomial_test(one: int, other: int, p_value: float) -> None:
    assert mcnemar(one, other) == pytest.approx(p_value, rel=1e-3)


@given(counts, counts)
def test_mcnemar_is_the_share_of_splits_at_least_as_uneven(one: int, other: int) -> None:
    n = one + other
    as_uneven = sum(comb(n, k) for k in range(n + 1) if abs(n - 2 * k) >= abs(one - other))
    assert mcnemar(one, other) == mcnemar(other, one) == pytest.approx(as_uneven / 2**n)


def test_so_many_problems_show_the_difference_in_four_of_five_cases() -> None:
    only_one, only_other = 0.05, 0.12
    n = problems_needed(only_other - only_one, only_one + only_other)
    assert n is not None
    rng = random.Random(0)
    shown = 0
    for _ in range(300):
        draws = [rng.random() for _ in range(n)]
        lost = sum(draw < only_one for draw in draws)
        gained = sum(only_one <= draw < only_one + only_other for draw in draws)
        shown += mcnemar(lost, gained) < 0.05
    assert 0.70 < shown / 300 < 0.88


@given(st.integers(5, 5000), st.floats(0.01, 1.0))
def test_the_smallest_difference_shown_needs_just_so_many_problems(n: int, discordant: float) -> None:
    smallest = smallest_shown(n, discordant)
    assert 0 < smallest <= 1
    needed = problems_needed(smallest, discordant)
    assert needed is not None
    assert needed <= n or smallest > 0.999
    fewer = problems_needed(smallest * 0.99, discordant)
    assert fewer is not None
    assert fewer >= n


def test_no_difference_needs_no_number_of_problems() -> None:
    assert problems_needed(0.0, 0.3) is None


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [([], []), ([0.04], [0.04]), ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]), ([0.6, 0.7], [1.0, 1.0])],
)
def test_several_tests_are_adjusted_together(given: list[float], adjusted: list[float]) -> None:
    assert holm(given) == pytest.approx(adjusted)
