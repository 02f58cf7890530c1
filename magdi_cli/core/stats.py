"""Honest figures about shares and means."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, comb, sqrt
from statistics import fmean, stdev

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
Z80 = 0.8416212335729143
"""The normal quantile below which 80 % lie: the power that a comparison should have."""
T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Student's quantiles of the same for 1 to 30 degrees of freedom; the last one serves, a little wide, beyond."""


def wilson_interval(successes: int, n: int, *, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a share (E. B. Wilson, 1927); all of 0 to 1 when nothing was counted."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, z * z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(kw_only=True, slots=True)
class Share:
    """How many of how many."""

    hits: int = 0
    of: int = 0

    def count(self, hit: bool) -> None:
        """One more, and whether it is a hit."""
        self.hits += hit
        self.of += 1

    @property
    def value(self) -> float | None:
        """The share; None where nothing was counted."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the share."""
        return wilson_interval(self.hits, self.of)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean; None for fewer than two values, which tell nothing of their spread."""
    if len(values) < 2:
        return None
    mean, freedom = fmean(values), min(len(values) - 1, len(T95))
    half = T95[freedom - 1] * stdev(values) / sqrt(len(values))
    return mean - half, mean + half


def mcnemar(only_one: int, only_other: int) -> float:
    """The exact two-sided p-value of McNemar's test (Q. McNemar, 1947): how likely so uneven a split is by chance.

    Of the problems that two answered differently well, each would be as likely to favour the one as the other.
    """
    n, fewer = only_one + only_other, min(only_one, only_other)
    ways: int = 2 * sum(comb(n, k) for k in range(fewer + 1))
    return min(1.0, ways / int(2**n))


def problems_needed(difference: float, discordant: float) -> int | None:
    """Problems with which a paired comparison shows such a difference of shares in 4 of 5 cases; None for none.

    `discordant` is the share of problems that the two answer differently well (R. J. Connor, 1987).
    """
    if difference == 0:
        return None
    spread = max(discordant, abs(difference))
    return ceil((Z95 * sqrt(spread) + Z80 * sqrt(spread - difference * difference)) ** 2 / difference**2)


def smallest_shown(n: int, discordant: float) -> float:
    """The smallest difference of shares that `n` paired problems show in 4 of 5 cases; at most 1."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        needed = problems_needed(middle, discordant)
        low, high = (low, middle) if needed is not None and needed <= n else (middle, high)
    return high


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, adjusted so that a chance find among all stays as rare (S. Holm, 1979)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted
