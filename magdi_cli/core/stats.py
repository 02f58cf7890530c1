"""Honest figures about shares."""

from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


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
