"""Noise by resampling: what a mean could have been with other problems of the same kind."""

from collections.abc import Sequence
from typing import Any

RESAMPLES = 10_000
AT_ONCE = 2_000_000
"""Values drawn at once, which bounds memory to a few dozen megabytes."""


def bootstrap_interval(values: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> tuple[float, float] | None:
    """The 95 % percentile interval of the mean of a value a problem; None for fewer than two problems.

    Problems are drawn, not samples: samples of one problem are not independent of each other.
    """
    import numpy as np

    if len(values) < 2:
        return None
    return _interval(_means(np.asarray(values), np.random.default_rng(seed), resamples))


def paired_interval(
    one: Sequence[Sequence[float]], other: Sequence[Sequence[float]], *, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """The 95 % interval of `mean(other) - mean(one)`; each is a row of values, a problem each, for every seed.

    Problems are drawn for both alike. Where one of them has several seeds, its seeds are drawn as well, so that the
    interval covers what another training would have made of it. None for fewer than two problems.
    """
    return averaged_interval([(one, other)], seed=seed, resamples=resamples)


def averaged_interval(
    pairs: Sequence[tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
    """The same of the mean difference over several tasks, each resampled by itself."""
    import numpy as np

    if any(len(one[0]) < 2 for one, _ in pairs):
        return None
    rng = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for one, other in pairs:
        left, right = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
        if len(left) == len(right) == 1:
            total += _means(right[0] - left[0], rng, resamples)
        else:
            total += _seeded(left, right, rng, resamples)
    return _interval(total / len(pairs))


def _means(values: Any, rng: Any, resamples: int) -> Any:
    """Means of so many resamples of an array."""
    import numpy as np

    n = len(values)
    at_once = max(1, AT_ONCE // n)
    sizes = [min(at_once, resamples - begun) for begun in range(0, resamples, at_once)]
    return np.concatenate([values[rng.integers(0, n, size=(size, n))].mean(axis=1) for size in sizes])


def _seeded(left: Any, right: Any, rng: Any, resamples: int) -> Any:
    """Differences of means whose problems, and whose seeds on either side, are drawn."""
    import numpy as np

    n = left.shape[1]
    drawn = np.empty(resamples)
    for place in range(resamples):
        problems = np.bincount(rng.integers(0, n, size=n), minlength=n)
        means = [(side @ problems / n)[rng.integers(0, len(side), size=len(side))].mean() for side in (left, right)]
        drawn[place] = means[1] - means[0]
    return drawn


def _interval(means: Any) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
