"""A training as whoever runs it sees it: a bar, and the newest figures beside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from magdi_cli.core.protocols import Report
from magdi_cli.distill.lessons.metrics import Step, Validation
from magdi_cli.distill.lessons.schedule import Schedule


@contextmanager
def followed(
    label: str, plan: Schedule, report: Report
) -> Iterator[tuple[Callable[[Step], None], Callable[[Validation], None]]]:
    """What to call after each step, and after each validation."""
    newest: dict[str, str] = {}

    def step_done(step: Step) -> None:
        newest["loss"] = f"loss {step.loss:.3f}"
        advance()

    def validated(validation: Validation) -> None:
        answers = validation.answers
        right = f", {answers.correct} of {answers.n} right" if answers else ""
        newest["validation"] = f"validation {validation.loss:.3f}{right}"

    with report.progress(label, len(plan.steps), lambda: ", ".join(newest.values())) as advance:
        yield step_done, validated
