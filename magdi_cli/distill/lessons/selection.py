"""Which step's student is kept, by what it was worth on the validation graphs."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from magdi_cli.core.distill_config import DistillConfig
from magdi_cli.core.errors import UsageProblem
from magdi_cli.distill.lessons.metrics import Validation

Measure = Literal["loss", "accuracy", "last"]

Worth = tuple[float, ...]
"""The more, the better."""

WORTH: Mapping[Measure, Callable[[Validation], Worth]] = MappingProxyType(
    {
        "loss": lambda validation: (-validation.loss,),
        # few problems make many ties
        "accuracy": lambda validation: (validation.answers.accuracy if validation.answers else 0.0, -validation.loss),
        "last": lambda validation: (validation.step,),
    }
)


def measure_of(config: DistillConfig, *, validated: bool) -> Measure:
    """What the config selects by; a `UsageProblem` where that needs validation graphs and there are none."""
    if config.select == "auto":
        measure: Measure = "loss" if validated else "last"
    else:
        measure = config.select
    if not validated and (measure != "last" or config.patience):
        what = f"--patience {config.patience}" if measure == "last" else f"--select {measure}"
        raise UsageProblem(
            f"{what} needs validation graphs; magdi build-graph --val 0.1 makes some, --validation FILE names them"
        )
    if config.patience and measure == "last":
        raise UsageProblem("--patience waits for a better step and --select last keeps the last one; drop one")
    return measure


def best(validations: Sequence[Validation], measure: Measure) -> Validation | None:
    """The one whose student is kept, the earliest of equals; None where there is none."""
    return max(validations, key=WORTH[measure], default=None)


def out_of_patience(validations: Sequence[Validation], measure: Measure, patience: int) -> bool:
    """Whether the last `patience` validations all failed to better an earlier one; never with a patience of 0."""
    kept = best(validations, measure)
    return kept is not None and 0 < patience <= len(validations) - 1 - validations.index(kept)


def in_words(validations: Sequence[Validation], measure: Measure, planned: int) -> str:
    """Which step's student is kept of how many, and why."""
    kept, last = best(validations, measure), validations[-1]
    assert kept is not None
    early = f"stopped after step {last.step}: no better for a while; " if last.step < planned else ""
    later = f" (at the end {_worth(last, measure)})" if last != kept else ""
    return f"{early}kept step {kept.step} of {planned}: {_worth(kept, measure)}{later}"


def _worth(validation: Validation, measure: Measure) -> str:
    if measure == "accuracy" and validation.answers:
        return f"{validation.answers.correct} of {validation.answers.n} validation answers right"
    return f"validation loss {validation.loss:.4g}"
