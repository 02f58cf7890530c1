"""What the figures of a ladder allow to say: their spread over seeds, and the steps between levels above it.

Two levels' losses are compared where both are taken over the same texts: `correct-nodes`, `all-nodes` and `graph`
learn to write the same nodes, `all-nodes` and `graph` rank the same pairs. Differences are taken seed by seed, so
that what a seed does to both levels cancels out.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, stdev

from magdi_cli.core.level import LEVELS
from magdi_cli.core.stats import mean_interval
from magdi_cli.distill.leaving.results import DistillResult, LadderResult, RungRow, Spread, StepUp

ALL = "all"
VALIDATION = "validation accuracy"
"""Of the same problems for every student."""
Kind = tuple[str, str]
"""A level, and the seat that it learns from."""
BySeed = Mapping[int, DistillResult]


def ladder_result(students: Sequence[DistillResult]) -> LadderResult:
    """The result of a ladder's students, given in the order of their training."""
    upwards = sorted(students, key=lambda student: list(LEVELS).index(student.level))
    kinds: dict[Kind, dict[int, DistillResult]] = {}
    for student in upwards:
        kinds.setdefault((student.level, _teacher(student)), {})[student.seed] = student
    return LadderResult(
        folder=upwards[0].folder.parent,
        base=upwards[0].base,
        rungs=tuple(_row(student) for seeds in kinds.values() for student in seeds.values()),
        spread=tuple(row for kind, seeds in kinds.items() for row in _spreads(kind, seeds)),
        steps_up=tuple(_steps_up(kinds)),
    )


def measures(student: DistillResult) -> dict[str, float]:
    """A student's figures by name: each objective's loss, and how many validation problems it answers right.

    The losses' sum is weighted differently at each level, and no figure of its own.
    """
    answers = student.validation and student.validation.answers
    right = {VALIDATION: answers.accuracy} if answers else {}
    return {f"{name} loss": student.losses[name] for name in student.objectives if name in student.losses} | right


def _steps_up(kinds: Mapping[Kind, BySeed]) -> Iterator[StepUp]:
    """Each level with the next; of several seats, the most accurate one's student stands for its level."""
    first: dict[str, BySeed] = {}
    for (level, _), seeds in kinds.items():
        first.setdefault(level, seeds)
    for (lower, below), (upper, above) in pairwise(first.items()):
        names = [_names(seeds) for seeds in (below, above)]
        for measure in (name for name in names[0] if name in names[1]):
            pairs = [(measures(below[seed]), measures(above[seed])) for seed in below]
            yield _step_up(lower, upper, measure, [high[measure] - low[measure] for low, high in pairs])


def _step_up(lower: str, upper: str, measure: str, differences: Sequence[float]) -> StepUp:
    comparable = measure == VALIDATION or _same_texts(lower, upper)
    interval = mean_interval(differences) if comparable else None
    difference = fmean(differences) if comparable else None
    return StepUp(
        lower=lower,
        upper=upper,
        measure=measure,
        difference=difference,
        interval=interval,
        verdict=_verdict(difference, interval),
    )


def _verdict(difference: float | None, interval: tuple[float, float] | None) -> str:
    if difference is None:
        return "not comparable: they learn other texts"
    if interval is None:
        return "noise unknown: one seed; --seeds 3 shows it"
    if interval[0] <= 0 <= interval[1]:
        return "within noise"
    return f"{'higher' if difference > 0 else 'lower'}, above noise"


def _same_texts(lower: str, upper: str) -> bool:
    one, other = LEVELS[lower], LEVELS[upper]
    return (one.teachers, one.rounds) == (other.teachers, other.rounds)


def _spreads(kind: Kind, seeds: BySeed) -> Iterator[Spread]:
    level, teacher = kind
    for measure in _names(seeds):
        values = [measures(student)[measure] for student in seeds.values()]
        yield Spread(
            level=level,
            teacher=teacher,
            measure=measure,
            seeds=len(values),
            mean=fmean(values),
            deviation=stdev(values) if len(values) > 1 else None,
        )


def _names(seeds: BySeed) -> list[str]:
    """The figures that every one of these students has."""
    first, *others = (measures(student) for student in seeds.values())
    return [name for name in first if all(name in other for other in others)]


def _row(student: DistillResult) -> RungRow:
    return RungRow(
        level=student.level,
        teacher=_teacher(student),
        seed=student.seed,
        student=student.folder.name,
        steps=student.counts["steps"],
        tokens=student.tokens,
        losses=student.losses,
        seconds=student.seconds,
    )


def _teacher(student: DistillResult) -> str:
    return ALL if LEVELS[student.level].teachers == "all" else student.teachers[0]
