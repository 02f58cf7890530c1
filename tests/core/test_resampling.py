import random
from statistics import fmean

import pytest

from magdi_cli.core import resampling
from magdi_cli.core.resampling import averaged_interval, bootstrap_interval, paired_interval


def drawn(chance: float, n: int, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [float(rng.random() < chance) for _ in range(n)]


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = 0
    for seed in range(200):
        low, high = bootstrap_interval(drawn(0.6, 80, seed), seed=seed, resamples=400) or (1.0, 0.0)
        held += low <= 0.6 <= high
    assert 180 <= held <= 200


def test_paired_intervals_hold_the_true_difference_about_as_often_as_they_say() -> None:
    held = 0
    for seed in range(200):
        one, other = drawn(0.5, 100, seed), drawn(0.6, 100, seed + 1000)
        low, high = paired_interval([one], [other], seed=seed, resamples=400) or (1.0, 0.0)
        held += low <= 0.1 <= high
    assert 180 <= held <= 200


def test_an_interval_is_the_same_every_time_and_however_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = drawn(0.3, 50, 1)
    first = bootstrap_interval(values, seed=7)
    assert bootstrap_interval(values, seed=7) == first
    assert bootstrap_interval(values, seed=8) != first
    monkeypatch.setattr(resampling, "AT_ONCE", 50 * 999)
    low, high = bootstrap_interval(values, seed=7) or (1.0, 0.0)
    assert low <= fmean(values) <= high


def test_one_problem_tells_nothing_of_the_spread() -> None:
    assert bootstrap_interval([1.0], seed=0) is None
    assert paired_interval([[1.0]], [[0.0]], seed=0) is None


def test_equal_answers_differ_by_nothing() -> None:
    values = drawn(0.5, 60, 2)
    assert paired_interval([values], [values], seed=0) == (0.0, 0.0)


def test_problems_that_both_find_hard_do_not_widen_a_paired_interval() -> None:
    one = drawn(0.5, 200, 3)
    close = [1.0 - value if place % 20 == 0 else value for place, value in enumerate(one)]
    apart = drawn(0.5, 200, 4)
    narrow, wide = (paired_interval([one], [other], seed=0) or (0.0, 0.0) for other in (close, apart))
    assert narrow[1] - narrow[0] < 0.6 * (wide[1] - wide[0])


def test_several_seeds_widen_the_interval_by_what_differs_between_them() -> None:
    base = [drawn(0.5, 300, 5)]
    alike, unlike = (
        [drawn(0.6, 300, s) for s in (6, 7, 8)],
        [drawn(c, 300, s) for c, s in ((0.3, 6), (0.6, 7), (0.9, 8))],
    )
    narrow, wide = (paired_interval(base, seeds, seed=0, resamples=2000) or (0.0, 0.0) for seeds in (alike, unlike))
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_a_mean_over_tasks_is_surer_than_one_task() -> None:
    pairs = [([drawn(0.5, 100, s)], [drawn(0.6, 100, s + 100)]) for s in range(4)]
    one, four = averaged_interval(pairs[:1], seed=0) or (0.0, 0.0), averaged_interval(pairs, seed=0) or (0.0, 0.0)
    assert four[1] - four[0] < 0.7 * (one[1] - one[0])
