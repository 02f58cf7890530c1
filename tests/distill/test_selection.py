import pytest

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import UsageProblem
from magdi_cli.distill.lessons.metrics import Answers, Validation
from magdi_cli.distill.lessons.selection import best, in_words, measure_of, out_of_patience


def looks(*losses: float, right: tuple[int, ...] = ()) -> list[Validation]:
    """Validations after steps 10, 20, ..."""
    return [
        Validation(
            step=10 * number,
            loss=loss,
            terms={},
            accuracy={},
            answers=_answers(right[number - 1]) if right else None,
            seconds=0.0,
        )
        for number, loss in enumerate(losses, start=1)
    ]


def _answers(correct: int) -> Answers:
    return Answers(n=4, correct=correct, unanswered=0, accuracy=correct / 4, interval=(0.0, 1.0))


def test_the_lowest_loss_is_kept_and_the_earliest_of_equals() -> None:
    kept = best(looks(0.9, 0.5, 0.7, 0.5), "loss")
    assert kept is not None
    assert kept.step == 20


def test_accuracy_counts_before_loss_and_loss_breaks_ties() -> None:
    kept = best(looks(0.1, 0.9, 0.8, 0.2, right=(1, 3, 3, 2)), "accuracy")
    assert kept is not None
    assert kept.step == 30


def test_the_last_is_kept_when_told_so() -> None:
    kept = best(looks(0.1, 0.9), "last")
    assert kept is not None
    assert kept.step == 20


def test_without_validations_none_is_best() -> None:
    assert best([], "loss") is None


@pytest.mark.parametrize(
    ("losses", "patience", "out"),
    [
        ((0.5, 0.6), 1, True),
        ((0.5, 0.6), 2, False),
        ((0.5, 0.6, 0.5), 2, True),
        ((0.5, 0.6, 0.4), 1, False),
        ((0.5, 0.6, 0.7, 0.8), 0, False),
        ((), 1, False),
    ],
)
def test_patience_counts_the_validations_since_the_best(losses: tuple[float, ...], patience: int, out: bool) -> None:
    assert out_of_patience(looks(*losses), "loss", patience) == out


def test_selection_is_by_loss_where_there_is_validation() -> None:
    assert measure_of(DistillConfig(), validated=True) == "loss"
    assert measure_of(DistillConfig(), validated=False) == "last"


def test_a_measure_without_validation_graphs_is_refused() -> None:
    with pytest.raises(UsageProblem, match="--select accuracy needs validation graphs"):
        measure_of(DistillConfig(select="accuracy"), validated=False)


def test_patience_without_validation_graphs_says_how_to_get_some() -> None:
    with pytest.raises(UsageProblem, match=r"--patience 2 needs validation graphs; .* --validation FILE"):
        measure_of(DistillConfig(patience=2), validated=False)


def test_patience_with_nothing_to_wait_for_is_refused() -> None:
    with pytest.raises(UsageProblem, match="--patience"):
        measure_of(DistillConfig(patience=2, select="last"), validated=True)


def test_the_choice_is_told_with_both_sides() -> None:
    seen = looks(0.5, 0.75)
    assert in_words(seen, "loss", 20) == "kept step 10 of 20: validation loss 0.5 (at the end validation loss 0.75)"
    assert in_words(seen, "last", 20) == "kept step 20 of 20: validation loss 0.75"
    assert in_words(seen, "loss", 90).startswith("stopped after step 20: ")
