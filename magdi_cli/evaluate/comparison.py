"""Two subjects side by side: the figures, and what they allow to say."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["a", "b", "unclear"]
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two subjects on one task, on the problems that all their seeds have answered."""

    task: str
    n: int
    left_out: int
    """Problems that only some have answered."""
    seeds_a: int
    seeds_b: int
    accuracy_a: float
    interval_a: Interval | None
    """95 % Wilson interval; None for several seeds, whose answers to a problem are not independent."""
    accuracy_b: float
    interval_b: Interval | None
    difference: float
    """B's accuracy less A's."""
    interval: Interval | None
    """95 % interval by paired bootstrap; None for a single problem."""
    both: int | None
    """Problems that both answered right; this and what follows are None for several seeds."""
    only_a: int | None
    only_b: int | None
    neither: int | None
    p_value: float | None
    """McNemar's exact test."""
    p_adjusted: float | None
    """The same, adjusted for the number of tasks (Holm)."""
    smallest_shown: float
    """The smallest difference that so many problems would show in 4 of 5 cases."""
    problems_needed: int | None
    """Problems that would show the seen difference in 4 of 5 cases; None where there is none."""
    better: Better
    verdict: str
    lost: tuple[str, ...]
    """Problems that only A answered right; with several seeds, those that A's answered right more often."""
    gained: tuple[str, ...]
    """Problems that only B answered right, likewise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Average:
    """The mean over the tasks, each counted alike."""

    accuracy_a: float
    accuracy_b: float
    difference: float
    interval: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two subjects on all tasks that both have answered."""

    schema: Literal["magdi.comparison/1"] = "magdi.comparison/1"
    a: str
    b: str
    tasks: tuple[Pair, ...]
    average: Average | None
    """None for a single task."""
