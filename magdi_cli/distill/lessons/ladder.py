"""Which students a command trains: one, or the rungs of a ladder of levels, seats and seeds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import DataProblem, UnknownName
from magdi_cli.core.level import Level
from magdi_cli.core.protocols import Report
from magdi_cli.distill.lessons.corpus import Corpus
from magdi_cli.distill.lessons.examples import best_teacher, require_material
from magdi_cli.distill.lessons.settings import levels_of, weights_for

EVERY_SEAT = "all"
"""The `--teacher` that stands for a student of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One student to train, told apart from its neighbours by level, seat and seed."""

    level: Level
    teacher: str | None
    """The one seat that is learned from; None where all are."""
    config: DistillConfig
    """Of the command that trains this student alone."""
    name: str
    """Its folder's: the level; then the seat, unless it is the first; then the seed, unless it is the first."""


def is_ladder(config: DistillConfig) -> bool:
    """Whether the command may train several students."""
    return config.ladder is not None or config.seeds > 1 or config.teacher == EVERY_SEAT


def rungs(config: DistillConfig, corpus: Corpus, report: Report) -> tuple[Rung, ...]:
    """The students in the order of their training: all levels with the first seed, then with the next."""
    levels = levels_of(config)
    seats = {level.name: _seats(level, config, corpus, report) for level in levels}
    return tuple(
        rung
        for count in range(config.seeds)
        for level in levels
        for rung in _of_level(level, seats[level.name], count, config)
    )


def _of_level(level: Level, seats: tuple[str | None, ...], count: int, config: DistillConfig) -> Iterator[Rung]:
    seed = config.seed + count
    for place, seat in enumerate(seats):
        apart = (level.name, quote(seat, safe="") if place and seat else "", f"seed-{seed}" if count else "")
        yield Rung(
            level=level,
            teacher=seat,
            config=replace(
                config,
                level=level.name,
                weight=weights_for(level, config),
                teacher=seat,
                seed=seed,
                ladder=None,
                seeds=1,
            ),
            name="--".join(part for part in apart if part),
        )


def _seats(level: Level, config: DistillConfig, corpus: Corpus, report: Report) -> tuple[str | None, ...]:
    """The seats of which each gets a student; (None,) for the one student of all."""
    if level.teachers == "all":
        require_material(corpus.graphs, level, teacher=None)
        return (None,)
    if config.teacher == EVERY_SEAT or (config.ladder and config.teacher is None):
        return _every_seat(level, corpus, report)
    seat = config.teacher or best_teacher(corpus.graphs)
    if seat not in corpus.seats:
        raise UnknownName("teacher", seat, [*corpus.seats, EVERY_SEAT])
    require_material(corpus.graphs, level, teacher=seat)
    if config.teacher is None:
        report.note(f"learning from {seat}, most often right alone of {', '.join(sorted(corpus.seats))}")
    return (seat,)


def _every_seat(level: Level, corpus: Corpus, report: Report) -> tuple[str, ...]:
    """The seats with something to teach, the most accurate first."""
    best = best_teacher(corpus.graphs)
    require_material(corpus.graphs, level, teacher=best)
    seats = [best]
    for seat in corpus.seats:
        try:
            require_material(corpus.graphs, level, teacher=seat)
        except DataProblem:
            report.warn(f"{seat} was never right alone; no {level.name} student learns from it")
        else:
            seats += [seat] if seat != best else []
    return tuple(seats)
