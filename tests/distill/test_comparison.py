from pathlib import Path

import pytest

from magdi_cli.distill.leaving.comparison import ladder_result
from magdi_cli.distill.leaving.results import DistillResult
from magdi_cli.distill.lessons.metrics import Answers, Validation

OBJECTIVES = {
    "single-teacher": ("next-token",),
    "round-0": ("next-token",),
    "correct-nodes": ("next-token",),
    "all-nodes": ("next-token", "margin"),
    "graph": ("next-token", "margin", "node"),
}


def student(level: str, *losses: float, seed: int = 0, teacher: str = "ada", right: int | None = None) -> DistillResult:
    """A student that ended with these losses, and answered so many of four validation problems right."""
    named = dict(zip(OBJECTIVES[level], losses, strict=True))
    return DistillResult(
        folder=Path("run/students") / f"{level}--seed-{seed}",
        level=level,
        seed=seed,
        base="tiny",
        teachers=(teacher,) if level == "single-teacher" else ("ada", "bob"),
        objectives=dict.fromkeys(named, 1.0),
        mixture=(),
        counts={"steps": 5},
        losses={"loss": sum(losses), **named},
        validation=_validation(right) if right is not None else None,
        tokens=100,
        seconds=1.0,
    )


def _validation(right: int) -> Validation:
    answers = Answers(n=4, correct=right, unanswered=0, accuracy=right / 4, interval=(0.0, 1.0))
    return Validation(step=5, loss=1.0, terms={}, accuracy={}, answers=answers, seconds=0.0)


def test_rungs_are_told_upwards_with_their_seeds_together() -> None:
    trained = [student(level, 1.0, seed=seed) for seed in (0, 1) for level in ("single-teacher", "round-0")]
    told = [(row.level, row.teacher, row.seed, row.student) for row in ladder_result(trained).rungs]
    assert told == [
        ("single-teacher", "ada", 0, "single-teacher--seed-0"),
        ("single-teacher", "ada", 1, "single-teacher--seed-1"),
        ("round-0", "all", 0, "round-0--seed-0"),
        ("round-0", "all", 1, "round-0--seed-1"),
    ]


def test_each_figure_has_its_mean_and_its_deviation_over_the_seeds_of_one_seat() -> None:
    told = ladder_result(
        [
            *(student("single-teacher", loss, seed=seed) for seed, loss in enumerate((1.0, 2.0, 3.0))),
            student("single-teacher", 9.0, teacher="bob"),
        ]
    ).spread
    assert [(row.teacher, row.measure, row.seeds, row.mean, row.deviation) for row in told] == [
        ("ada", "next-token loss", 3, 2.0, 1.0),
        ("bob", "next-token loss", 1, 9.0, None),
    ]


def test_levels_over_other_texts_are_not_compared() -> None:
    (told,) = ladder_result([student("single-teacher", 2.0), student("round-0", 1.0)]).steps_up
    assert (told.difference, told.interval) == (None, None)
    assert told.verdict == "not comparable: they learn other texts"


def test_one_seed_says_nothing_about_noise() -> None:
    (told,) = ladder_result([student("correct-nodes", 1.0), student("all-nodes", 0.5, 1.0)]).steps_up
    assert told.difference == -0.5
    assert told.verdict == "noise unknown: one seed; --seeds 3 shows it"


@pytest.mark.parametrize(
    ("upper", "verdict"),
    [
        ((0.9, 1.9, 2.9), "lower, above noise"),
        ((1.1, 2.1, 3.11), "higher, above noise"),
        ((0.5, 2.4, 3.0), "within noise"),
    ],
)
def test_a_step_counts_when_its_differences_by_seed_keep_clear_of_zero(upper: tuple[float, ...], verdict: str) -> None:
    # over the seeds each level spreads by 1, ten times the step: only the pairing by seed can see it
    below = [student("correct-nodes", loss, seed=seed) for seed, loss in enumerate((1.0, 2.0, 3.0))]
    above = [student("all-nodes", loss, 1.0, seed=seed) for seed, loss in enumerate(upper)]
    (told,) = ladder_result([*below, *above]).steps_up
    assert told.measure == "next-token loss"
    assert told.verdict == verdict


def test_objectives_that_both_levels_have_are_compared_one_by_one() -> None:
    told = ladder_result([student("all-nodes", 1.0, 2.0), student("graph", 1.0, 1.5, 0.7)]).steps_up
    assert [(step.measure, step.difference) for step in told] == [("next-token loss", 0.0), ("margin loss", -0.5)]


def test_the_first_seat_stands_for_its_level() -> None:
    below = [student("single-teacher", 1.0), student("single-teacher", 5.0, teacher="bob")]
    (told,) = ladder_result([*below, student("round-0", 1.0)]).steps_up
    assert (told.lower, told.upper) == ("single-teacher", "round-0")


def test_validation_accuracy_is_compared_whatever_the_levels_learn() -> None:
    loss, accuracy = ladder_result([student("single-teacher", 2.0, right=1), student("round-0", 1.0, right=3)]).steps_up
    assert loss.difference is None
    assert (accuracy.measure, accuracy.difference) == ("validation accuracy", 0.5)
