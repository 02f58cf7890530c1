"""Every way magdi ends short of its goal, and the exit code of each.

    MagdiError                1  a bug, or something nobody foresaw
    ├── UsageProblem          2  a flag, a value, a name that does not exist
    │   └── UnknownName       2  ... with the nearest names
    ├── DataProblem           3  input, graph or resume that does not fit
    ├── AccessProblem         4  missing key, model that may not or can no longer be called
    ├── TooManyFailures       5  providers failed more often than --fail-on-error allows
    ├── BudgetReached         6  --max-cost is used up
    ├── GateFailed            7  a quality gate the user asked for
    ├── EnvironmentProblem    8  missing extra, no device, out of memory or disk
    │   └── ProcessKilled     8  one of several processes that work together was killed
    ├── ProcessFailed      its own  one of several processes that work together failed
    └── Interrupted    130, 143  Ctrl-C or SIGTERM; what ran was finished first

A message names what is wrong, where, and the way out. Raised anywhere, shown once, by `cli.app`.
"""

import difflib
import signal
from collections.abc import Iterable

NAMES_LISTED = 30
"""Known names that a message lists before it only counts them."""


class MagdiError(Exception):
    """The base of every error a user is meant to read."""

    exit_code: int = 1


class UsageProblem(MagdiError):
    """The command was not asked in a way it can answer."""

    exit_code = 2


class UnknownName(UsageProblem):
    """A name that stands for nothing, with the names that come closest."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, listed_by: str | None = None) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        near = f"close: {', '.join(close)}. " if close else ""
        rest = f" and {len(known) - NAMES_LISTED} more" if len(known) > NAMES_LISTED else ""
        listed = f"'{listed_by}' lists the known" if listed_by else f"known: {', '.join(known[:NAMES_LISTED])}{rest}"
        super().__init__(f"no {what} named {name!r}; {near}{listed}")


class DataProblem(MagdiError):
    """Input that cannot be read, does not fit, or holds nothing to work on."""

    exit_code = 3


class AccessProblem(MagdiError):
    """Credentials are missing or a model cannot be reached with them."""

    exit_code = 4


class TooManyFailures(MagdiError):
    """More calls failed than the run was told to accept; what succeeded is kept."""

    exit_code = 5


class BudgetReached(MagdiError):
    """The run stopped at its cost cap; what was paid for is kept."""

    exit_code = 6


class GateFailed(MagdiError):
    """The result is complete, and below the bar the user set."""

    exit_code = 7

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result
        """The command's result, which is shown all the same; None where there is none to show."""


class EnvironmentProblem(MagdiError):
    """This machine lacks something: a package, a device, memory, disk."""

    exit_code = 8


class ProcessKilled(EnvironmentProblem):
    """One of several processes that work together was killed; what they had stored is kept."""


class ProcessFailed(MagdiError):
    """One of several processes that work together failed; its reason, and its exit code."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


class Interrupted(MagdiError):
    """Somebody asked the run to stop; what was under way was finished first."""

    def __init__(self, number: signal.Signals, why: str = "stopped") -> None:
        super().__init__(why)
        self.exit_code = 128 + number
