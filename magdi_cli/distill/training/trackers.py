"""Experiment trackers beside `metrics.jsonl`: transformers' own callbacks, kept from doing harm."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations.integration_utils import get_reporting_integration_callbacks

from magdi_cli.core.errors import EnvironmentProblem
from magdi_cli.distill.lessons.metrics import Step, Validation


class Tracker(TrainerCallback):  # type: ignore[misc]
    """One tracker; when it fails, that is said once and it is left alone.

    It is told figures and no more: it has no say in the training and uploads no checkpoint.
    """

    def __init__(self, name: str, callback: TrainerCallback, warn: Callable[[str], None]) -> None:
        self._name, self._callback, self._warn = name, callback, warn
        self._failed = False

    def on_train_begin(self, *said: Any, **also: Any) -> None:
        """Open the tracker's own run."""
        self._tell("on_train_begin", *said, **also)

    def on_log(self, *said: Any, **also: Any) -> None:
        """Pass on a line of figures."""
        self._tell("on_log", *said, **also)

    def on_train_end(self, *said: Any, **also: Any) -> None:
        """Close the run."""
        self._tell("on_train_end", *said, **also)

    def _tell(self, event: str, *said: Any, **also: Any) -> None:
        if self._failed:
            return
        try:
            getattr(self._callback, event)(*said, **also)
        except Exception as error:  # whatever a service of somebody else raises, the training goes on
            self._failed = True
            first_line = str(error).partition("\n")[0]
            self._warn(f"{self._name} failed and is told no more: {type(error).__name__}: {first_line}")


def made_trackers(names: Sequence[str], folder: Path, warn: Callable[[str], None]) -> tuple[Tracker, ...]:
    """The trackers, ready for a training whose student is made in `folder`."""
    return tuple(Tracker(name, _callback(name, folder), warn) for name in names)


def _callback(name: str, folder: Path) -> TrainerCallback:
    (kind,) = get_reporting_integration_callbacks([name])
    try:
        callback = kind()
    except (RuntimeError, ImportError) as error:
        raise EnvironmentProblem(f"--report-to {name} does not work here: {error}") from None
    if name == "wandb":
        os.environ.setdefault("WANDB_PROJECT", "magdi")
    if name == "tensorboard" and callback.logging_dir is None:
        # by itself it writes among the checkpoints, which go when training is done
        callback.logging_dir = str(folder / name)
    return callback


def step_figures(step: Step) -> dict[str, float]:
    """A step under the names that trackers show."""
    single = {name: getattr(step, name) for name in ("loss", "gradient_norm", "learning_rate", "epoch", "tokens")}
    return {
        **{name: value for name, value in single.items() if value is not None},
        **_under("loss", step.terms),
        **_under("gradient", step.term_gradient_norms),
        **_under("accuracy", step.accuracy),
    }


def validation_figures(validation: Validation) -> dict[str, float]:
    """A look at the validation graphs under the names that trackers show; `eval_` is how they know it."""
    answers = {"eval_answers": validation.answers.accuracy} if validation.answers else {}
    return {
        "eval_loss": validation.loss,
        **_under("eval_loss", validation.terms),
        **_under("eval_accuracy", validation.accuracy),
        **answers,
    }


def _under(name: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}/{inner}": value for inner, value in values.items()}
