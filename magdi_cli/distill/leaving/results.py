"""What `magdi distill` tells at its end: of one student, or of a ladder of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from magdi_cli.distill.lessons.metrics import Validation
from magdi_cli.distill.lessons.mixing import MixtureRow


@dataclass(frozen=True, kw_only=True, slots=True)
class DistillResult:
    """The student, and how it came to be."""

    schema: Literal["magdi.distill-result/1"] = "magdi.distill-result/1"
    folder: Path
    level: str
    seed: int
    base: str
    """The model that the adapter belongs to."""
    teachers: tuple[str, ...]
    objectives: Mapping[str, float]
    """The weights trained with."""
    mixture: tuple[MixtureRow, ...]
    """What an epoch read of each task of each file."""
    counts: Mapping[str, int]
    """`steps`, `examples`, `nodes`, `correct_nodes`, `pairs`, `flips`; `dropped_nodes` (longer than `--max-length`)."""
    losses: Mapping[str, float]
    """Each objective's mean loss, and the total, over the last tenth of the steps."""
    validation: Validation | None
    """Of the step whose student was kept; None without validation graphs."""
    tokens: int
    """Tokens encoded, all steps together."""
    seconds: float
    """Time spent in steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RungRow:
    """One student of a ladder."""

    level: str
    teacher: str
    """The seat that was learned from, or `all`."""
    seed: int
    student: str
    """Its folder's name, by which `magdi evaluate --student` knows it."""
    steps: int
    tokens: int
    losses: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """One figure of a level's students, over their seeds."""

    level: str
    teacher: str
    measure: str
    seeds: int
    mean: float
    deviation: float | None
    """The standard deviation; None for one seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepUp:
    """What a level adds to the one below it, seed by seed."""

    lower: str
    upper: str
    measure: str
    difference: float | None
    """The upper level's figure less the lower's, the mean over seeds; None where that would mean nothing."""
    interval: tuple[float, float] | None
    """95 % of it (Student's, of the paired differences); None for one seed."""
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LadderResult:
    """The students of a ladder, and what can be said about its steps."""

    schema: Literal["magdi.ladder-result/1"] = "magdi.ladder-result/1"
    folder: Path
    base: str
    """The model that the adapters belong to."""
    rungs: tuple[RungRow, ...]
    spread: tuple[Spread, ...]
    steps_up: tuple[StepUp, ...]
