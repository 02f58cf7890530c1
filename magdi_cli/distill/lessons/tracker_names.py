"""The experiment trackers that a training can report to."""

from collections.abc import Sequence
from importlib.util import find_spec

from magdi_cli.core.errors import EnvironmentProblem, UnknownName

TRACKERS = ("tensorboard", "wandb", "trackio", "mlflow")
"""By name, which is also that of the package."""
NONE = "none"


def tracker_names(report_to: Sequence[str]) -> tuple[str, ...]:
    """The trackers that `--report-to` names; what is unknown or not installed is refused."""
    named = [name.strip() for given in report_to for name in given.split(",")]
    names = tuple(dict.fromkeys(name for name in named if name and name != NONE))
    for name in names:
        if name not in TRACKERS:
            raise UnknownName("tracker", name, (NONE, *TRACKERS))
        if find_spec(name) is None:
            raise EnvironmentProblem(f"--report-to {name} needs a package that is not installed: pip install {name}")
    return names
