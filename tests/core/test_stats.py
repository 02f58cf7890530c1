import pytest

from magdi_cli.core.stats import Share, mean_interval, wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (81, 263, 0.25525, 0.36620), (0, 0, 0.0, 1.0)],
)
def test_the_wilson_interval_equals_published_values(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_a_share_of_nothing_has_no_value_and_could_be_anything() -> None:
    share = Share()
    assert (share.value, share.interval) == (None, (0.0, 1.0))


def test_a_share_counts_hits_among_all() -> None:
    share = Share()
    for hit in (True, False, False, True, False):
        share.count(hit)
    assert (share.value, share.interval) == (2 / 5, wilson_interval(2, 5))


def test_the_interval_of_a_mean_is_students() -> None:
    # the sleep data of "The probable error of a mean" (1908): ten differences, 95 % from 0.70 to 2.46
    gained = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    assert mean_interval(gained) == (pytest.approx(0.70, abs=5e-3), pytest.approx(2.46, abs=5e-3))


def test_one_value_tells_nothing_of_its_spread() -> None:
    assert mean_interval([0.5]) is None


def test_many_values_have_an_interval_a_little_too_wide() -> None:
    low, high = mean_interval([0.0, 1.0] * 100) or (0.0, 0.0)
    assert 2 * 1.972 < (high - low) / (0.25 * 200 / 199 / 200) ** 0.5 < 2 * 2.05
