import pytest

from magdi_cli.core.stats import Share, wilson_interval


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
